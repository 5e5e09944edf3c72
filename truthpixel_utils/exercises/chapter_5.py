"""The checks of notebook 5's exercises."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score, roc_curve

from truthpixel_utils.data import source_of
from truthpixel_utils.evaluate import by_source
from truthpixel_utils.exercises.checking import Reply, is_one_number, not_yet, right

CLOSE = 0.006  # how near an answer has to be that may have been rounded to two digits


def _strict(answer: float, predictions: pd.DataFrame) -> Reply:
    """Exercise 5.1: recall where one photograph in a hundred is accused."""
    accused, recall, _ = roc_curve(predictions["label"], predictions["p_ai"])
    wanted = recall[accused <= 0.01].max()
    if abs(answer - wanted) < CLOSE:
        return right(
            "but nobody may report it: a threshold chosen on the test images has seen the answers."
        )
    if answer > 1:
        return not_yet("recall is a number between 0 and 1: neither per cent nor a count.")
    if abs(answer - recall[accused <= 0.1].max()) < CLOSE:
        return not_yet("there one photograph in ten is accused.")
    return not_yet("take the largest recall among the thresholds that accuse at most 1 %.")


def _without_the_worst(answer: float, predictions: pd.DataFrame) -> Reply:
    """Exercise 5.2: the false-positive rate without the source that is accused most."""
    accused = by_source(predictions)
    if len(accused) < 2:
        return not_yet("these images do not name several sources: try it on the sample.")
    real = (predictions["label"] == 0).to_numpy()
    called = predictions["p_ai"].to_numpy() >= 0.5
    others = real & (source_of(predictions) != accused.index[-1]).to_numpy()
    if abs(answer - called[others].mean()) < CLOSE:
        return right("one photograph moves the figure, and ten photographs are few.")
    if answer > 1:
        return not_yet("a rate is a number between 0 and 1: neither per cent nor a count.")
    if abs(answer - called[real].mean()) < CLOSE:
        return not_yet("that is the false-positive rate of all photographs.")
    return not_yet("of the real images of the other sources, count those called AI-generated.")


def _area(answer: Callable) -> Reply:
    """Exercise 5.3: the area under the curve, of scores and not of verdicts."""
    rng = np.random.default_rng(0)
    for _ in range(5):
        label = np.repeat([0, 1], 50)
        p_ai = np.clip(rng.normal(0.4 + 0.2 * label, 0.2), 0, 1).round(2)
        found = answer(pd.DataFrame({"label": label, "p_ai": p_ai}))
        if not is_one_number(found):
            return not_yet(f"it returns a {type(found).__name__}: one number is wanted, the area.")
        if np.isclose(found, roc_auc_score(label, p_ai >= 0.5)):
            return not_yet("the verdicts still go in: two scores are left of a hundred.")
        if not np.isclose(found, roc_auc_score(label, p_ai)):
            return not_yet("on made-up predictions it returns another area than scikit-learn.")
    return right("verdicts keep one threshold of the curve; the area needs all of them.")


EXERCISES = {
    "5.1": ("a number", _strict),
    "5.2": ("a number", _without_the_worst),
    "5.3": ("a function", _area),
}
