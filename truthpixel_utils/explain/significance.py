"""Is a difference more than chance, if images come in groups and there are many differences?"""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.stats import t as student


def mean_over_groups(values: ArrayLike, groups: ArrayLike) -> tuple[float, float, float, float]:
    """Average values group by group, and ask whether the groups' mean differs from 0.

    Each group counts once, as one number (its mean), however many values it has; of these numbers
    it is Student's test.

    Parameters
    ----------
    values : float array (N,)
        One value an image.
    groups : array (N,)
        What each image belongs to, such as its photograph.

    Returns
    -------
    mean : float
        The mean of the groups' means.
    low, high : float
        Its 95 % interval; NaN if there is one group alone.
    p_value : float
        Two-sided, 0..1; NaN if there is one group alone.
    """
    means = pd.Series(np.asarray(values)).groupby(np.asarray(groups)).mean().to_numpy()
    mean, count = float(means.mean()), len(means)
    if count < 2:
        return mean, np.nan, np.nan, np.nan
    error = means.std(ddof=1) / count**0.5
    half = student.ppf(0.975, count - 1) * error
    p_value = 2 * student.sf(abs(mean) / error, count - 1) if error else float(mean == 0)
    return mean, float(mean - half), float(mean + half), float(p_value)


def holm(p_values: ArrayLike) -> np.ndarray:
    """Correct p-values for their being many.

    With all of them below 0.05 after the correction, the probability that chance alone made any of
    them is at most 5 % (Holm, *A simple sequentially rejective multiple test procedure*, 1979).

    Parameters
    ----------
    p_values : float array (N,)
        Each 0..1; NaN where there is none.

    Returns
    -------
    float array (N,)
        The corrected p-values, in the same order.

    Examples
    --------
    >>> holm([0.01, 0.5, 0.03]).round(2).tolist()
    [0.03, 0.5, 0.06]
    """
    p_values = np.asarray(p_values, float)
    order = np.argsort(p_values)  # NaN last
    left = np.arange(len(p_values), 0, -1) - np.isnan(p_values).sum()  # tests not yet passed
    corrected = np.empty(len(p_values))
    corrected[order] = np.minimum(1, np.maximum.accumulate(left * p_values[order]))
    return corrected
