"""From logits to probabilities, and from probabilities to three verdicts.

Both are chosen on validation images.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_curve

from truthpixel_utils.evaluate.metrics import check_predictions
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL

if TYPE_CHECKING:
    from truthpixel_utils.backend import keras

TEMPERATURES = (0.05, 20.0)  # the lowest and the highest that is looked for
MAX_ERROR_RATE = 0.01  # share of either class, at most, that gets the other's verdict
# The same for images of a source that nobody has seen; to bound two in a hundred takes 49 sources.
# To accuse a photographer is worse than to miss a generated picture, and counts for five of those.
MAX_FALSE_POSITIVE_RATE_OF_SOURCES = 0.02
MAX_FALSE_NEGATIVE_RATE_OF_SOURCES = 0.10


def calibrate(detector: keras.Model, predictions: pd.DataFrame) -> dict[str, float]:
    """Make `p_ai` a probability, and choose from which probability on to take a side.

    The detector is changed in place: its layer ``logit`` subtracts the shift from what it computed
    before, and divides by the temperature. The images stay in the same order; what moves is the
    place where p_ai is 0.5, for a detector may lean to one side.

    Parameters
    ----------
    detector : keras.Model
        A trained network.
    predictions : pandas.DataFrame
        What `predict_rows` made with it of validation images.

    Returns
    -------
    dict
        ``shift`` and ``temperature`` (float, see `platt_scaling`), ``lower_threshold`` and
        ``upper_threshold`` (float, 0..1, see `choose_thresholds`).

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing, or it lacks a class.
    """
    check_predictions(predictions, both_classes=True)
    shift, temperature = platt_scaling(predictions)
    logit = detector.get_layer("logit")
    kernel, bias = logit.get_weights()
    logit.set_weights([kernel / temperature, (bias - shift) / temperature])
    p_ai = expit((predictions["logit"].astype(float) - shift) / temperature)
    thresholds = choose_thresholds(predictions.assign(p_ai=p_ai))
    return {"shift": shift, "temperature": temperature, **thresholds}


def platt_scaling(predictions: pd.DataFrame) -> tuple[float, float]:
    """Find the shift and the temperature that make probabilities of logits come true.

    The probability is the sigmoid of (logit - shift) / temperature. To find the two is Platt's
    scaling (*Probabilistic outputs for support vector machines*, 1999), a logistic regression of
    the label on the logit, without regularisation: its probability is the sigmoid of coefficient ·
    logit + intercept. With the temperature alone it would be temperature scaling (Guo et al., *On
    calibration of modern neural networks*, 2017).

    Where no real image scores higher than an AI-generated one, a steeper sigmoid always fits
    better, and where the order is random or reversed, a flatter one. There the temperature ends
    at its bound, and the shift is such that as many images lie above it as are AI-generated.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Validation images of both classes: ``label`` (int, 1 = AI-generated) and ``logit`` (float).

    Returns
    -------
    shift : float
        Within the logits' range; above 0, the detector leaned to AI-generated.
    temperature : float
        Within `TEMPERATURES`; above 1, the logits were too sure of themselves.
    """
    logits, labels = predictions["logit"].to_numpy(float), predictions["label"].to_numpy()
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)  # C: no regularisation
    regression.fit(logits[:, None], labels)
    coefficient, intercept = regression.coef_[0, 0], regression.intercept_[0]
    lowest, highest = TEMPERATURES
    if 1 / highest <= coefficient <= 1 / lowest:
        shift, temperature = -intercept / coefficient, 1 / coefficient
    else:
        shift = np.quantile(logits, np.mean(labels == 0))
        temperature = lowest if coefficient > 1 / lowest else highest
    return float(np.clip(shift, logits.min(), logits.max())), float(temperature)


def choose_thresholds(predictions: pd.DataFrame) -> dict[str, float]:
    """Choose the probabilities between which the detector abstains: it says *cannot tell*.

    Where the images name no sources, at most one in a hundred of either class may lie beyond the
    other's threshold. Where they do, a new picture comes from a source that is not among them, and
    each source counts as much as another: the thresholds bound the share that is wrong in a new
    source (Angelopoulos et al., *Conformal risk control*, 2022). Of a new source of real images two
    in a hundred are expected to be called AI-generated at most, of a new source of AI-generated
    ones ten in a hundred real. Of fewer than 49 sources, and of fewer than 9, so little cannot be
    promised; then no image of validation lies beyond.

    Parameters
    ----------
    predictions : pandas.DataFrame
        Validation images: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1); with
        ``source`` (str or None), if there is such a column.

    Returns
    -------
    dict
        ``lower_threshold`` (float, 0..0.5): below it the verdict is real. ``upper_threshold``
        (float, 0.5..1): from it on the verdict is AI-generated.

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing, or it lacks a class.
    """
    check_predictions(predictions, both_classes=True)
    real, ai = (predictions[predictions["label"] == label] for label in (0, 1))
    highest_real = -_lowest_to_spare(
        real.assign(p_ai=-real["p_ai"]), MAX_FALSE_POSITIVE_RATE_OF_SOURCES
    )
    upper = float(np.nextafter(highest_real, 2))  # just above: equal scores stay below as well
    return {
        "lower_threshold": min(0.5, _lowest_to_spare(ai, MAX_FALSE_NEGATIVE_RATE_OF_SOURCES)),
        "upper_threshold": max(0.5, upper),
    }


def _lowest_to_spare(of_class: pd.DataFrame, rate_of_sources: float) -> float:
    """Find the lowest p_ai of a class that has to be spared, if a few of its images need not be."""
    p_ai = of_class["p_ai"].astype(float)
    if "source" not in of_class or of_class["source"].isna().all():
        return float(np.quantile(p_ai, MAX_ERROR_RATE, method="lower"))
    sources = of_class["source"].fillna("")
    count = sources.nunique()
    shares = (1 / sources.groupby(sources).transform("size"))[p_ai.sort_values().index]
    may_be_wrong = max(0.0, rate_of_sources * (count + 1) - 1)  # sum over the sources
    spared = np.searchsorted(shares.cumsum(), may_be_wrong + 1e-9)
    return float(p_ai.sort_values().iloc[min(spared, len(p_ai) - 1)])


def youden_threshold(predictions: pd.DataFrame) -> float:
    """Find the threshold at which recall exceeds the false-positive rate by most.

    The difference of the two is Youden's index (*Index for rating diagnostic tests*, 1950).

    Parameters
    ----------
    predictions : pandas.DataFrame
        Validation images: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).

    Returns
    -------
    float
        The p_ai, 0..1, from which an image is called AI-generated.

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing, or it lacks a class.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [0, 0, 1, 1], "p_ai": [0.1, 0.2, 0.3, 0.4]})
    >>> youden_threshold(table)
    0.3
    """
    check_predictions(predictions, both_classes=True)
    false_positive_rate, recall, thresholds = roc_curve(predictions["label"], predictions["p_ai"])
    index = recall - false_positive_rate
    best = index[1:].argmax() + 1  # the first threshold is infinity: call no image AI-generated
    return float(thresholds[best])


def reliability_table(predictions: pd.DataFrame, bins: int = 15) -> pd.DataFrame:
    """Compare the probability that was given with the share that came true, bin by bin.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).
    bins : int
        Into how many equal widths the range of p_ai is divided.

    Returns
    -------
    pandas.DataFrame
        One row a bin that holds images: ``images`` (int), ``mean_p_ai`` (float, 0..1) and
        ``share_ai`` (float, 0..1, the share of them that is AI-generated).

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing.
    """
    check_predictions(predictions)
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    groups = predictions[["p_ai", "label"]].groupby(np.digitize(predictions["p_ai"], edges))
    return pd.DataFrame(
        {
            "images": groups.size(),
            "mean_p_ai": groups["p_ai"].mean(),
            "share_ai": groups["label"].mean(),
        }
    )


def expected_calibration_error(predictions: pd.DataFrame, bins: int = 15) -> float:
    """Compute how far p_ai lies from the share of AI-generated images, on average.

    This is the expected calibration error of Naeini et al. (*Obtaining well calibrated
    probabilities using Bayesian binning*, 2015).

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).
    bins : int
        Into how many equal widths the range of p_ai is divided.

    Returns
    -------
    float
        0..1: the mean over the bins of `reliability_table`, weighted by their images.

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [0, 0, 0, 1], "p_ai": [0.5, 0.5, 0.5, 0.5]})
    >>> expected_calibration_error(table)  # one in two was said, one in four came true
    0.25
    """
    table = reliability_table(predictions, bins)
    gaps = (table["mean_p_ai"] - table["share_ai"]).abs()
    return float(np.average(gaps, weights=table["images"]))


def risk_coverage_table(predictions: pd.DataFrame) -> pd.DataFrame:
    """Say how many errors remain if a detector answers for the surest images only.

    The curve of risk against coverage is that of El-Yaniv and Wiener (*On the foundations of
    noise-free selective classification*, 2010).

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).

    Returns
    -------
    pandas.DataFrame
        One row an image, the surest first: ``confidence`` (float, 0.5..1), ``coverage`` (share of
        images answered so far, 0..1) and ``risk`` (share of errors among them, 0..1).

    Raises
    ------
    TruthPixelError
        If figures of the table would mean nothing.
    """
    check_predictions(predictions)
    confidence = np.maximum(predictions["p_ai"], 1 - predictions["p_ai"]).astype(float)
    wrong = (predictions["p_ai"] >= 0.5) != (predictions["label"] == 1)
    table = pd.DataFrame({"confidence": confidence, "wrong": wrong})
    table = table.sort_values("confidence", ascending=False, kind="stable", ignore_index=True)
    answered = np.arange(1, len(table) + 1)
    return pd.DataFrame(
        {
            "confidence": table["confidence"],
            "coverage": answered / len(table),
            "risk": table["wrong"].cumsum() / answered,
        }
    )


def verdicts(p_ai: ArrayLike, rule: dict[str, float]) -> np.ndarray:
    """Name the verdict of each probability.

    Parameters
    ----------
    p_ai : float array (N,)
        Probabilities of AI-generated, 0..1; of NaN the verdict is *cannot tell*.
    rule : dict
        What `calibrate` returned; its ``lower_threshold`` and ``upper_threshold`` are used.

    Returns
    -------
    str array (N,)
        ``real`` below the lower threshold, ``AI-generated`` from the upper threshold on, between
        them ``cannot tell``.

    Examples
    --------
    >>> rule = {"lower_threshold": 0.25, "upper_threshold": 0.75}
    >>> verdicts(np.array([0.1, 0.5, 0.9]), rule).tolist()
    ['real', 'cannot tell', 'AI-generated']
    """
    is_real, is_ai = p_ai < rule["lower_threshold"], p_ai >= rule["upper_threshold"]
    return np.select([is_real, is_ai], [REAL, AI], CANNOT_TELL)
