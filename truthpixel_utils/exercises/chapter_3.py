"""Checks of the exercises of chapter 3: the learning rate, the AUC, and choosing the best."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from truthpixel_utils.exercises.checking import Reply, not_yet, right

TOO_FAST = 1.0  # learning rate
COLUMNS = ["val_loss", "val_accuracy", "learning_rate"]


def _too_fast(history: pd.DataFrame) -> Reply:
    """The table of a training with steps that are too long."""
    if not set(history.columns).issuperset(COLUMNS):
        return not_yet("this is not the table that train_phase returns.")
    if not np.isclose(history["learning_rate"].iloc[0], TOO_FAST):
        found = history["learning_rate"].iloc[0]
        return not_yet(f"this training began with a learning rate of {found:g}, not {TOO_FAST:g}.")
    return right(
        "each step jumps over the valley, so the weights shoot up, the loss reaches thousands, and "
        "the accuracy stays near that of a coin."
    )


def _auc_by_hand(auc: Callable) -> Reply:
    """The reader's function beside scikit-learn's, with ties and without."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 2, 200)
    tied = rng.integers(0, 5, 200) + labels
    fine = rng.normal(size=200) + labels
    found, expected = auc(labels, fine), roc_auc_score(labels, fine)
    if np.size(found) != 1:
        return not_yet(f"your function returns {np.size(found):,} numbers, and the AUC is one.")
    if np.isclose(found, 1 - expected):
        return not_yet("that is the chance that the photograph has the higher score.")
    if not np.isclose(found, expected):
        return not_yet("for two hundred scores without a tie the result is not the AUC.")
    if not np.isclose(auc(labels, tied), roc_auc_score(labels, tied)):
        return not_yet("without ties it is right; a tie counts one half.")
    return right("this is the statistic of Mann and Whitney, divided by the number of pairs.")


def _honest_choice(answer: float, on_validation: np.ndarray, on_new_images: np.ndarray) -> Reply:
    """What was chosen on some images is measured on others."""
    if answer > 1:
        return not_yet("an accuracy lies between 0 and 1.")
    chosen = int(np.argmax(on_validation))
    if np.isclose(answer, on_new_images[chosen]):
        return right(
            "only the new images had no say in the choice; the best of two hundred coins shines "
            "on the images that chose it, and is a coin again on all others."
        )
    if np.isclose(answer, on_validation[chosen]):
        return not_yet("that is the colleague's number: these images made the choice themselves.")
    if np.isclose(answer, on_new_images.max()):
        return not_yet("that is the best on the new images, so now these make the choice.")
    return not_yet("look up the detector that the colleague chose, on images without a say.")


EXERCISES = {
    "3.1": ("a table", _too_fast),
    "3.2": ("a function", _auc_by_hand),
    "3.3": ("a number", _honest_choice),
}
