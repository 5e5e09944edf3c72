"""The README's badges and its picture say what is so."""

import re
import sys

import pytest

from truthpixel_utils.files import PROJECT

README = (PROJECT / "README.md").read_text(encoding="utf-8")


def test_the_badges_are_true():
    lowest, below = re.search(
        r'requires-python = ">=3\.(\d+),<3\.(\d+)"', (PROJECT / "pyproject.toml").read_text()
    ).groups()
    assert f"Python 3.{lowest} to 3.{int(below) - 1}" in README
    assert f"badge/python-3.{lowest}%20to%203.{int(below) - 1}-" in README
    assert (PROJECT / "LICENSE").read_text().startswith("MIT License")


@pytest.fixture(scope="module")
def panels():
    pytest.importorskip("skimage")
    sys.path.insert(0, str(PROJECT / "docs"))
    import make_picture

    return make_picture.panels()


def test_the_picture_shows_the_detector_right_wrong_and_at_a_loss(panels):
    assert {outcome for outcome, _, _ in panels} == {"right", "wrong", "cannot tell"}


def test_the_words_for_the_picture_say_what_it_shows(panels):
    """Those who cannot see it read what `python docs/make_picture.py` prints."""
    words = re.search(r"!\[(.*?)\]\(docs/answers\.png\)", README)[1]
    for outcome, shows, report in panels:
        said = f'{shows}, "{report.verdict}"' if outcome != "cannot tell" else shows
        assert said in words and outcome in words.lower()
    [sure] = [r.p_ai for outcome, shows, r in panels if shows == "photograph of a man"]
    assert f"{sure:.0%}".replace("%", " %") + " sure that the photograph of a man" in README
