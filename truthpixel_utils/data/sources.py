"""Where images come from: parquet shards, class folders, the Hugging Face hub, or the sample in the clone.

A source yields raw rows; whatever it looks like inside, `read` turns it into one memory-mapped table.
"""

import hashlib
import io
import os
import re
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import datasets
import numpy as np
import pyarrow.parquet as pq
from PIL import ExifTags, Image

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PROJECT, project_path
from truthpixel_utils.labels import CLASS_NAMES, KEYS

HUB_DATASET = "yanbax/CIFAKE_autotrain_compatible"
CIFAKE_GENERATOR = "stable-diffusion-1.4"
HUB_TIMEOUT = 4  # seconds to find out that there is no network
SAMPLE = PROJECT / "data" / "sample"

PARTS = {"train": "train", "test": "test", "validation": "validation", "valid": "validation", "val": "validation"}
IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}

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
_LAYOUT = 1  # part of the cache key: raise it when `read` makes another table from the same files


class Source(NamedTuple):
    """A place to read images from."""

    name: str  # what is printed
    folder: Path | None  # None: the hub
    generator: str = "unknown"  # of the AI-generated images, where the files themselves do not say


def find_source(source="auto"):
    """Choose a source and say so in one line.

    Parameters
    ----------
    source : str or Path
        ``"auto"``: the folder named by ``TRUTHPIXEL_CIFAKE``, else ``data/cifake``, else the hub, else the sample.
        ``"sample"``, ``"hub"``, or the path of a folder that holds parquet shards or class folders.

    Returns
    -------
    Source
    """
    found = _find(source)
    print(f"Images: {found.name}.")
    return found


def _find(source):
    hub = Source(f"{HUB_DATASET} on the Hugging Face hub", None, CIFAKE_GENERATOR)
    if source == "sample":
        return Source("the sample that comes with the course", SAMPLE)
    if source == "hub":
        return hub
    if source != "auto":
        return Source(str(source), project_path(source))
    if named := os.environ.get("TRUTHPIXEL_CIFAKE"):
        return Source(f"{named} (named by TRUTHPIXEL_CIFAKE)", PROJECT / Path(named).expanduser(), CIFAKE_GENERATOR)
    if (local := PROJECT / "data" / "cifake").is_dir():
        return Source("the copy of CIFAKE in data/cifake", local, CIFAKE_GENERATOR)
    if _hub_answers():
        return hub
    return Source("the sample that comes with the course (no local CIFAKE, no network)", SAMPLE)


def read_source(source):
    """Read a source into one table, once: the next call maps the same file into memory.

    Returns
    -------
    datasets.Dataset with columns `COLUMNS`, in the source's order; ``problem`` is None for an image that decodes.

    Raises
    ------
    TruthPixelError for a missing or empty folder, a single class, or class names it does not know.
    """
    if source.folder is None:
        return _table(_hub_rows, name=HUB_DATASET, unnamed=source.generator)
    if not source.folder.is_dir():
        raise TruthPixelError(
            f"{source.folder} is not a folder: name one that holds parquet shards, or folders REAL and FAKE."
        )
    files = file_stamps(source)
    if not files:
        raise TruthPixelError(
            f"{source.folder} holds no images: expected train*.parquet and test*.parquet, or folders REAL and FAKE."
        )
    if files[0][0].endswith(".parquet"):
        return _table(_parquet_rows, files=files, unnamed=source.generator)
    return _table(_folder_rows, root=str(source.folder), files=files, unnamed=source.generator)


def file_stamps(source):
    """List the files a source would be read from: parquet shards if there are any, else images.

    Returns
    -------
    tuple of (path, bytes, time of change in ns); it differs when a file does. Empty for the hub and for a folder
    without images. (A tuple: the datasets library would take a list for shards, and read each item by itself.)
    """
    if source.folder is None:
        return ()
    found = sorted(source.folder.rglob("*"))
    shards = [path for path in found if path.suffix == ".parquet"]
    shards = [path for path in shards if _part_of(path) != "all"] or shards
    files = shards or [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


def to_rgb(image):
    """Convert any image to RGB: EXIF orientation applied, 16 bits scaled to 8, transparency laid on white.

    Parameters
    ----------
    image : bytes or PIL.Image.Image
        An encoded image (JPEG, PNG, WebP, ...) or an opened one, of any mode.

    Returns
    -------
    PIL.Image.Image of mode RGB.

    Raises
    ------
    OSError, ValueError or SyntaxError if the bytes are not a whole image (Pillow's own errors).
    """
    if isinstance(image, bytes):
        image = Image.open(io.BytesIO(image))
    image = _upright(image)
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip at 255
        image = Image.fromarray((np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image.load()  # a file that is cut short is found out here
    return image if image.mode == "RGB" else image.convert("RGB")  # a copy of a large photograph is many megabytes


def _upright(image):
    """Turn an image as its EXIF says; Pillow's own function gives up on an image if any tag beside it is damaged."""
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises a kind for each way in which EXIF can be damaged; the pixels are whole
        return image
    turn = Image.Transpose
    turns = {
        2: turn.FLIP_LEFT_RIGHT,
        3: turn.ROTATE_180,
        4: turn.FLIP_TOP_BOTTOM,
        5: turn.TRANSPOSE,
        6: turn.ROTATE_270,
        7: turn.TRANSVERSE,
        8: turn.ROTATE_90,
    }
    return image.transpose(turns[orientation]) if orientation in turns else image


def _hub_answers():
    """Ask the hub for the data set's page, briefly: the library itself takes half a minute to give up."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(HUB_DATASET, timeout=HUB_TIMEOUT)
    except Exception:  # no route, no name, a proxy's refusal, a 404: each means "not from there"
        return False
    return True


def _table(rows, **inputs):
    """Write `rows(**inputs)` to an Arrow file in the datasets cache, unless the same inputs were read before."""
    datasets.disable_progress_bars()
    try:
        return datasets.Dataset.from_generator(rows, features=COLUMNS, gen_kwargs={**inputs, "layout": _LAYOUT})
    except datasets.exceptions.DatasetGenerationError as error:
        raise (error.__cause__ or error) from None  # our own sentence, which the library has wrapped


def _row(image, class_name, name, generator, part):
    """One table row; an image that cannot be decoded keeps its name and says why."""
    label = CLASS_NAMES[class_name.lower()]
    try:
        to_rgb(image)
        problem = None
    except Exception as error:  # Pillow raises many kinds for bad bytes; each is a reason to leave the image out
        problem = "empty file" if not image else f"{type(error).__name__}: not a whole image"
        image = b""
    return {
        "image": {"bytes": image, "path": None},
        "label": label,
        "id": name,
        "generator": "camera" if label == 0 else generator,
        "part": part,
        "problem": problem,
    }


def _check_classes(names, where):
    """Both classes present, and no name that we do not know: guessing labels is how detectors learn the opposite."""
    names = sorted(set(names))
    unknown = [name for name in names if name.lower() not in CLASS_NAMES]
    if unknown:
        raise TruthPixelError(
            f"{where} has classes {', '.join(names)}; unknown: {', '.join(unknown)}. Known: {', '.join(CLASS_NAMES)}."
        )
    if len({CLASS_NAMES[name.lower()] for name in names}) < 2:
        raise TruthPixelError(f"{where} has only the class {names[0]}: a detector needs real and AI-generated images.")


def _part_of(path):
    """The part a shard belongs to, by its name (``train-00000-of-00001.parquet``); ``all`` if it names none."""
    return PARTS.get(re.split(r"[-_.]", path.name)[0], "all")


def _labelled(batches, names, part, unnamed):
    """Rows from batches with columns image and label (and, if present, generator)."""
    for batch in batches:
        for raw in batch:
            image, class_name = raw["image"]["bytes"] or b"", names[raw["label"]]
            name = raw["image"]["path"] or f"{class_name}/{hashlib.sha256(image).hexdigest()[:16]}"
            yield _row(image, class_name, f"{part}/{name}", raw.get("generator") or unnamed, part)


def _unique(rows):
    """Number the ids that come twice (shards without file names, holding twins)."""
    seen = Counter()
    for row in rows:
        seen[row["id"]] += 1
        count = seen[row["id"]]
        yield row if count == 1 else {**row, "id": f"{row['id']}#{count}"}


def _class_names(features, where):
    label = features.get("label") if features else None
    if not isinstance(label, datasets.ClassLabel):
        raise TruthPixelError(
            f"{where} has no ClassLabel column named label: its integers alone do not say what is real."
        )
    _check_classes(label.names, where)
    return label.names


def _parquet_rows(files, unnamed, layout):
    def rows():
        for path, *_ in files:
            shard = pq.ParquetFile(path)
            try:
                features = datasets.Features.from_arrow_schema(shard.schema_arrow)
            except (TypeError, ValueError):
                features = None
            names = _class_names(features, path)
            columns = [c for c in ("image", "label", "generator") if c in shard.schema_arrow.names]
            batches = (batch.to_pylist() for batch in shard.iter_batches(1024, columns=columns))
            yield from _labelled(batches, names, _part_of(Path(path)), unnamed)

    return _unique(rows())


def _hub_rows(name, unnamed, layout):
    def rows():
        for part, split in datasets.load_dataset(name).items():
            names = _class_names(split.features, name)
            batches = (batch.to_pylist() for batch in split.with_format("arrow").iter(1024))
            yield from _labelled(batches, names, PARTS[part], unnamed)

    return _unique(rows())


def _folder_rows(root, files, unnamed, layout):
    """``train|test/REAL|FAKE/*.jpg`` (CIFAKE's archive) or just ``REAL|FAKE/*``; deeper folders name the generator."""
    paths = [Path(path).relative_to(root) for path, *_ in files]
    has_parts = all(path.parts[0].lower() in PARTS for path in paths)
    depth = 1 if has_parts else 0
    _check_classes([path.parts[depth] if len(path.parts) > depth + 1 else "(no folder)" for path in paths], root)
    for path in paths:
        part = PARTS[path.parts[0].lower()] if has_parts else "all"
        inside = path.parts[depth:]  # class, perhaps generator, file
        generator = inside[1] if len(inside) > 2 else unnamed
        yield _row((Path(root) / path).read_bytes(), inside[0], "/".join((part, *inside)), generator, part)
