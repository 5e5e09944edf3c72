"""How far figures would move with other images of the same kind: bootstrap intervals."""

import warnings

import numpy as np
import pandas as pd

from truthpixel_utils.evaluate.metrics import HEADLINES, THRESHOLD, check_predictions


def bootstrap_intervals(predictions, threshold=THRESHOLD, level=0.95, resamples=2000, seed=0):
    """Say how far the headline figures would move with other images of the same kind.

    Percentile bootstrap (Efron and Tibshirani, 1993): images are drawn with replacement, as many as there are, and the
    figures computed of each draw; the interval holds the middle `level` of them.

    Returns
    -------
    pandas.DataFrame, one row a figure of `HEADLINES`: ``low``, ``high`` (each 0..1; not a number where most draws leave
    the figure undefined)
    """
    check_predictions(predictions)
    ranked = predictions.sort_values("p_ai")
    truth, p_ai = ranked["label"].to_numpy() == 1, ranked["p_ai"].to_numpy()
    called = p_ai >= threshold
    outcomes = np.stack([truth & called, ~truth & called, truth & ~called, ~truth & ~called], axis=1).astype(np.float32)
    first, behind = np.searchsorted(p_ai, p_ai, "left"), np.searchsorted(p_ai, p_ai, "right")
    rng, drawn = np.random.default_rng(seed), []
    for start in range(0, resamples, 100):  # as many as fit into the memory at once
        draws = rng.integers(0, len(p_ai), (min(100, resamples - start), len(p_ai)))
        times = np.stack([np.bincount(draw, minlength=len(p_ai)) for draw in draws]).astype(np.float32)
        reals_below = np.pad(np.cumsum(times * ~truth, axis=1), ((0, 0), (1, 0)))
        won = (times * truth * (reals_below[:, first] + reals_below[:, behind]) / 2).sum(axis=1, dtype=float)
        drawn.append(_figures_of(times @ outcomes, won))
    tail = (1 - level) / 2
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a figure that no draw defines
        low, high = np.nanquantile(np.concatenate(drawn), (tail, 1 - tail), axis=0)
    return pd.DataFrame({"low": low, "high": high}, index=list(HEADLINES))


def _figures_of(outcomes, won):
    """`HEADLINES` (draws, 5) from counts (draws, 4) and the number of pairs in which the AI-generated scored higher."""
    found, accused, missed, cleared = outcomes.T.astype(float)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                (found + cleared) / outcomes.sum(axis=1),
                found / (found + accused),
                found / (found + missed),
                2 * found / (2 * found + accused + missed),
                won / ((found + missed) * (accused + cleared)),
            ],
            axis=1,
        )
