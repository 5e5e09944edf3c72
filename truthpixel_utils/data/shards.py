"""Rows of parquet shards, and of the data set on the hub, which has the same columns."""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

import datasets
import pyarrow as pa
import pyarrow.parquet as pq

from truthpixel_utils.data.rows import CAMERA, check_classes, raw_row, with_unique_id
from truthpixel_utils.data.sources import PARTS, part_of
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import label_of

READ = ("image", "label", "generator", "source", "part", "picture", "view", "width", "height")
GIT_LFS = b"version https://git-lfs"  # how the file begins that stands for another one
UNREADABLE = (pa.ArrowException, OSError)


def open_shard(path: str | Path) -> pq.ParquetFile:
    """Open a parquet file.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    pyarrow.parquet.ParquetFile
        Opened; of its rows nothing is read yet.

    Raises
    ------
    TruthPixelError
        If it cannot be opened; the message says what it is instead, as far as one can tell.
    """
    try:
        return pq.ParquetFile(path)
    except UNREADABLE as error:
        raise TruthPixelError(_what_it_is(Path(path), error)) from None


def holds_images(path: str | Path) -> bool:
    """Tell whether a parquet file is a shard of a data set, and not some table.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    bool
        Whether it has a column ``image`` (in upper or lower case) that holds files of images.
    """
    with open_shard(path) as shard:
        schema = shard.schema_arrow
    name = _columns(schema).get("image")
    if name is None:
        return False
    kind = schema.field(name).type
    return _is_binary(kind) or (pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0)


def column_names(path: str | Path) -> list[str]:
    """List a parquet file's columns.

    Parameters
    ----------
    path : str or Path
        The file.

    Returns
    -------
    list of str
        Their names, as they stand there.
    """
    with open_shard(path) as shard:
        return shard.schema_arrow.names


def parquet_rows(files, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of parquet shards.

    They have the columns image and label and perhaps generator, source and part, in upper or lower
    case. In a table of views, which has the columns picture and view too, the rows of one picture
    lie beside each other and become one.

    Parameters
    ----------
    files : iterable of (path, bytes, time of change)
        The shards.
    default_generator : str
        What made the AI-generated images of a shard that does not say.

    Yields
    ------
    dict
        Rows as `rows.raw_row` makes them.
    """
    paths = [Path(path) for path, *_ in files]
    namers, classes = {}, set()
    for path in paths:  # one shard may hold one class, and the next the other
        with open_shard(path) as shard:
            namers[path], found = _class_names(shard, path)
        classes |= found
    check_classes(classes, paths[0] if len(paths) == 1 else paths[0].parent)
    times_seen = Counter()
    for path in paths:
        with open_shard(path) as shard:
            rows = _rows(shard, path)
            if {"picture", "view"} <= _columns(shard.schema_arrow).keys():
                rows = _pictures_of_views(rows)
            for raw in rows:
                class_name = namers[path](raw["label"])
                row = _labelled(raw, class_name, part_of(path), default_generator)
                yield with_unique_id(row, times_seen)


def hub_rows(name: str, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of a data set on the hub, which has the columns of a parquet shard.

    Parameters
    ----------
    name : str
        The data set.
    default_generator : str
        What made its AI-generated images.

    Yields
    ------
    dict
        Rows as `rows.raw_row` makes them.
    """
    times_seen = Counter()
    for part, split in datasets.load_dataset(name).items():
        label = split.features.get("label")
        if not isinstance(label, datasets.ClassLabel):
            raise TruthPixelError(_without_class_names(name))
        check_classes(label.names, name)
        name_of = _name_by_number(label.names, name)
        for batch in split.with_format("arrow").iter(1024):
            for raw in batch.to_pylist():
                raw["image"] = _as_file(raw["image"])
                row = _labelled(raw, name_of(raw["label"]), part, default_generator)
                yield with_unique_id(row, times_seen)


def _what_it_is(path: Path, error: Exception) -> str:
    """Say in a sentence what a file is that is no whole parquet file."""
    try:
        with path.open("rb") as file:
            head = file.read(len(GIT_LFS))
    except OSError as closed:
        return f"{path} cannot be read ({closed.strerror.lower()})."
    if not head:
        return f"{path} is empty: fetch it again, or remove it."
    if head == GIT_LFS:
        return f"{path} is a git-lfs pointer and not the table itself: git lfs pull fetches that."
    return f"{path} is cut short or no parquet file: fetch it again, or remove it."


def _columns(schema: pa.Schema) -> dict[str, str]:
    """The columns that are read, by the names that they have here: their names in the file."""
    found = {name.lower(): name for name in reversed(schema.names) if name.lower() in READ}
    return {**found, **{name: name for name in READ if name in schema.names}}


def _rows(shard: pq.ParquetFile, path: Path) -> Iterator[dict]:
    """Yield a shard's rows, with the names that columns have here."""
    columns = _columns(shard.schema_arrow)
    here = {there: name for name, there in columns.items()}
    try:
        for batch in shard.iter_batches(256, columns=list(here)):
            names = [here[there] for there in batch.schema.names]
            for row in batch.rename_columns(names).to_pylist():
                yield {**row, "image": _as_file(row["image"])}
    except UNREADABLE:
        raise TruthPixelError(f"{path} is damaged inside: fetch it again.") from None


def _as_file(image: dict | bytes | None) -> dict[str, Any]:
    """Bytes and name of an image; a table may hold the bytes alone, or null."""
    if isinstance(image, dict):
        return image
    return {"bytes": image, "path": None}


def _pictures_of_views(rows: Iterator[dict]) -> Iterator[dict]:
    """Make one row of a picture's views: the whole one is its image, the others its squares."""
    for picture, views in groupby(rows, key=lambda row: row["picture"]):
        views = list(views)
        whole = [row["image"] for row in views if row["view"] in ("whole", "picture")]
        squares = [row["image"]["bytes"] for row in views if row["view"] in ("native", "scaled")]
        image = whole[0] if whole else views[0]["image"]
        yield {**views[0], "image": {**image, "path": picture}, "squares": squares}


def _labelled(raw: dict, class_name: str | None, part: str, default_generator: str) -> dict:
    """Make a raw row of a shard's row; `class_name` is None where it has no label."""
    image = raw["image"]["bytes"] or b""
    part = PARTS.get((raw.get("part") or part).lower(), "all")
    label = None if class_name is None else label_of(class_name)
    digest = hashlib.sha256(image).hexdigest()[:16]
    name = raw["image"]["path"] or f"{class_name or 'unlabelled'}/{digest}"
    generator = raw.get("generator") or (CAMERA if label == 0 else default_generator)
    row = raw_row(image, label, f"{part}/{name}", generator, raw.get("source"), part)
    return row | {name: raw[name] for name in ("squares", "width", "height") if name in raw}


def _class_names(shard: pq.ParquetFile, path: Path) -> tuple[Callable, set[str]]:
    """Return the function that names the class of a label, and the names that there are.

    The function returns None for what stands for no label: null, an empty text, a negative number.
    """
    schema = shard.schema_arrow
    column = _columns(schema).get("label")
    if column is not None and _is_text(schema.field(column).type):
        names = set()
        try:
            for batch in shard.iter_batches(columns=[column]):
                names |= set(batch.column(0).to_pylist())
        except UNREADABLE:
            raise TruthPixelError(f"{path} is damaged inside: fetch it again.") from None
        return _text_or_none, set(filter(None, map(_text_or_none, names)))
    try:
        label = datasets.Features.from_arrow_schema(schema).get(column)
    except (TypeError, ValueError):
        label = None
    if not isinstance(label, datasets.ClassLabel):
        raise TruthPixelError(_without_class_names(path))
    return _name_by_number(label.names, path), set(label.names)


def _text_or_none(text: str | None) -> str | None:
    return text.strip() or None if text else None


def _name_by_number(names: list[str], where: str | Path) -> Callable[[float | None], str | None]:
    """Return the function that names a class by its number, and nothing by a negative one."""

    def name_of(number):
        if number is None or not number >= 0:  # so it is with NaN
            return None
        if number >= len(names):
            raise TruthPixelError(
                f"{where} has a label {number}, and names for {len(names)} classes only: "
                f"{', '.join(names)}."
            )
        return names[int(number)]

    return name_of


def _is_text(kind: pa.DataType) -> bool:
    if pa.types.is_dictionary(kind):  # what pandas calls a categorical
        return _is_text(kind.value_type)
    return pa.types.is_string(kind) or pa.types.is_large_string(kind)


def _is_binary(kind: pa.DataType) -> bool:
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _without_class_names(where: str | Path) -> str:
    return (
        f"{where} has no column label that names the classes (text, or ClassLabel): "
        "its integers alone do not say what is real."
    )
