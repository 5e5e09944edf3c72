"""From scores to probabilities, and from probabilities to three verdicts; both are chosen on validation images."""


import numpy as np
import pandas as pd
from scipy.optimize import minimize
from scipy.special import expit
from sklearn.metrics import log_loss, roc_curve

from truthpixel_utils.evaluate.metrics import check_predictions
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL

MAX_ERROR = 0.01  # share of real images that may be accused, and of AI-generated ones that may be cleared


def calibrate(detector, predictions):
    """Make `p_ai` a probability, in place, and choose from which probability on to take a side.

    The shift is taken from the layer ``logit``, which is then divided by the temperature: Platt's scaling (1999). No
    order changes, but where 0.5 lies does: a detector may lean to one side.

    Parameters
    ----------
    detector : keras.Model from `train.train`
    predictions : pandas.DataFrame, what `score.score` made with it of validation images

    Returns
    -------
    dict : ``shift`` and ``temperature`` (float, see `scaling`), ``lower_threshold`` and ``upper_threshold`` (0..1, see
    `thresholds`)
    """
    check_predictions(predictions, both_classes=True)
    shift, temperature = platt_scaling(predictions)
    logit = detector.get_layer("logit")
    kernel, bias = logit.get_weights()
    logit.set_weights([kernel / temperature, (bias - shift) / temperature])
    p_ai = expit((predictions["logit"].astype(float) - shift) / temperature)
    return {"shift": shift, "temperature": temperature, **choose_thresholds(predictions.assign(p_ai=p_ai))}


def platt_scaling(predictions):
    """Find shift and temperature: the sigmoid of (logit - shift) / temperature is calibrated best.

    Platt's scaling (1999); with the temperature alone it would be Guo et al.'s (2017).

    Parameters
    ----------
    predictions : pandas.DataFrame with ``label`` and ``logit``, of validation images

    Returns
    -------
    shift : float, above 0: the detector leaned to AI-generated
    temperature : float, above 1: the logits were too sure of themselves
    """
    logits, labels = predictions["logit"].to_numpy(float), predictions["label"]

    def loss(guess):
        return log_loss(labels, expit((logits - guess[0]) / np.exp(guess[1])))

    bounds = [(logits.min(), logits.max()), (-3, 3)]
    shift, log_temperature = minimize(loss, np.clip((0, 0), *np.transpose(bounds)), bounds=bounds).x
    return float(shift), float(np.exp(log_temperature))


def choose_thresholds(predictions, wrong=MAX_ERROR):
    """Choose the probabilities between which the answer is *cannot tell*.

    Parameters
    ----------
    predictions : pandas.DataFrame with ``label`` and ``p_ai``, of validation images
    wrong : float, share of each class that may lie beyond the other's threshold

    Returns
    -------
    dict : ``lower_threshold``, at most 0.5: at most this share of AI-generated images lies below; ``upper_threshold``, at least
    0.5: at most this share of real images lies at it or above
    """
    check_predictions(predictions, both_classes=True)
    real, ai = (predictions.loc[predictions["label"] == label, "p_ai"].to_numpy(float) for label in (0, 1))
    upper_threshold = np.nextafter(np.quantile(real, 1 - wrong, method="higher"), 2)
    lower_threshold = np.quantile(ai, wrong, method="lower")
    return {"lower_threshold": min(0.5, float(lower_threshold)), "upper_threshold": max(0.5, float(upper_threshold))}


def youden_threshold(predictions):
    """Find the threshold at which recall exceeds the share of accused real images by most (Youden, 1950).

    Parameters
    ----------
    predictions : pandas.DataFrame with ``label`` and ``p_ai``, of validation images

    Returns
    -------
    float, 0..1: the p_ai from which an image is called AI-generated
    """
    check_predictions(predictions, both_classes=True)
    accused, found, at = roc_curve(predictions["label"], predictions["p_ai"])
    return float(at[(found - accused)[1:].argmax() + 1])  # the first "threshold" is infinity: accuse nobody


def reliability_table(predictions, bins=15):
    """Compare what was said with what was found, in equal widths of `p_ai`.

    Returns
    -------
    pandas.DataFrame, one row a width that holds images: ``images``, ``said`` (mean p_ai), ``found`` (share of
    AI-generated images)
    """
    check_predictions(predictions)
    edges = np.linspace(0, 1, bins + 1)[1:-1]
    groups = predictions[["p_ai", "label"]].groupby(np.digitize(predictions["p_ai"], edges))
    return pd.DataFrame({"images": groups.size(), "said": groups["p_ai"].mean(), "found": groups["label"].mean()})


def expected_calibration_error(predictions, bins=15):
    """Expected calibration error (Naeini et al., 2015): how far p_ai is from the share of AI-generated images.

    Returns
    -------
    float, 0..1: the mean over the rows of `reliability`, weighted by their images
    """
    table = reliability_table(predictions, bins)
    return float(np.average((table["said"] - table["found"]).abs(), weights=table["images"]))


def risk_coverage_table(predictions):
    """Say how many errors remain if only the surest answers are given (El-Yaniv and Wiener, 2010).

    Returns
    -------
    pandas.DataFrame, one row an image, the surest first: ``confidence`` (0.5..1), ``coverage`` (share of images
    answered so far) and ``risk`` (share of errors among them)
    """
    check_predictions(predictions)
    confidence = np.maximum(predictions["p_ai"], 1 - predictions["p_ai"]).astype(float)
    wrong = (predictions["p_ai"] >= 0.5) != (predictions["label"] == 1)
    table = pd.DataFrame({"confidence": confidence, "wrong": wrong}).sort_values(
        "confidence", ascending=False, kind="stable", ignore_index=True
    )
    answered = np.arange(1, len(table) + 1)
    return pd.DataFrame(
        {
            "confidence": table["confidence"],
            "coverage": answered / len(table),
            "risk": table["wrong"].cumsum() / answered,
        }
    )


def verdicts(p_ai, rule):
    """Name the verdict of each probability.

    Parameters
    ----------
    p_ai : float array (N,)
    rule : dict from `calibrate`

    Returns
    -------
    str array (N,): ``real`` below ``lower_threshold``, ``AI-generated`` from ``upper_threshold`` on, else ``cannot tell``
    """
    return np.select(
        [p_ai < rule["lower_threshold"], p_ai >= rule["upper_threshold"]], [REAL, AI], CANNOT_TELL
    )
