"""The same figures for parts of the images: an average hides what it is made of."""

from __future__ import annotations

import pandas as pd
from sklearn.metrics import roc_auc_score

from truthpixel_utils.data import source_of
from truthpixel_utils.evaluate.metrics import THRESHOLD, check_predictions
from truthpixel_utils.labels import CLASSES

# CIFAKE keeps CIFAR-10's classes in its files' names, as the number in brackets; the first class
# has none.
CIFAR10_CLASSES = (
    "airplane",
    "automobile",
    "bird",
    "cat",
    "deer",
    "dog",
    "frog",
    "horse",
    "ship",
    "truck",
)


def by_generator(predictions: pd.DataFrame, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Compute figures for the images of each generator; ``camera`` stands for the real ones.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated), ``p_ai`` (float, 0..1) and
        ``generator`` (str).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    pandas.DataFrame
        One row a generator: ``images`` (int), ``called AI-generated`` (share, 0..1), ``accuracy``
        (0..1) and ``roc_auc`` (0..1, of this generator's images and all real ones; NaN for the
        real ones themselves, or if there are none).

    Raises
    ------
    TruthPixelError
        If the figures would mean nothing, see `metrics.check_predictions`.
    """
    check_predictions(predictions)
    called = predictions.assign(called=predictions["p_ai"] >= threshold)
    called["right"] = called["called"] == (called["label"] == 1)
    groups = called.groupby("generator")
    real = called[called["label"] == 0]
    roc_auc = {}
    for name, part in groups:
        both = pd.concat([real, part])
        if both["label"].nunique() == 2:
            roc_auc[name] = roc_auc_score(both["label"], both["p_ai"])
    return pd.DataFrame(
        {
            "images": groups.size(),
            "called AI-generated": groups["called"].mean(),
            "accuracy": groups["right"].mean(),
            "roc_auc": pd.Series(roc_auc, dtype=float),
        }
    )


def by_class(predictions: pd.DataFrame, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Compute the accuracy for each of CIFAR-10's ten classes, which CIFAKE's file names tell.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``id`` (str, such as ``test/REAL/0001 (10).jpg``), ``label`` (int, 1 =
        AI-generated) and ``p_ai`` (float, 0..1).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    pandas.DataFrame
        One row a class: ``images`` (int), ``accuracy`` (0..1), and the accuracy of its ``real``
        and of its ``AI-generated`` images; empty if the ids are not CIFAKE's.

    Raises
    ------
    TruthPixelError
        If the figures would mean nothing, see `metrics.check_predictions`.
    """
    check_predictions(predictions)
    number = predictions["id"].str.extract(r"\((\d+)\)", expand=False).astype(float)
    in_brackets = number.dropna()
    if in_brackets.empty or not in_brackets.isin(range(2, len(CIFAR10_CLASSES) + 1)).all():
        return pd.DataFrame()  # the ids are not CIFAKE's
    names = number.fillna(1).astype(int).map(lambda n: CIFAR10_CLASSES[n - 1])
    right = (predictions["p_ai"] >= threshold) == (predictions["label"] == 1)
    table = pd.DataFrame({"class": names, "label": predictions["label"], "right": right})
    of_label = table.pivot_table(values="right", index="class", columns="label")
    of_label = of_label.rename(columns=dict(enumerate(CLASSES)))
    groups = table.groupby("class")["right"]
    return pd.DataFrame({"images": groups.size(), "accuracy": groups.mean()}).join(of_label)


def by_source(predictions: pd.DataFrame, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Count the accusations in each source of real images: who is accused more than others?

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``id`` and ``source`` (str or None), ``label`` (int, 1 = AI-generated) and
        ``p_ai`` (float, 0..1).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    pandas.DataFrame
        One row a source of real images, see `data.source_of`: ``images`` (int) and ``called
        AI-generated`` (share, 0..1), the smallest share first. It is empty if the data name no
        sources.

    Raises
    ------
    TruthPixelError
        If the figures would mean nothing, see `metrics.check_predictions`.
    """
    check_predictions(predictions)
    called = pd.DataFrame(
        {
            "source": source_of(predictions).to_numpy(),
            "called": (predictions["p_ai"] >= threshold).to_numpy(),
        }
    )
    groups = called[(predictions["label"] == 0).to_numpy()].groupby("source")["called"]
    table = pd.DataFrame({"images": groups.size(), "called AI-generated": groups.mean()})
    return table.sort_values(["called AI-generated", "images"])
