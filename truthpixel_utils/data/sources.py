"""Where images come from: a folder, the Hugging Face hub, or the sample in the clone.

A source is only named here; `listing` lists its files, and `tables.read_source` reads them.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import NamedTuple

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PROJECT, project_path

HUB_DATASET = "yanbax/CIFAKE_autotrain_compatible"
CIFAKE_GENERATOR = "stable-diffusion-1.4"
HUB_TIMEOUT = 4  # seconds to find out that there is no network
SAMPLE = PROJECT / "data" / "sample"
VARIABLE = "TRUTHPIXEL_CIFAKE"  # of the environment: the folder that holds CIFAKE
ARCHIVES = {".7z", ".bz2", ".gz", ".rar", ".tar", ".tgz", ".xz", ".zip"}

# A part's name, as a folder or a file has it in lower case -> the name it has here.
PARTS = {
    "train": "train",
    "training": "train",
    "test": "test",
    "testing": "test",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
}


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
        The place. What its files are is for `listing` to find out.

    Raises
    ------
    TruthPixelError
        If what was named is no folder.
    """
    found = _find(source)
    print(f"Images: {found.name}.")
    if found.folder is not None and not found.folder.is_dir():
        raise TruthPixelError(_no_folder(found))
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
    if named := os.environ.get(VARIABLE):
        folder = PROJECT / Path(named).expanduser()
        return Source(f"{named} (named by {VARIABLE})", folder, CIFAKE_GENERATOR)
    if (local := PROJECT / "data" / "cifake").is_dir():
        return Source("the copy of CIFAKE in data/cifake", local, CIFAKE_GENERATOR)
    if _hub_answers():
        return hub
    return Source("the sample that comes with the course (no local CIFAKE, no network)", SAMPLE)


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
    return PARTS.get(re.split(r"[-_.]", path.name.lower())[0], "all")


def _no_folder(source: Source) -> str:
    """Say in a sentence what is wrong with what was named, and who named it."""
    wanted = "name one that holds parquet shards, or folders REAL and FAKE."
    where = str(source.folder)
    if VARIABLE in source.name:
        where += f", which the environment variable {VARIABLE} names,"
    if not source.folder.is_file():
        return f"{where} is not a folder: {wanted}"
    if source.folder.suffix.lower() == ".parquet":
        return f"{where} is a file: name the folder that it lies in."
    if source.folder.suffix.lower() in ARCHIVES:
        return f"{where} is an archive: unpack it, and {wanted}"
    return f"{where} is a file: {wanted}"


def _hub_answers() -> bool:
    """Ask the hub for the data set's page, briefly: the library itself tries for half a minute."""
    from huggingface_hub import HfApi

    try:
        HfApi().dataset_info(HUB_DATASET, timeout=HUB_TIMEOUT)
    except Exception:  # no route, no name, a proxy's refusal, a 404: each means "not from there"
        return False
    return True
