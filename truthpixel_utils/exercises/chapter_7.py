"""The checks of notebook 7's exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from truthpixel_utils.evaluate import expected_calibration_error, verdicts
from truthpixel_utils.exercises.checking import Reply, is_one_number, not_yet, right
from truthpixel_utils.labels import CANNOT_TELL

CLOSE = 0.006  # how near an answer has to be that may have been rounded to two digits


def _braver(answer: float, validation: pd.DataFrame) -> Reply:
    """Exercise 7.1: the share of images with an answer, at thresholds of one in twenty."""
    answered = _answered(validation, 0.05)
    if abs(answer - answered) < CLOSE:
        return right("silence has a price, and the thresholds set it.")
    if answer > 1:
        return not_yet("a share is a number between 0 and 1: neither per cent nor a count.")
    if abs(answer - (1 - answered)) < CLOSE:
        return not_yet("that is the share that gets no answer.")
    if abs(answer - _answered(validation, 0.01)) < CLOSE:
        return not_yet("that is one in a hundred.")
    return not_yet("find both quantiles, name the verdicts, and count those that take a side.")


def _answered(validation: pd.DataFrame, wrong: float) -> float:
    real, ai = (validation["p_ai"][validation["label"] == label] for label in (0, 1))
    rule = {
        "lower_threshold": min(0.5, ai.quantile(wrong)),
        "upper_threshold": max(0.5, real.quantile(1 - wrong)),
    }
    return float((verdicts(validation["p_ai"], rule) != CANNOT_TELL).mean())


def _calibration_error(answer: Callable) -> Reply:
    """Exercise 7.2: the expected calibration error with ten bins."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        p_ai = rng.random(400)
        came_true = np.clip(p_ai + 0.3 * np.sin(20 * p_ai), 0, 1)  # now too often, now too rarely
        label = (rng.random(400) < came_true).astype(int)
        table = pd.DataFrame({"label": label, "p_ai": p_ai})
        found, wanted = answer(table.copy()), expected_calibration_error(table, bins=10)
        if not is_one_number(found):
            return not_yet(f"it returns a {type(found).__name__}: one number is wanted, the error.")
        groups = table.groupby((p_ai * 10).astype(int))
        gaps = groups["p_ai"].mean() - groups["label"].mean()
        if np.isclose(abs(found), abs(np.average(gaps, weights=groups.size()))):
            return not_yet("gaps up and gaps down cancel out: take the size of each.")
        if np.isclose(found, gaps.abs().mean()):
            return not_yet("each bin counts as much as another: weigh them by their images.")
        if np.isclose(found, expected_calibration_error(table)):
            return not_yet("that is with fifteen bins, as `evaluate` has them; ten are wanted.")
        if not np.isclose(found, wanted):
            return not_yet("on made-up predictions another error comes out.")
    return right("a mean of gaps, each weighed by the images of its bin.")


def _for_another_share(answer: Callable) -> Reply:
    """Exercise 7.3: a probability for another share of AI-generated images."""
    for p_ai in (0.1, 0.5, 0.9, 0.99):
        for share in (0.5, 0.1, 0.01):
            found = answer(p_ai, share)
            if not is_one_number(found):
                return not_yet(f"it returns a {type(found).__name__}: one number is wanted.")
            odds = p_ai / (1 - p_ai) * share / (1 - share)
            if np.isclose(found, odds) and not np.isclose(found, odds / (1 + odds)):
                return not_yet("those are the odds; a probability is odds / (1 + odds).")
            if not np.isclose(found, odds / (1 + odds)):
                return not_yet(
                    f"for p_ai = {p_ai} and a share of {share} it returns {found:.3g}, which is "
                    "wrong (where the share is one half, nothing may change)."
                )
    return right("where one image in a hundred is AI-generated, his 90 % are about 8 %.")


EXERCISES = {
    "7.1": ("a number", _braver),
    "7.2": ("a function", _calibration_error),
    "7.3": ("a function", _for_another_share),
}
