"""One table out of a source's files, whatever they look like inside: shards, folders, or the hub.

Labels follow the *names* of the classes, never their integers, on which copies of CIFAKE disagree.
"""

from __future__ import annotations

import hashlib
import io
import json
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from pathlib import Path

import datasets
import numpy as np
from datasets.arrow_writer import ArrowWriter
from PIL import Image

from truthpixel_utils.data import sources
from truthpixel_utils.data.class_folders import folder_rows, places
from truthpixel_utils.data.cutting import THUMBNAIL_AT_MOST, cut
from truthpixel_utils.data.images import to_rgb
from truthpixel_utils.data.listing import list_files, nothing_found
from truthpixel_utils.data.shards import hub_rows, parquet_rows
from truthpixel_utils.data.sources import Source
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, leftovers, status_line
from truthpixel_utils.labels import KEYS
from truthpixel_utils.locks import alone_in

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
_LAYOUT = 4
UNLABELLED = "no label"  # the problem of an image of which the data do not say what it is
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
        decodes and has a label, and says in words what is wrong with another.

    Raises
    ------
    TruthPixelError
        If the folder is missing or empty, if there is a single class, or if a class has a name that
        is not in `labels.CLASS_NAMES`.
    """
    if source.folder is None:
        return _table(hub_rows, name=sources.HUB_DATASET, default_generator=source.generator)
    listing = list_files(source.folder)
    if listing.shards:
        _tell(listing.left_out(source.folder, listing.images))
        return _table(parquet_rows, files=listing.shards, default_generator=source.generator)
    if not listing.images:
        raise TruthPixelError(nothing_found(source.folder, listing))
    found = places(source.folder, [path for path, *_ in listing.images])
    files = tuple(stamp for stamp in listing.images if stamp[0] in found)
    beside = tuple(stamp for stamp in listing.images if stamp[0] not in found)
    _tell(listing.left_out(source.folder, beside))
    root = str(source.folder)
    return _table(folder_rows, root=root, files=files, default_generator=source.generator)


def _tell(left_out: list[str]) -> None:
    if left_out:
        print(f"Left out: {'; '.join(left_out)}.")


def _table(raw_rows: Callable[..., Iterator[dict]], **inputs) -> datasets.Dataset:
    """Write the rows of `raw_rows(**inputs)` to the datasets cache, unless that was done before."""
    key = json.dumps([raw_rows.__name__, inputs, _LAYOUT], sort_keys=True)
    cache = Path(datasets.config.HF_DATASETS_CACHE) / "truthpixel"
    folder = cache / hashlib.sha256(key.encode()).hexdigest()[:24]
    complete = folder / "complete.json"
    if not complete.exists():
        with alone_in(folder, "reading", "HF_DATASETS_CACHE", wait=True):
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
            for file in leftovers(path):  # of a reading that was killed
                file.unlink()
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


def _finished_row(raw: dict) -> dict:
    """Decode the image of a raw row, and cut it if it is a picture.

    An image that has no label or cannot be decoded keeps its id and says why.
    """
    facts = {"squares": [], "format": None, "width": None, "height": None, "problem": None}
    image = raw["image"]
    if raw["label"] is None:
        return _left_out(facts, raw, UNLABELLED)
    try:
        image = image.read_bytes() if isinstance(image, Path) else image
        opened = Image.open(io.BytesIO(image))
        facts["format"] = opened.format
        facts["width"], facts["height"] = opened.size
        pixels = np.asarray(to_rgb(opened))
    except Exception as error:  # Pillow raises many kinds; each is a reason to leave the image out
        problem = f"{type(error).__name__}: not a whole image" if image else "empty"
        return _left_out(facts, raw, problem)
    if "squares" in raw:
        facts["format"] = None  # of the table's views, not of the pictures that they were cut from
    elif max(opened.size) > THUMBNAIL_AT_MOST:
        image, facts["squares"] = cut(pixels)
    return {**facts, **raw, "image": {"bytes": image, "path": None}}


def _left_out(facts: dict, raw: dict, problem: str) -> dict:
    return {
        **facts,
        **raw,
        "squares": [],
        "image": {"bytes": b"", "path": None},
        "problem": problem,
    }
