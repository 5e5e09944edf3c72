"""One table out of a source's files, whatever they look like inside: shards, folders, or the hub.

Labels follow the *names* of the classes, never their integers, on which copies of CIFAKE disagree.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import chain, groupby, islice
from pathlib import Path

import datasets
import numpy as np
import pyarrow.parquet as pq
from datasets.arrow_writer import ArrowWriter
from PIL import Image

from truthpixel_utils.data import sources
from truthpixel_utils.data.cutting import THUMBNAIL_AT_MOST, cut
from truthpixel_utils.data.images import to_rgb
from truthpixel_utils.data.sources import PARTS, Source, file_stamps, part_of
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, status_line
from truthpixel_utils.labels import CLASS_NAMES, KEYS

COLUMNS = datasets.Features(
    {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=list(KEYS)),
        "id": datasets.Value("string"),
        "generator": datasets.Value("string"),
        "source": datasets.Value("string"),
        "squares": datasets.List(datasets.Value("binary")),
        "format": datasets.Value("string"),
        "width": datasets.Value("int32"),
        "height": datasets.Value("int32"),
        "part": datasets.Value("string"),
        "problem": datasets.Value("string"),
    }
)
# Part of the cache's key: raise it when `read_source` makes another table from the same files.
_LAYOUT = 3
READ = ("image", "label", "generator", "source", "part", "picture", "view", "width", "height")
CAMERA = "camera"  # what made a real image, unless the data name a scanner or a painter
LONG = 10  # seconds after which a reader wants to know how far it is
PART = 256  # rows that are read, cut and written at a time; a killed reading goes on after the last


def read_source(source: Source) -> datasets.Dataset:
    """Read a source into one table, once: the next call maps the same files into memory.

    Pictures (what is larger than a thumbnail) are cut on the way, see `cutting.cut`. The table is
    written in parts, so that a reading that was killed goes on after the last whole one.

    Parameters
    ----------
    source : Source
        The place to read from, such as `find_source` returns.

    Returns
    -------
    datasets.Dataset
        One row an image, with the columns of `COLUMNS`, in the source's order. ``image`` is a
        thumbnail as it came, or a small view of the whole picture, and ``squares`` are what was cut
        out of it (none of a thumbnail). ``format``, ``width`` and ``height`` (pixels) are the
        file's, where the source holds whole files. ``source`` names the photographer, repository or
        gallery that an image is from, where the data do. ``problem`` is None for an image that
        decodes, and says in words what is wrong with another.

    Raises
    ------
    TruthPixelError
        If the folder is missing or empty, if there is a single class, or if a class has a name that
        is not in `labels.CLASS_NAMES`.
    """
    generator = source.generator
    if source.folder is None:
        return _table(_hub_rows, name=sources.HUB_DATASET, default_generator=generator)
    if not source.folder.is_dir():
        raise TruthPixelError(
            f"{source.folder} is not a folder: name one that holds parquet shards, "
            "or folders REAL and FAKE."
        )
    files = file_stamps(source)
    if not files:
        raise TruthPixelError(
            f"{source.folder} holds no images: expected train*.parquet and test*.parquet, "
            "or folders REAL and FAKE."
        )
    if files[0][0].endswith(".parquet"):
        return _table(_parquet_rows, files=files, default_generator=generator)
    root = str(source.folder)
    return _table(_folder_rows, root=root, files=files, default_generator=generator)


def _table(raw_rows: Callable[..., Iterator[dict]], **inputs) -> datasets.Dataset:
    """Write the rows of `raw_rows(**inputs)` to the datasets cache, unless that was done before."""
    key = json.dumps([raw_rows.__name__, inputs, _LAYOUT], sort_keys=True)
    cache = Path(datasets.config.HF_DATASETS_CACHE) / "truthpixel"
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:24]
    complete = folder / "complete.json"
    if not complete.exists():
        count = _write_parts(raw_rows(**inputs), folder)
        with atomic_write(complete) as part:
            part.write_text(json.dumps({"parts": count}))
    count = json.loads(complete.read_text())["parts"]
    parts = [datasets.Dataset.from_file(str(_part(folder, number))) for number in range(count)]
    return datasets.concatenate_datasets(parts)


def _write_parts(raw_rows: Iterator[dict], folder: Path) -> int:
    """Write rows in parts of `PART`, those that are there already left out; return their number."""
    number, start, say = 0, time.monotonic(), None
    with ThreadPoolExecutor() as pool:  # Pillow and OpenCV release Python's lock
        while raw := list(islice(raw_rows, PART)):
            path = _part(folder, number)
            if not path.exists():
                rows = pool.map(_finished_row, raw)
                _write_part(path, rows)
            number += 1
            if time.monotonic() - start > LONG:
                say = say or status_line()
                say(f"{(number - 1) * PART + len(raw):,} images read")
    return number


def _write_part(path: Path, rows: Iterable[dict]) -> None:
    with atomic_write(path) as part, ArrowWriter(features=COLUMNS, path=str(part)) as writer:
        for row in rows:
            writer.write(row)
        writer.finalize()


def _part(folder: Path, number: int) -> Path:
    return folder / f"{number:06d}.arrow"


def _parquet_rows(files, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of parquet shards.

    They have the columns image and label and perhaps generator, source and part. In a table of
    views, which has the columns picture and view too, the rows of one picture lie beside each other
    and become one.
    """
    times_seen = Counter()
    for path, *_ in files:
        shard = pq.ParquetFile(path)
        schema = shard.schema_arrow
        name_of = _class_names(shard, path)
        part = part_of(Path(path))
        columns = [name for name in READ if name in schema.names]
        batches = shard.iter_batches(256, columns=columns)
        rows = chain.from_iterable(batch.to_pylist() for batch in batches)
        if {"picture", "view"} <= set(columns):
            rows = _pictures_of_views(rows)
        for raw in rows:
            row = _labelled(raw, name_of(raw["label"]), part, default_generator)
            yield _with_unique_id(row, times_seen)


def _pictures_of_views(rows: Iterator[dict]) -> Iterator[dict]:
    """Make one row of a picture's views: the whole one is its image, the others its squares."""
    for picture, views in groupby(rows, key=lambda row: row["picture"]):
        views = list(views)
        whole = [row["image"] for row in views if row["view"] in ("whole", "picture")]
        squares = [row["image"]["bytes"] for row in views if row["view"] in ("native", "scaled")]
        image = whole[0] if whole else views[0]["image"]
        yield {**views[0], "image": {**image, "path": picture}, "squares": squares}


def _hub_rows(name: str, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of a data set on the hub, which has the columns of a parquet shard."""
    times_seen = Counter()
    for part, split in datasets.load_dataset(name).items():
        label = split.features.get("label")
        if not isinstance(label, datasets.ClassLabel):
            raise TruthPixelError(_without_class_names(name))
        _check_classes(label.names, name)
        for batch in split.with_format("arrow").iter(1024):
            for raw in batch.to_pylist():
                row = _labelled(raw, label.names[raw["label"]], PARTS[part], default_generator)
                yield _with_unique_id(row, times_seen)


def _folder_rows(root: str, files, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of class folders.

    They lie in ``train|test/REAL|FAKE`` (as in CIFAKE's archive) or just in ``REAL|FAKE``. A folder
    inside a class names the source: the generator of AI-generated images, the photographer or
    gallery of real ones.
    """
    paths = [Path(path).relative_to(root) for path, *_ in files]
    has_parts = all(path.parts[0].lower() in PARTS for path in paths)
    depth = 1 if has_parts else 0
    classes = [
        path.parts[depth] if len(path.parts) > depth + 1 else "(no folder)" for path in paths
    ]
    _check_classes(classes, root)
    for path, class_name in zip(paths, classes, strict=True):
        part = PARTS[path.parts[0].lower()] if has_parts else "all"
        inside = path.parts[depth:]  # class, perhaps source, file
        inner = inside[1] if len(inside) > 2 else None
        is_real = CLASS_NAMES[class_name.lower()] == 0
        generator = CAMERA if is_real else inner or default_generator
        yield _raw(Path(root) / path, class_name, "/".join((part, *inside)), generator, inner, part)


def _labelled(raw: dict, class_name: str, part: str, default_generator: str) -> dict:
    """Make a raw row of a shard's row."""
    image = raw["image"]["bytes"] or b""
    part = PARTS.get(raw.get("part") or part, "all")
    name = raw["image"]["path"] or f"{class_name}/{hashlib.sha256(image).hexdigest()[:16]}"
    is_real = CLASS_NAMES[class_name.lower()] == 0
    generator = raw.get("generator") or (CAMERA if is_real else default_generator)
    row = _raw(image, class_name, f"{part}/{name}", generator, raw.get("source"), part)
    return row | {name: raw[name] for name in ("squares", "width", "height") if name in raw}


def _with_unique_id(row: dict, times_seen: Counter) -> dict:
    """Number an id that was there before: a shard without file names may hold twins."""
    row_id = row["id"]
    times_seen[row_id] += 1
    count = times_seen[row_id]
    return row if count == 1 else {**row, "id": f"{row_id}#{count}"}


def _raw(
    image: bytes | Path,
    class_name: str,
    row_id: str,
    generator: str,
    source: str | None,
    part: str,
) -> dict:
    """Make a row that has not been looked into: `image` may still be the path of its file."""
    label = CLASS_NAMES[class_name.lower()]
    return {
        "image": image,
        "label": label,
        "id": row_id,
        "generator": generator,
        "source": source,
        "part": part,
    }


def _finished_row(raw: dict) -> dict:
    """Decode the image of a raw row, and cut it if it is a picture.

    An image that cannot be decoded keeps its id and says why.
    """
    facts = {"squares": [], "format": None, "width": None, "height": None, "problem": None}
    image = raw["image"]
    try:
        image = image.read_bytes() if isinstance(image, Path) else image
        opened = Image.open(io.BytesIO(image))
        facts["format"] = opened.format
        facts["width"], facts["height"] = opened.size
        pixels = np.asarray(to_rgb(opened))
    except Exception as error:  # Pillow raises many kinds; each is a reason to leave the image out
        problem = "empty file" if not image else f"{type(error).__name__}: not a whole image"
        return {**facts, **raw, "image": {"bytes": b"", "path": None}, "problem": problem}
    if "squares" in raw:
        facts["format"] = None  # of the table's views, not of the pictures that they were cut from
    elif max(opened.size) > THUMBNAIL_AT_MOST:
        image, facts["squares"] = cut(pixels)
    return {**facts, **raw, "image": {"bytes": image, "path": None}}


def _class_names(shard: pq.ParquetFile, where: str | Path) -> Callable[[int | str], str]:
    """Return the function that names the class of a shard's label: a string, or its integer."""
    schema = shard.schema_arrow
    if "label" in schema.names and str(schema.field("label").type) in ("string", "large_string"):
        names = set()
        for batch in shard.iter_batches(columns=["label"]):
            names |= set(batch.column(0).to_pylist())
        _check_classes(names, where)
        return str
    try:
        label = datasets.Features.from_arrow_schema(schema).get("label")
    except (TypeError, ValueError):
        label = None
    if not isinstance(label, datasets.ClassLabel):
        raise TruthPixelError(_without_class_names(where))
    _check_classes(label.names, where)
    return label.names.__getitem__


def _without_class_names(where: str | Path) -> str:
    return (
        f"{where} has no column label that names the classes (text, or ClassLabel): "
        "its integers alone do not say what is real."
    )


def _check_classes(names: Iterable[str], where: str | Path) -> None:
    """Raise a `TruthPixelError` unless both classes are there, under names that we know.

    A name that is unknown is never guessed at: a wrong guess teaches a detector the opposite.
    """
    names = sorted(set(names))
    unknown = [name for name in names if name.lower() not in CLASS_NAMES]
    if unknown:
        raise TruthPixelError(
            f"{where} has classes {', '.join(names)}; unknown: {', '.join(unknown)}. "
            f"Known: {', '.join(CLASS_NAMES)}."
        )
    if len({CLASS_NAMES[name.lower()] for name in names}) < 2:
        raise TruthPixelError(
            f"{where} has only the class {names[0]}: a detector needs real and AI-generated images."
        )
