"""How an answer is checked: one sentence that says whether it is right, or why not.

The checks themselves stand in one module a chapter (``chapter_1`` to ``chapter_7``), each of which
ends with a table ``EXERCISES``: the exercise's number, what its answer is, and the function that
checks it. A check recomputes the result or tries the answer out; it compares with no stored number
that another data set would make wrong.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from numbers import Real
from types import EllipsisType
from typing import Any

import numpy as np
import pandas as pd

from truthpixel_utils.errors import TruthPixelError

CHAPTERS = range(1, 8)

# What an answer may be, in the words that the reader sees -> how to tell.
KINDS: dict[str, Callable[[Any], bool]] = {
    "a number": lambda answer: isinstance(answer, Real) and not isinstance(answer, bool),
    "True or False": lambda answer: isinstance(answer, bool | np.bool_),
    "a name in quotes": lambda answer: isinstance(answer, str),
    "a list": lambda answer: isinstance(answer, list | tuple | set),
    "a dictionary": lambda answer: isinstance(answer, dict),
    "an array": lambda answer: isinstance(answer, np.ndarray),
    "a column": lambda answer: isinstance(answer, pd.Series),
    "a table": lambda answer: isinstance(answer, pd.DataFrame),
    "a function": callable,
    "a function that changes the detector": callable,
    "anything": lambda answer: True,
}


@dataclass(frozen=True, repr=False)
class Reply:
    """What a check says; a notebook shows it as one sentence.

    Attributes
    ----------
    is_right : bool or None
        None where there is no answer yet.
    words : str
        Why the answer is right, or what is wrong with it.
    """

    is_right: bool | None
    words: str

    def __repr__(self) -> str:
        opening = {True: "Right: ", False: "Not yet: ", None: ""}[self.is_right]
        return opening + self.words


def right(words: str) -> Reply:
    """Accept an answer.

    Parameters
    ----------
    words : str
        What the answer shows, as a sentence.

    Returns
    -------
    Reply
    """
    return Reply(True, words)


def not_yet(words: str) -> Reply:
    """Turn an answer down.

    Parameters
    ----------
    words : str
        What is wrong with it, as a sentence that does not give the solution away.

    Returns
    -------
    Reply
    """
    return Reply(False, words)


def is_one_number(returned: Any) -> bool:
    """Tell whether a reader's function has returned one number, and not a column or a word.

    Parameters
    ----------
    returned : object
        What it returned.

    Returns
    -------
    bool
    """
    return np.ndim(returned) == 0 and np.asarray(returned).dtype.kind in "fiu"


def check(number: str, answer: Any = ..., *given: Any) -> Reply:
    """Check the answer to an exercise.

    Parameters
    ----------
    number : str
        The exercise, such as ``"1.2"``.
    answer : object
        What the exercise asks for. ``...`` stands for no answer yet.
    *given : object
        What else the exercise says that its check needs, such as a detector.

    Returns
    -------
    Reply
        Shown as one sentence.

    Raises
    ------
    TruthPixelError
        If there is no such exercise.
    """
    kind, function = _find(number)
    if isinstance(answer, EllipsisType):
        return Reply(None, f"Exercise {number} is not answered yet: put {kind} for the dots.")
    if not KINDS[kind](answer):
        return not_yet(f"the answer to {number} is {kind}, and this is a {type(answer).__name__}.")
    values = answer.items() if isinstance(answer, dict) else [("your answer", answer)]
    for name, value in values:
        if kind in ("a number", "a dictionary") and not _is_a_number(value):
            return not_yet(f"{name} has to be a number, and it is {value!r}.")
    try:
        return function(_guarded(answer, kind) if callable(answer) else answer, *given)
    except _Stopped as stopped:
        return not_yet(str(stopped))


def known_exercises() -> list[str]:
    """List the numbers of all exercises that have a check.

    Returns
    -------
    list of str
        Such as ``"1.1"``, in order.
    """
    return [number for chapter in CHAPTERS for number in _exercises_of(chapter)]


def reveal(guess: float | None, measured: float, unit: str = "") -> Reply:
    """Hold what was measured against what the reader has guessed.

    Parameters
    ----------
    guess : float or None
        The reader's guess; None where there is none.
    measured : float
        What came out.
    unit : str
        What stands behind a number, such as ``" %"``.

    Returns
    -------
    Reply
        Shown as one sentence, with both numbers to three digits.
    """
    found = f"{measured:.3g}{unit}"
    if guess is None:
        return Reply(None, f"It is {found}. (You have not guessed.)")
    return Reply(None, f"You guessed {as_guessed(guess, unit)}, and it is {found}.")


def as_guessed(guess: Any, unit: str = "") -> str:
    """Write a guess to three digits; whatever is no number stays as it was typed.

    Parameters
    ----------
    guess : object
        The reader's guess.
    unit : str
        What stands behind a number.

    Returns
    -------
    str
    """
    return f"{guess:.3g}{unit}" if _is_a_number(guess) else repr(guess)


class _Stopped(Exception):
    """The reader's own function raised something or returned nothing, as the message says."""


def _is_a_number(value: Any) -> bool:
    """Tell a number that can be compared; the mean of nothing, nan, cannot."""
    return KINDS["a number"](value) and value == value


def _guarded(function: Callable, kind: str) -> Callable:
    """Wrap the reader's function, so that its errors are told apart from the check's own."""

    def guarded(*arguments, **named):
        try:
            returned = function(*arguments, **named)
        except Exception as error:
            reason = f"{type(error).__name__}: {error}".splitlines()[0]
            raise _Stopped(f"your function stops with {reason}") from None
        if returned is None and kind == "a function":
            raise _Stopped("your function returns nothing: does it end with `return`?")
        return returned

    return guarded


def _find(number: str) -> tuple[str, Callable[..., Reply]]:
    """Look an exercise up in the module of its chapter."""
    chapter = number.partition(".")[0]
    exercises = _exercises_of(int(chapter)) if chapter in map(str, CHAPTERS) else {}
    if number not in exercises:
        known = ", ".join(known_exercises())
        raise TruthPixelError(f"there is no exercise {number}: they are numbered {known}.")
    return exercises[number]


def _exercises_of(chapter: int) -> dict[str, tuple[str, Callable[..., Reply]]]:
    return import_module(f"truthpixel_utils.exercises.chapter_{chapter}").EXERCISES
