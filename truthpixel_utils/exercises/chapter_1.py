"""Checks of the exercises of chapter 1: twins, the spectrum, sources."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from truthpixel_utils.data import source_of
from truthpixel_utils.exercises.checking import Reply, not_yet, right

if TYPE_CHECKING:
    import datasets

SHARE = 0.25  # of the images have a twin
TRAINED = 0.7  # of the rows
TOLERANCE = 0.1  # of a hundred seeds, one falls farther off: the test rows are few


def _fewer_twins(answer: float) -> Reply:
    """A test row is remembered if it has a twin and the twin lies in training; else it is a coin.

    Of 1 + share rows, 2 * share have a twin.
    """
    remembered = 2 * SHARE / (1 + SHARE) * TRAINED
    expected = remembered + (1 - remembered) / 2
    if answer > 1:
        return not_yet("an accuracy lies between 0 and 1.")
    if answer > expected + TOLERANCE:
        return not_yet("that is nearly what it was when every image had a twin.")
    if answer < expected - TOLERANCE:
        return not_yet("that is about what coins give, but some twins are still remembered.")
    return right(
        f"{remembered:.0%} of the test rows have their twin in training and are remembered, and "
        f"a coin decides the others; {remembered:.2f} + {1 - remembered:.2f} / 2 = "
        f"{expected:.2f} on average."
    )


def _largest_differences(power: dict[str, np.ndarray]) -> dict[str, int]:
    """For each maker but the camera: the frequency that differs most; minus for too little."""
    found = {}
    for maker, values in power.items():
        factor = np.log(values / power["camera"])
        largest = int(np.abs(factor).argmax())
        found[maker] = (largest + 1) * (1 if factor[largest] > 0 else -1)
    del found["camera"]
    return found


def _reading_the_spectrum(answer: dict, spectra: np.ndarray, makers: np.ndarray) -> Reply:
    """The largest factor between a generator and the camera, by the geometric mean."""
    of_maker = {maker: spectra[makers == maker, 1:] for maker in np.unique(makers)}
    if "camera" not in of_maker or len(of_maker) < 2:
        return not_yet("these data name no camera and generators: use the sample.")
    expected = _largest_differences({m: np.exp(s.mean(axis=0)) for m, s in of_maker.items()})
    answer = {maker: answer[maker] for maker in expected if maker in answer}  # no camera
    if answer == expected:
        return right("and it is a typical image that this describes, not the few contrasty ones.")
    if missing := sorted(expected.keys() - answer.keys()):
        return not_yet(f"{missing[0]} is missing.")
    if answer == _largest_differences({m: np.exp(s).mean(axis=0) for m, s in of_maker.items()}):
        return not_yet("that is what the arithmetic mean says, which a few images decide.")
    wrong = next(maker for maker in expected if answer[maker] != expected[maker])
    if answer[wrong] == -expected[wrong]:
        return not_yet(f"the frequency of {wrong} is right, and its sign is not.")
    return not_yet(f"{wrong} differs more elsewhere: compare logarithms, not differences.")


def _honest_groups(groups: Callable, rows: datasets.Dataset) -> Reply:
    """All images of one photograph belong together, the redrawn ones too."""
    photographs = source_of(rows)
    if photographs.isna().any():
        return not_yet("some of these images name no source: use the sample.")
    found = pd.Series(list(groups(list(rows["id"][:]))))
    if len(found) != len(rows):
        return not_yet(f"there are {len(rows)} ids; what your function returns has {len(found)}.")
    if found.isna().any():
        return not_yet("some images have no group.")
    groups_of_each = found.groupby(photographs).nunique()
    if groups_of_each.max() > 1:
        return not_yet("two crops of one photograph, which may overlap, still have two groups.")
    if found.nunique() < photographs.nunique():
        return not_yet("that is safe, but it lumps several photographs together for no reason.")
    return right("crops of one photograph overlap, so the whole photograph has to be held out.")


EXERCISES = {
    "1.1": ("a number", _fewer_twins),
    "1.2": ("a dictionary", _reading_the_spectrum),
    "1.3": ("a function", _honest_groups),
}
