"""Which detectors are asked, and which of them answers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from truthpixel_utils.backend import keras
from truthpixel_utils.demo.doubts import why_outside
from truthpixel_utils.evaluate import load_rule
from truthpixel_utils.model import FINAL, ON, PACKAGED, find_detector, load_detector

# What the cards of the package's detectors have measured, in a sentence.
FIGURES = {
    "cifake": "It is right on 98.59 % of CIFAKE's official test images, and knows nothing else.",
    "pictures": "On 156 photographs and generated pictures of sources that it never saw, it "
    "answered 37 %, 56 of 57 answers were right, and no photograph was accused. Where it had seen "
    "no relative of the generator, one answer in six was wrong.",
}
Choose = Callable[[int, int], tuple[str, keras.Model, dict[str, Any]]]


def load_detectors(
    model_file: str | Path | None, output_dir: str | Path
) -> list[tuple[str, keras.Model, dict[str, Any]]]:
    """Load the detectors that are to answer.

    Parameters
    ----------
    model_file : str or Path or None
        A detector's file or name, see `model.find_detector`; None for those of the package that are
        on (`model.ON`).
    output_dir : str or Path
        The folder in which the course's own detector lies.

    Returns
    -------
    list of (name, detector, rule)
    """
    paths = [find_detector(model_file, output_dir)] if model_file else ON
    return [(_name_of(path), load_detector(path), load_rule(path=path)) for path in paths]


def chooser(detectors: list[tuple[str, keras.Model, dict[str, Any]]]) -> Choose:
    """Return the function that chooses a detector by the size of a picture.

    Parameters
    ----------
    detectors : list of (name, detector, rule)
        The first one that knows pictures of the size answers, else the first of all.

    Returns
    -------
    callable
        From width and height, in pixels, to one of `detectors`.
    """

    def choose(width: int, height: int) -> tuple:
        fitting = [one for one in detectors if why_outside(one[1], width, height) is None]
        return (fitting or detectors)[0]

    return choose


def _name_of(path):
    """How the reader is told which detector answered."""
    names = {path: name for name, path in PACKAGED.items()}
    if path in names:
        return f"{names[path]}, from the package"
    return "trained by the course" if path.name == FINAL else path.name
