import numpy as np
import pytest

from truthpixel_utils import exercises
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.exercises import chapter_1, checking


@pytest.fixture
def half(monkeypatch):
    """An exercise 1.1 that wants one half, and 1.2 that wants a function that doubles."""

    def is_half(answer):
        wrong = exercises.not_yet("that is not what a coin does.")
        return exercises.right("a coin has two sides.") if answer == 0.5 else wrong

    def doubles(answer):
        wrong = exercises.not_yet("two becomes something else than four.")
        return exercises.right("twice.") if answer(2) == 4 else wrong

    made_up = {"1.1": ("a number", is_half), "1.2": ("a function", doubles)}
    monkeypatch.setattr(chapter_1, "EXERCISES", made_up)


def test_a_check_says_in_one_sentence_whether_an_answer_is_right(half):
    assert repr(exercises.check("1.1", 0.5)) == "Right: a coin has two sides."
    assert repr(exercises.check("1.1", np.float32(0.5))).startswith("Right")
    assert repr(exercises.check("1.1", 0.4)) == "Not yet: that is not what a coin does."
    assert exercises.check("1.2", lambda number: 2 * number).is_right


def test_dots_are_no_answer_yet(half):
    unanswered = exercises.check("1.1", ...)
    assert unanswered.is_right is None
    assert repr(unanswered) == "Exercise 1.1 is not answered yet: put a number for the dots."


def test_an_answer_of_another_kind_is_told_what_is_wanted(half):
    for answer in ("half", True, None, [0.5]):
        assert repr(exercises.check("1.1", answer)).startswith(
            "Not yet: the answer to 1.1 is a number, and this is a "
        )


def test_a_function_that_stops_is_told_why_without_a_traceback(half):
    reply = exercises.check("1.2", lambda number: number / 0)
    assert repr(reply) == "Not yet: your function stops with ZeroDivisionError: division by zero"


def test_a_function_without_a_return_is_told_so(half):
    reply = exercises.check("1.2", lambda number: None)
    assert repr(reply) == "Not yet: your function returns nothing: does it end with `return`?"


def test_what_is_no_number_cannot_pass_for_one(half):
    reply = exercises.check("1.1", float("nan"))
    assert repr(reply) == "Not yet: your answer has to be a number, and it is nan."
    reply = exercises.check("4.2", {"learning rate": 0.5, "batch norm": ...})
    assert repr(reply) == "Not yet: batch norm has to be a number, and it is Ellipsis."


def test_an_unknown_exercise_names_those_that_there_are(half):
    for number in ("9.1", "1.9", "", "1"):
        with pytest.raises(TruthPixelError, match=r"there is no exercise .*: .* 1\.1, 1\.2"):
            exercises.check(number, 1)


def test_a_guess_stands_beside_what_was_measured():
    assert repr(exercises.reveal(0.5, 0.8234)) == "You guessed 0.5, and it is 0.823."
    assert repr(exercises.reveal("half", 0.8234)) == "You guessed 'half', and it is 0.823."
    assert repr(exercises.reveal(None, 82.34, " %")) == "It is 82.3 %. (You have not guessed.)"


def test_every_chapter_has_its_checks():
    for chapter in checking.CHAPTERS:
        for number, (kind, function) in checking._exercises_of(chapter).items():
            assert number.startswith(f"{chapter}.")
            assert kind in checking.KINDS and callable(function)
