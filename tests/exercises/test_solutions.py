"""Every exercise has a hint, a cell to check one's answer in, and a solution that is right."""

import json
from pathlib import Path

import pytest

from truthpixel_utils import exercises
from truthpixel_utils.files import PROJECT

NOTEBOOKS = PROJECT / "notebooks"


def cells(path: Path):
    return json.loads(path.read_text())["cells"]


def text(cell):
    return "".join(cell["source"])


def notebook_of(number, folder):
    [path] = folder.glob(f"{number[0].zfill(2)}_*.ipynb")
    return path


def checking(number, folder):
    """The cell in which an exercise is checked."""
    found = [
        cell
        for cell in cells(notebook_of(number, folder))
        if cell["cell_type"] == "code" and f'exercises.check("{number}"' in text(cell)
    ]
    assert len(found) == 1, f"{number} is checked in {len(found)} cells of {folder}"
    return found[0]


def said(cell):
    return "".join(cell["outputs"][-1]["data"]["text/plain"])


@pytest.mark.parametrize("number", exercises.known_exercises())
def test_an_exercise_waits_for_its_answer_and_folds_its_hint(number):
    assert "is not answered yet" in said(checking(number, NOTEBOOKS))
    told = [text(cell) for cell in cells(notebook_of(number, NOTEBOOKS))]
    [exercise] = [part for part in told if f"### Exercise {number}" in part]
    assert "<details>" in exercise and "<summary>Hint</summary>" in exercise
    assert f"solutions/{notebook_of(number, NOTEBOOKS).name}" in "".join(told)


@pytest.mark.parametrize("number", exercises.known_exercises())
def test_a_solution_is_right_and_is_compared_when_it_runs_again(number):
    cell = checking(number, NOTEBOOKS / "solutions")
    assert "nbval-check-output" in cell["metadata"]["tags"]
    assert said(cell).startswith("Right: ")
