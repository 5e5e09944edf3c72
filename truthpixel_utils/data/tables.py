"""One table out of a source's files, whatever they look like inside: shards, folders, or the hub.

Labels follow the *names* of the classes, never their integers, on which copies of CIFAKE disagree.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

import datasets
import pyarrow.parquet as pq

from truthpixel_utils.data import sources
from truthpixel_utils.data.images import to_rgb
from truthpixel_utils.data.sources import PARTS, Source, file_stamps, part_of
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import CLASS_NAMES, KEYS

COLUMNS = datasets.Features(
    {
        "image": datasets.Image(),
        "label": datasets.ClassLabel(names=list(KEYS)),
        "id": datasets.Value("string"),
        "generator": datasets.Value("string"),
        "part": datasets.Value("string"),
        "problem": datasets.Value("string"),
    }
)
# Part of the cache's key: raise it when `read_source` makes another table from the same files.
_LAYOUT = 1


def read_source(source: Source) -> datasets.Dataset:
    """Read a source into one table, once: the next call maps the same file into memory.

    Parameters
    ----------
    source : Source
        The place to read from, such as `find_source` returns.

    Returns
    -------
    datasets.Dataset
        One row an image, with the columns of `COLUMNS`, in the source's order. ``problem`` is None
        for an image that decodes, and says in words what is wrong with another.

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


def _table(rows, **inputs) -> datasets.Dataset:
    """Write `rows(**inputs)` to the datasets cache, unless the same inputs were read before."""
    datasets.disable_progress_bars()
    inputs["layout"] = _LAYOUT
    try:
        return datasets.Dataset.from_generator(rows, features=COLUMNS, gen_kwargs=inputs)
    except datasets.exceptions.DatasetGenerationError as error:
        raise (error.__cause__ or error) from None  # our own sentence, unwrapped


def _parquet_rows(files, default_generator: str, layout: int) -> Iterator[dict]:
    """Yield the rows of parquet shards with columns image, label and perhaps generator."""
    times_seen = Counter()
    for path, *_ in files:
        shard = pq.ParquetFile(path)
        try:
            features = datasets.Features.from_arrow_schema(shard.schema_arrow)
        except (TypeError, ValueError):
            features = None
        names = _class_names(features, path)
        part = part_of(Path(path))
        columns = [c for c in ("image", "label", "generator") if c in shard.schema_arrow.names]
        for batch in shard.iter_batches(1024, columns=columns):
            for raw in batch.to_pylist():
                row = _labelled(raw, names, part, default_generator)
                yield _with_unique_id(row, times_seen)


def _hub_rows(name: str, default_generator: str, layout: int) -> Iterator[dict]:
    """Yield the rows of a data set on the hub, which has the columns of a parquet shard."""
    times_seen = Counter()
    for part, split in datasets.load_dataset(name).items():
        names = _class_names(split.features, name)
        for batch in split.with_format("arrow").iter(1024):
            for raw in batch.to_pylist():
                row = _labelled(raw, names, PARTS[part], default_generator)
                yield _with_unique_id(row, times_seen)


def _folder_rows(root: str, files, default_generator: str, layout: int) -> Iterator[dict]:
    """Yield the images of class folders.

    They lie in ``train|test/REAL|FAKE`` (as in CIFAKE's archive) or just in ``REAL|FAKE``; a folder
    inside a class names the generator.
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
        inside = path.parts[depth:]  # class, perhaps generator, file
        generator = inside[1] if len(inside) > 2 else default_generator
        image = (Path(root) / path).read_bytes()
        yield _row(image, class_name, "/".join((part, *inside)), generator, part)


def _labelled(raw: dict, names: list[str], part: str, default_generator: str) -> dict:
    """Make a table row of a shard's row; `names` says what the integers of its labels mean."""
    image = raw["image"]["bytes"] or b""
    class_name = names[raw["label"]]
    name = raw["image"]["path"] or f"{class_name}/{hashlib.sha256(image).hexdigest()[:16]}"
    generator = raw.get("generator") or default_generator
    return _row(image, class_name, f"{part}/{name}", generator, part)


def _with_unique_id(row: dict, times_seen: Counter) -> dict:
    """Number an id that was there before: a shard without file names may hold twins."""
    row_id = row["id"]
    times_seen[row_id] += 1
    count = times_seen[row_id]
    return row if count == 1 else {**row, "id": f"{row_id}#{count}"}


def _row(image: bytes, class_name: str, row_id: str, generator: str, part: str) -> dict:
    """Make one table row; an image that cannot be decoded keeps its id and says why."""
    label = CLASS_NAMES[class_name.lower()]
    try:
        to_rgb(image)
        problem = None
    except Exception as error:  # Pillow raises many kinds; each is a reason to leave the image out
        problem = "empty file" if not image else f"{type(error).__name__}: not a whole image"
        image = b""
    return {
        "image": {"bytes": image, "path": None},
        "label": label,
        "id": row_id,
        "generator": "camera" if label == 0 else generator,
        "part": part,
        "problem": problem,
    }


def _class_names(features: datasets.Features | None, where: str | Path) -> list[str]:
    """Return the names of a shard's classes, in the order of its integers."""
    label = features.get("label") if features else None
    if not isinstance(label, datasets.ClassLabel):
        raise TruthPixelError(
            f"{where} has no ClassLabel column named label: "
            "its integers alone do not say what is real."
        )
    _check_classes(label.names, where)
    return label.names


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
