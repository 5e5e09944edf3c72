"""Where images come from: a folder, the Hugging Face hub, or the sample in the clone.

A source is only named here; `tables.read_source` reads its files.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from truthpixel_utils.files import PROJECT, project_path

HUB_DATASET = "yanbax/CIFAKE_autotrain_compatible"
CIFAKE_GENERATOR = "stable-diffusion-1.4"
HUB_TIMEOUT = 4  # seconds to find out that there is no network
SAMPLE = PROJECT / "data" / "sample"

# A part's name, as a folder or a file has it in lower case -> the name it has here.
PARTS = {
    "train": "train",
    "test": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
}
IMAGE_SUFFIXES = {".bmp", ".gif", ".jpeg", ".jpg", ".png", ".tif", ".tiff", ".webp"}


class Source(NamedTuple):
    """A place to read images from.

    Attributes
    ----------
    name : str
        What is printed when the source is chosen.
    folder : Path or None
        The folder that holds the files; None stands for the hub.
    generator : str
        What made the AI-generated images, where the files themselves do not say.
    """

    name: str
    folder: Path | None
    generator: str = "unknown"


def find_source(source: str | Path = "auto") -> Source:
    """Choose a source and print which it is, in one line.

    Parameters
    ----------
    source : str or Path
        ``"auto"``: the folder named by ``TRUTHPIXEL_CIFAKE``, else ``data/cifake``, else the hub,
        else the sample. ``"sample"``, ``"hub"``, or the path of a folder that holds parquet shards
        or class folders.

    Returns
    -------
    Source
        The place; whether a folder that was named exists is for `tables.read_source` to find out.
    """
    found = _find(source)
    print(f"Images: {found.name}.")
    return found


def _find(source: str | Path) -> Source:
    """Look in the places of `find_source`, in their order."""
    hub = Source(f"{HUB_DATASET} on the Hugging Face hub", None, CIFAKE_GENERATOR)
    if source == "sample":
        return Source("the sample that comes with the course", SAMPLE)
    if source == "hub":
        return hub
    if source != "auto":
        return Source(str(source), project_path(source))
    if named := os.environ.get("TRUTHPIXEL_CIFAKE"):
        folder = PROJECT / Path(named).expanduser()
        return Source(f"{named} (named by TRUTHPIXEL_CIFAKE)", folder, CIFAKE_GENERATOR)
    if (local := PROJECT / "data" / "cifake").is_dir():
        return Source("the copy of CIFAKE in data/cifake", local, CIFAKE_GENERATOR)
    if _hub_answers():
        return hub
    return Source("the sample that comes with the course (no local CIFAKE, no network)", SAMPLE)


def file_stamps(source: Source) -> tuple[tuple[str, int, int], ...]:
    """List the files a source would be read from: parquet shards if there are any, else images.

    Parameters
    ----------
    source : Source
        The place to look in.

    Returns
    -------
    tuple of (path, bytes, time of change in ns)
        One entry a file, so that the tuple differs when a file does. Empty for the hub and for a
        folder without images. (It is a tuple since the datasets library would take a list for
        shards, and read each item by itself.)
    """
    if source.folder is None:
        return ()
    found = sorted(source.folder.rglob("*"))
    shards = [path for path in found if path.suffix == ".parquet"]
    shards = [path for path in shards if part_of(path) != "all"] or shards
    files = shards or [path for path in found if path.suffix.lower() in IMAGE_SUFFIXES]
    return tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in files)


def part_of(path: Path) -> str:
    """Tell by a shard's name which part of a data set it belongs to.

    Parameters
    ----------
    path : Path
        The shard, named as the datasets library does.

    Returns
    -------
    str
        ``"train"``, ``"validation"`` or ``"test"``; ``"all"`` if the name begins with none of them.

    Examples
    --------
    >>> part_of(Path("val-00000-of-00001.parquet"))
    'validation'
    """
    return PARTS.get(re.split(r"[-_.]", path.name)[0], "all")


def _hub_answers() -> bool:
    """Ask the hub for the data set's page, briefly: the library itself tries for half a minute."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(HUB_DATASET, timeout=HUB_TIMEOUT)
    except Exception:  # no route, no name, a proxy's refusal, a 404: each means "not from there"
        return False
    return True
