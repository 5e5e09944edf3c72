"""How far the headline figures would move with other images of the same kind: bootstrap intervals.

A resample draws as many images as there are, with replacement. All that matters of it is how often
each image was drawn, its *multiplicity*: the figures of the resample are those of the original
images, each weighted by its multiplicity. So thousands of resamples need no thousands of tables,
only one matrix of multiplicities, and every figure is a sum over it.
"""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from truthpixel_utils.evaluate.metrics import HEADLINES, THRESHOLD, check_predictions

RESAMPLES_AT_ONCE = 100  # the matrix of multiplicities has so many rows; all of them take memory


def bootstrap_intervals(
    predictions: pd.DataFrame,
    threshold: float = THRESHOLD,
    level: float = 0.95,
    resamples: int = 2000,
    seed: int = 0,
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Say how far the headline figures would move with other images of the same kind.

    This is the percentile bootstrap (Efron and Tibshirani, *An Introduction to the Bootstrap*,
    1993): the figures are computed of every resample, and the interval holds the middle `level`
    of them. Images of one photograph or one photographer resemble each other, so that a hundred of
    them say less than a hundred strangers. Where `groups` names what belongs together, whole groups
    are drawn (the cluster bootstrap: Field and Welsh, *Bootstrapping clustered data*, 2007).

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1). Images of
        one class are enough; the figures that need both then have no interval.
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.
    level : float
        Share of the resamples, 0..1, whose figure lies in the interval.
    resamples : int
        How many times the images are drawn anew.
    seed : int
        Seed of the draws: the same seed gives the same intervals.
    groups : str array (N,), optional
        What each image belongs to, in the order of the rows, such as its photograph (see
        `data.source_of`). Without it each image is drawn by itself.

    Returns
    -------
    pandas.DataFrame
        One row a figure of `HEADLINES`: ``low`` and ``high`` (float, 0..1; NaN where no resample
        defines the figure).

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing, see `metrics.check_predictions`.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [0, 0, 1, 1], "p_ai": [0.1, 0.2, 0.8, 0.9]})
    >>> bootstrap_intervals(table).loc["accuracy"].tolist()  # right however one draws
    [1.0, 1.0]
    """
    check_predictions(predictions)
    ranked = predictions.reset_index(drop=True).sort_values("p_ai")
    members = np.arange(len(ranked)) if groups is None else np.asarray(groups)[ranked.index]
    members, drawn_from = pd.factorize(members)
    is_ai, p_ai = ranked["label"].to_numpy() == 1, ranked["p_ai"].to_numpy()
    outcomes = _outcomes(is_ai, p_ai >= threshold)
    rng = np.random.default_rng(seed)
    figures = []
    for start in range(0, resamples, RESAMPLES_AT_ONCE):
        count = min(RESAMPLES_AT_ONCE, resamples - start)
        multiplicities = _multiplicities(rng, count, len(drawn_from))[:, members]
        wins = _mann_whitney_u(multiplicities, is_ai, p_ai)
        figures.append(_headlines(multiplicities @ outcomes, wins))
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # about a figure that no resample defines
        low, high = np.nanquantile(np.concatenate(figures), (tail, 1 - tail), axis=0)
    return pd.DataFrame({"low": low, "high": high}, index=list(HEADLINES))


def _outcomes(is_ai, called_ai):
    """Sort images (N,) into the four cells of the confusion matrix: one-hot, float32 (N, 4).

    The columns are true positives, false positives, false negatives and true negatives.
    """
    cells = [is_ai & called_ai, ~is_ai & called_ai, is_ai & ~called_ai, ~is_ai & ~called_ai]
    return np.stack(cells, axis=1).astype(np.float32)


def _multiplicities(rng, resamples, groups):
    """Draw resamples and count how often each group is in each: float32 (resamples, groups)."""
    draws = rng.integers(0, groups, (resamples, groups))
    return np.stack([np.bincount(draw, minlength=groups) for draw in draws]).astype(np.float32)


def _mann_whitney_u(multiplicities, is_ai, p_ai):
    """Count the pairs that an AI-generated image wins against a real one, in each resample.

    This is Mann and Whitney's U (*On a test of whether one of two random variables is
    stochastically larger than the other*, 1947): of all pairs of an AI-generated and a real image,
    the number in which the AI-generated one scores higher, a tie counting one half. Divided by the
    number of pairs it is the ROC-AUC (Hanley and McNeil, 1982). An image that was drawn m times
    stands in m times as many pairs.

    The images are in ascending order of `p_ai` (N,), so the real ones that score less than an
    image are those in front of the first with its score: a running sum of real multiplicities,
    read at that place. Read behind the last with its score, it counts the ties as well, and the
    mean of the two counts them half.
    """
    before_ties = np.searchsorted(p_ai, p_ai, "left")
    behind_ties = np.searchsorted(p_ai, p_ai, "right")
    reals_in_front = np.pad(np.cumsum(multiplicities * ~is_ai, axis=1), ((0, 0), (1, 0)))
    beaten = reals_in_front[:, before_ties] + reals_in_front[:, behind_ties]
    return (multiplicities * is_ai * beaten / 2).sum(axis=1, dtype=float)


def _headlines(counts, wins):
    """Compute `HEADLINES`, float (resamples, 5), of the `_outcomes` in each resample and its U."""
    true_positives, false_positives, false_negatives, true_negatives = counts.T.astype(float)
    positives, negatives = true_positives + false_negatives, false_positives + true_negatives
    errors = false_positives + false_negatives
    with np.errstate(invalid="ignore", divide="ignore"):
        figures = {
            "accuracy": (true_positives + true_negatives) / counts.sum(axis=1),
            "precision": true_positives / (true_positives + false_positives),
            "recall": true_positives / positives,
            "f1": 2 * true_positives / (2 * true_positives + errors),
            "roc_auc": wins / (positives * negatives),
        }
    return np.stack([figures[name] for name in HEADLINES], axis=1)
