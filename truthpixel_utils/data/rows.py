"""What shards and class folders are both read into: raw rows, not looked into yet."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import CLASS_NAMES, label_of

CAMERA = "camera"  # what made a real image, unless the data name a scanner or a painter


def raw_row(
    image: bytes | Path,
    label: int | None,
    row_id: str,
    generator: str | None,
    source: str | None,
    part: str,
) -> dict:
    """Make a row that has not been looked into.

    Parameters
    ----------
    image : bytes or Path
        An encoded image, or its file.
    label : int or None
        1 = AI-generated, 0 = real; None where the data do not say.
    row_id : str
        Stable, and unique after `with_unique_id`.
    generator, source : str or None
        What made the image, and where it is from, where the data say so.
    part : str
        ``"train"``, ``"validation"``, ``"test"`` or ``"all"``.

    Returns
    -------
    dict
        The arguments by the names of the table's columns.
    """
    return {
        "image": image,
        "label": label,
        "id": printable(row_id),
        "generator": generator and printable(generator),
        "source": source and printable(source),
        "part": part,
    }


def printable(name: str) -> str:
    """Make a name what a table can hold and a terminal can print.

    Parameters
    ----------
    name : str
        Of a file or a folder; an archive of another country's may have bytes that are no UTF-8.

    Returns
    -------
    str
        The name, with such bytes written as Python writes them.
    """
    return name.encode("utf-8", "backslashreplace").decode()


def with_unique_id(row: dict, times_seen: Counter) -> dict:
    """Number an id that was there before: a shard without file names may hold twins.

    Parameters
    ----------
    row : dict
        From `raw_row`.
    times_seen : collections.Counter
        How often each id was met; counts this one.

    Returns
    -------
    dict
        `row`, or a copy with a number behind its id.
    """
    row_id = row["id"]
    times_seen[row_id] += 1
    count = times_seen[row_id]
    return row if count == 1 else {**row, "id": f"{row_id}#{count}"}


def check_classes(names: Iterable[str], where: str | Path, hint: str = "") -> None:
    """Raise a `TruthPixelError` unless both classes are there, under names that we know.

    A name that is unknown is never guessed at: a wrong guess teaches a detector the opposite.

    Parameters
    ----------
    names : iterable of str
        What the data call the classes.
    where : str or Path
        The file or folder that is read, for the sentence.
    hint : str
        What may be meant, to be said behind it.
    """
    names = sorted(set(names))
    unknown = [name for name in names if label_of(name) is None]
    if unknown:
        raise TruthPixelError(
            f"{where} has classes {_few(names)}; unknown: {_few(unknown)}. "
            f"Known: {', '.join(CLASS_NAMES)}.{hint}"
        )
    if not names:
        raise TruthPixelError(
            f"{where} has no image with a label: real and AI-generated are both needed."
        )
    if len({label_of(name) for name in names}) < 2:
        raise TruthPixelError(
            f"{where} has only the class {names[0]}: a detector needs real and AI-generated images."
        )


def _few(names: list[str]) -> str:
    return ", ".join(names[:10]) + (" ..." if len(names) > 10 else "")
