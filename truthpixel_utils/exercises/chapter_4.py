"""The checks of notebook 4's exercises."""

from __future__ import annotations

import numpy as np

from truthpixel_utils.exercises.checking import Reply, not_yet, right
from truthpixel_utils.model import load_detector, unfreeze_top

LAYERS = 60  # that exercise 4.1 unfreezes
DETECTORS, IMAGES, TRUE_ACCURACY = 10, 600, 0.9  # of exercise 4.3


def _trainable(answer: float, phase1: str) -> Reply:
    """Exercise 4.1: the trainable parameters of a detector with more layers unfrozen."""
    detector = load_detector(phase1)
    head = _count(detector)
    unfreeze_top(detector, LAYERS)
    if answer == _count(detector):
        return right("three times the layers are far from three times the parameters; why?")
    if answer == _count(detector) - head:
        return not_yet("that is the backbone alone: the head can be trained too.")
    if answer == detector.count_params():
        return not_yet("those are all parameters, and the layers below the last 60 stay frozen.")
    return not_yet("add up the sizes of all trainable variables after unfreezing a fresh copy.")


def _count(detector) -> int:
    return sum(int(np.prod(variable.shape)) for variable in detector.trainable_variables)


def _two_sins(answer: dict[str, float]) -> Reply:
    """Exercise 4.2: what is left after three steps with one of the two mistakes each."""
    if set(answer) != {"learning rate", "batch norm"}:
        return not_yet('the dictionary needs the two keys "learning rate" and "batch norm".')
    if not all(0 <= value <= 1 for value in answer.values()):
        return not_yet("an accuracy is a share between 0 and 1.")
    if answer["learning rate"] > 0.7:
        return not_yet("at 1e-2 hardly anything should be left: was the whole network trainable?")
    if answer["batch norm"] < answer["learning rate"] + 0.1:
        return not_yet("both at about a coin: did the second copy start from phase 1, at 1e-4?")
    return right("the learning rate alone wrecks it; batch normalisation would need more steps.")


def _luckiest(answer: float) -> Reply:
    """Exercise 4.3: how far the best of ten equal detectors flatters."""
    rng = np.random.default_rng(0)
    best = rng.binomial(IMAGES, TRUE_ACCURACY, (20_000, DETECTORS)).max(axis=1) / IMAGES
    flatters = 100 * (best.mean() - TRUE_ACCURACY)
    if abs(answer - flatters) < 0.15:
        return right("the best of ten is the luckiest of ten; only images not used to choose tell.")
    if abs(100 * answer - flatters) < 0.15:
        return not_yet("that is the share; in percentage points it is a hundred times as much.")
    if abs(answer) < 0.15:
        return not_yet("that is the mean of the ten; the colleague reports the best of them.")
    return not_yet("of each ten take the best, subtract 90 %, and average over many draws.")


EXERCISES = {
    "4.1": ("a number", _trainable),
    "4.2": ("a dictionary", _two_sins),
    "4.3": ("a number", _luckiest),
}
