"""Which files of a folder are read: parquet shards if there are any, else images.

Folders hold more than a data set: what a computer left there, tables, notes, links that lead
nowhere. None of it stops the reading, and what might have been meant is counted.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from truthpixel_utils.data.formats import SUFFIXES
from truthpixel_utils.data.rows import printable
from truthpixel_utils.data.shards import column_names, holds_images
from truthpixel_utils.data.sources import ARCHIVES, Source, part_of
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import label_of

# What a file without the suffix of an image may be, as its first bytes say.
SNIFFED = ("BMP", "GIF", "JPEG", "PNG", "TIFF", "WEBP")
# Folders that programs leave in others, with copies of images or small versions of them. Those
# whose name begins with a dot, such as .ipynb_checkpoints, are passed over too.
LEFT_BY_PROGRAMS = {"__macosx", "@eadir", "$recycle.bin", "system volume information"}

Stamp = tuple[str, int, int]  # path, bytes, time of change in ns


class Listing(NamedTuple):
    """The files of a folder.

    Attributes
    ----------
    shards, images : tuple of (path, bytes, time of change in ns)
        One entry a file, in the order of their paths, so that a tuple differs when a file does.
        (They are tuples since the datasets library would take lists for shards, and read each item
        by itself.)
    tables : tuple of Path
        Parquet files that hold no images.
    others : tuple of Path
        Files that are neither.
    broken : tuple of Path
        Links that lead nowhere.
    """

    shards: tuple[Stamp, ...]
    images: tuple[Stamp, ...]
    tables: tuple[Path, ...]
    others: tuple[Path, ...]
    broken: tuple[Path, ...]

    def left_out(self, folder: Path, beside: tuple[Stamp, ...]) -> list[str]:
        """Count what may have been meant to be read, and is not.

        Parameters
        ----------
        folder : Path
            The folder that was listed.
        beside : tuple of (path, bytes, time of change)
            Images that are not read.

        Returns
        -------
        list of str
            For each reason how many files, and the first of them. Notes that lie beside the class
            folders are not counted.
        """
        beside_what = "shards" if self.shards else "class folders"
        in_classes = [path for path in self.others if _is_in_a_class(path.relative_to(folder))]
        kinds = {
            ("image", f"beside the {beside_what}"): [Path(path) for path, *_ in beside],
            ("table", "without images"): self.tables,
            ("link", "to nowhere"): self.broken,
            ("file", "of another kind"): in_classes,
        }
        return [_counted(paths, *kind, folder) for kind, paths in kinds.items() if paths]


def list_files(folder: Path) -> Listing:
    """List the files of a folder and of all folders in it, by what they are.

    Parameters
    ----------
    folder : Path
        A folder that exists.

    Returns
    -------
    Listing
        Of shards, those alone whose names say a part (``train-0.parquet``) if any does.

    Raises
    ------
    TruthPixelError
        If a folder cannot be read, or a parquet file is damaged.
    """
    shards, images, tables, others, broken = [], [], [], [], []
    for path in sorted(files_below(folder)):
        try:
            facts = path.stat()
        except OSError:
            broken.append(path)
            continue
        if not stat.S_ISREG(facts.st_mode):  # a pipe would keep its reader waiting
            others.append(path)
            continue
        stamp = (str(path), facts.st_size, facts.st_mtime_ns)
        if path.suffix.lower() == ".parquet":
            if holds_images(path):
                shards.append(stamp)
            else:
                tables.append(path)
        elif path.suffix.lower() in SUFFIXES or _begins_like_an_image(path):
            images.append(stamp)
        else:
            others.append(path)
    of_parts = [stamp for stamp in shards if part_of(Path(stamp[0])) != "all"]
    lists = (of_parts or shards, images, tables, others, broken)
    return Listing(*map(tuple, lists))


def files_below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """Yield the files in a folder and in the folders in it, links to folders among them.

    Parameters
    ----------
    folder : Path
        Where to begin.
    above : tuple of str
        The folders on the way here: a link back to one of them is not followed.

    Yields
    ------
    Path
        A file, or a link to nowhere. What programs leave in folders is passed over.

    Raises
    ------
    TruthPixelError
        If a folder cannot be read.
    """
    real = os.path.realpath(folder)
    if real in above:
        return
    try:
        entries = list(os.scandir(folder))
    except OSError as error:
        raise TruthPixelError(f"{folder} cannot be read ({error.strerror.lower()}).") from None
    for entry in entries:
        if entry.name.startswith(".") or entry.name.lower() in LEFT_BY_PROGRAMS:
            continue
        if entry.is_dir():
            yield from files_below(Path(entry.path), (*above, real))
        else:
            yield Path(entry.path)


def file_stamps(source: Source) -> tuple[Stamp, ...]:
    """List the files that a source would be read from.

    Parameters
    ----------
    source : Source
        The place to look in.

    Returns
    -------
    tuple of (path, bytes, time of change in ns)
        One entry a file. Empty for the hub and for a folder without images.
    """
    if source.folder is None:
        return ()
    listing = list_files(source.folder)
    return listing.shards or listing.images


def nothing_found(folder: Path, listing: Listing) -> str:
    """Say in a sentence what a folder holds that has no images.

    Parameters
    ----------
    folder : Path
        The folder.
    listing : Listing
        Its files.

    Returns
    -------
    str
        What was found, and what would work.
    """
    archives = [path for path in listing.others if path.suffix.lower() in ARCHIVES]
    if archives:
        return (
            f"{folder} holds no images but {archives[0].name}: unpack it, and name the folder in "
            "which folders REAL and FAKE, or parquet shards, then are."
        )
    if listing.tables:
        columns = ", ".join(column_names(listing.tables[0])[:10])
        return (
            f"{listing.tables[0]} has the columns {columns}: a shard has a column image, with the "
            "files in it, and a column label."
        )
    return (
        f"{folder} holds no images: expected train*.parquet and test*.parquet, "
        "or folders REAL and FAKE."
    )


def _is_in_a_class(path: Path) -> bool:
    return any(label_of(name) is not None for name in path.parts[:-1])


def _counted(paths: Sequence[Path], noun: str, which: str, folder: Path) -> str:
    names = [printable(str(path.relative_to(folder))) for path in paths[:3]]
    more = ", ..." if len(paths) > 3 else ""
    noun += "s" if len(paths) > 1 else ""
    return f"{len(paths):,} {noun} {which} ({', '.join(names)}{more})"


def _begins_like_an_image(path: Path) -> bool:
    try:
        with Image.open(path, formats=SNIFFED):
            return True
    except Exception:  # Pillow raises many kinds; each says that it is none
        return False
