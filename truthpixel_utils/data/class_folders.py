"""Rows of class folders: what each folder above an image says of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from truthpixel_utils.data.rows import CAMERA, check_classes, raw_row, with_unique_id
from truthpixel_utils.data.sources import PARTS
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import label_of

LAYOUT = "train|test/REAL|FAKE, REAL|FAKE/train|test or REAL|FAKE"


class Place(NamedTuple):
    """Where an image lies.

    Attributes
    ----------
    part : str
        The part of the data set, as folders name it; ``"all"`` if none does.
    class_name : str
        The folder that names its class.
    inner : tuple of str
        The folders between that one and the file, without one that names a part.
    """

    part: str
    class_name: str
    inner: tuple[str, ...]


def places(root: str | Path, files: Sequence[str]) -> dict[str, Place]:
    """Tell by their folders which class and part images belong to.

    A part's folder stands above those of the classes (as in CIFAKE's archive), or inside them. Any
    other folder inside a class names the source.

    Parameters
    ----------
    root : str or Path
        The data set's folder.
    files : sequence of str
        The images in it.

    Returns
    -------
    dict of str to Place
        The place of each image, by its path; an image that lies beside the class folders has none.

    Raises
    ------
    TruthPixelError
        If a class is missing or has an unknown name, or only some class folders have parts inside.
    """
    found, unknown = {}, set()
    for file in files:
        folders = Path(file).relative_to(root).parts[:-1]
        part = "all"
        if folders and label_of(folders[0]) is None and folders[0].lower() in PARTS:
            part, folders = PARTS[folders[0].lower()], folders[1:]
        if not folders:
            continue
        if label_of(folders[0]) is None:
            unknown.add(folders[0])
        else:
            found[file] = Place(part, folders[0], folders[1:])
    classes = {place.class_name for place in found.values()} | unknown
    check_classes(classes or {"(no folder)"}, root, _hint(root, files) if unknown else "")
    return _with_parts_inside(found, root)


def folder_rows(root: str, files, default_generator: str) -> Iterator[dict]:
    """Yield the raw rows of class folders.

    Parameters
    ----------
    root : str
        The data set's folder.
    files : iterable of (path, bytes, time of change)
        The images in it.
    default_generator : str
        What made the AI-generated images, where no folder says.

    Yields
    ------
    dict
        Rows as `rows.raw_row` makes them. A folder inside a class names the source: the generator
        of AI-generated images, the photographer or gallery of real ones.
    """
    times_seen = Counter()
    for file, (part, class_name, inner) in places(root, [path for path, *_ in files]).items():
        path = Path(file)
        label = label_of(class_name)
        source = inner[0] if inner else None
        generator = CAMERA if label == 0 else source or default_generator
        row_id = "/".join((part, class_name, *inner, path.name))
        row = raw_row(path, label, row_id, generator, source, part)
        yield with_unique_id(row, times_seen)


def _with_parts_inside(found: dict[str, Place], root: str | Path) -> dict[str, Place]:
    """Read folders inside the classes as parts, if every image lies in one of a part's name.

    If only some do, a folder called train may be full of locomotives; where there is a test beside
    it, nobody could tell what is meant.
    """
    whole = {file: place for file, place in found.items() if place.part == "all"}
    for depth in (0, 1):
        names = {
            place.inner[depth].lower() if len(place.inner) > depth else None
            for place in whole.values()
        }
        parts = {PARTS[name] for name in names if name in PARTS}
        if parts and names <= PARTS.keys():
            inside = {
                file: Place(
                    PARTS[place.inner[depth].lower()],
                    place.class_name,
                    place.inner[:depth] + place.inner[depth + 1 :],
                )
                for file, place in whole.items()
            }
            return {**found, **inside}
        if len(parts) > 1:
            raise TruthPixelError(
                f"{root} has {' and '.join(sorted(parts))} inside some class folders, and images "
                f"elsewhere in them: expected {LAYOUT} for all of them."
            )
    return found


def _hint(root: str | Path, files: Sequence[str]) -> str:
    """Name the folder inside that holds both classes, if there is one."""
    classes_in = {}
    for file in files:
        folders = Path(file).relative_to(root).parts[:-1]
        for depth, name in enumerate(folders):
            if label_of(name) is not None:
                above = folders[:depth]
                if above and above[-1].lower() in PARTS:
                    above = above[:-1]
                classes_in.setdefault(above, set()).add(label_of(name))
                break
    both = [above for above, labels in classes_in.items() if above and len(labels) > 1]
    if not both:
        return ""
    nearest = min(both, key=len)
    return f" Class folders are in {Path(root, *nearest)}: name that one."
