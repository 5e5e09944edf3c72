"""The heading of an answer: all that is known of a picture's origin, the strongest first.

A statement that validates is stronger than one that anybody could have added, and both are put
before the detector's guess. None of them changes another.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from truthpixel_utils.demo.origin import AI, CAMERA, PARTLY_AI, Statement

VALIDATED, UNVALIDATED, DETECTOR = "validated", "unvalidated", "detector"
MAX_NAMES = 3  # generators or places that one line names


class Line(NamedTuple):
    """One line of the heading.

    Attributes
    ----------
    text : str
        For the reader.
    strength : str
        ``validated``, ``unvalidated`` or ``detector``.
    """

    text: str
    strength: str


def headline(statements: Sequence[Statement], verdict: str) -> tuple[Line, ...]:
    """Put what a file says of its origin and what the detector says in one heading.

    Parameters
    ----------
    statements : sequence of Statement
        What the file says.
    verdict : str
        What the detector says, one of `labels.VERDICTS`.

    Returns
    -------
    tuple of Line
        In the order of their strength. The detector's line is the last, and the only one if the
        file says nothing.
    """
    alike: dict[tuple, list[Statement]] = {}
    for one in sorted(filter(lambda one: one.origin, statements), key=_rank):
        alike.setdefault((one.validated, one.claim, one.standing), []).append(one)
    lines = [_line(group) for group in alike.values()]
    said = f"The detector says: {verdict}" if lines else verdict
    return (*lines, Line(said, DETECTOR))


def says_the_file(statements: Sequence[Statement]) -> str:
    """Say the strongest of what a file says of its origin.

    Parameters
    ----------
    statements : sequence of Statement
        What the file says.

    Returns
    -------
    str
        Empty if it names no maker.
    """
    lines = headline(statements, "")
    return lines[0].text if lines[1:] else ""


def _rank(one: Statement) -> tuple[bool, bool, int]:
    """Validated first, then what is about the picture itself, then AI before a camera."""
    return not one.validated, bool(one.link), (AI, PARTLY_AI, CAMERA).index(one.origin)


def _line(alike: list[Statement]) -> Line:
    """Say once what several statements of the same strength claim."""
    names = _few(one.by for one in alike)
    made_by = f" ({names})" if names else ""
    reasons = f"{_few(one.where for one in alike)}, {alike[0].standing}"
    strength = VALIDATED if alike[0].validated else UNVALIDATED
    return Line(f"{alike[0].claim}{made_by}, says the file ({reasons})", strength)


def _few(names: Iterable[str]) -> str:
    return ", ".join(list(dict.fromkeys(filter(None, names)))[:MAX_NAMES])
