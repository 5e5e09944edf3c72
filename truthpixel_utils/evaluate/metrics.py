"""What the numbers mean: metrics of a table of predictions, computed by scikit-learn where it has them."""

import json

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn import metrics as sk

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.labels import CLASSES

THRESHOLD = 0.5  # p_ai from which an image is called AI-generated
HEADLINES = ("accuracy", "precision", "recall", "f1", "roc_auc")
# CIFAKE keeps CIFAR-10's classes in its files' names, as the number in brackets; the first class has none.
CIFAR10_CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")


def compute_metrics(predictions, threshold=THRESHOLD):
    """Compute the headline figures of a table of predictions.

    Parameters
    ----------
    predictions : pandas.DataFrame with ``label`` (1 = AI-generated) and ``p_ai`` (0..1)
    threshold : float, the p_ai from which an image is called AI-generated

    Returns
    -------
    dict : ``images`` (int), ``threshold``, ``accuracy``, ``precision``, ``recall``, ``f1`` (of the AI-generated class),
    ``roc_auc`` (each 0..1) and ``confusion`` (2 by 2 list of counts: rows truth, columns verdict, real first).

    Raises
    ------
    TruthPixelError if the figures would mean nothing, see `check`.
    """
    check_predictions(predictions, both_classes=True)
    truth, p_ai = predictions["label"], predictions["p_ai"]
    verdict = (p_ai >= threshold).astype(int)
    return {
        "images": len(predictions),
        "threshold": threshold,
        "accuracy": float(sk.accuracy_score(truth, verdict)),
        "precision": float(sk.precision_score(truth, verdict, zero_division=0)),
        "recall": float(sk.recall_score(truth, verdict, zero_division=0)),
        "f1": float(sk.f1_score(truth, verdict, zero_division=0)),
        "roc_auc": float(sk.roc_auc_score(truth, p_ai)),
        "confusion": sk.confusion_matrix(truth, verdict).tolist(),
    }


def check_predictions(predictions, both_classes=False):
    """Raise a `TruthPixelError` if figures of a table of predictions would mean nothing.

    Parameters
    ----------
    predictions : pandas.DataFrame with ``label`` and ``p_ai``
    both_classes : bool, whether the figures need real and AI-generated images
    """
    label, p_ai = predictions["label"], predictions["p_ai"]
    if len(predictions) == 0:
        raise TruthPixelError("the table holds no predictions: score some images first.")
    if p_ai.isna().any():
        raise TruthPixelError(
            f"{p_ai.isna().sum()} of {len(p_ai)} predictions are not numbers: train the detector again."
        )
    if not p_ai.between(0, 1).all():
        raise TruthPixelError(f"p_ai goes from {p_ai.min():.3g} to {p_ai.max():.3g}: expected probabilities, 0 to 1.")
    if not label.isin([0, 1]).all():
        found = ", ".join(map(str, sorted(set(label), key=str)[:5]))
        raise TruthPixelError(f"labels are {found}: expected 0 (real) and 1 (AI-generated).")
    if both_classes and label.nunique() < 2:
        raise TruthPixelError(
            f"all {len(label)} images are of one class: accuracy and ROC-AUC need real and AI-generated."
        )


def classification_report(predictions, threshold=THRESHOLD):
    """Precision, recall, F1 and support of each class (scikit-learn's classification report).

    Returns
    -------
    pandas.DataFrame, one row a class and two rows of averages
    """
    check_predictions(predictions)
    verdict = predictions["p_ai"] >= threshold
    table = sk.classification_report(
        predictions["label"], verdict, labels=[0, 1], target_names=CLASSES, output_dict=True, zero_division=0
    )
    return pd.DataFrame({name: table[name] for name in (*CLASSES, "macro avg", "weighted avg")}).T


def by_generator(predictions, threshold=THRESHOLD):
    """Accuracy for the images of each generator at one threshold; ``camera`` is the real ones.

    Returns
    -------
    pandas.DataFrame, one row a generator: ``images``, ``called AI-generated`` (share, 0..1), ``accuracy`` (0..1) and
    ``roc_auc`` (0..1, against all real images; not a number for these themselves, or if there are none)
    """
    check_predictions(predictions)
    called = predictions.assign(called=predictions["p_ai"] >= threshold)
    called["right"] = called["called"] == (called["label"] == 1)
    groups = called.groupby("generator")
    real = called[called["label"] == 0]
    order = {
        name: sk.roc_auc_score(both["label"], both["p_ai"])
        for name, part in groups
        if (both := pd.concat([real, part]))["label"].nunique() == 2
    }
    return pd.DataFrame(
        {
            "images": groups.size(),
            "called AI-generated": groups["called"].mean(),
            "accuracy": groups["right"].mean(),
            "roc_auc": pd.Series(order, dtype=float),
        }
    )


def by_class(predictions, threshold=THRESHOLD):
    """Accuracy for the ten classes of CIFAR-10, read from the ids that CIFAKE's files give.

    Returns
    -------
    pandas.DataFrame, one row a class: ``images``, ``accuracy`` (0..1), and that of ``real`` and ``AI-generated`` ones;
    empty if the ids are not of that kind
    """
    check_predictions(predictions)
    number = predictions["id"].str.extract(r"\((\d+)\)", expand=False).astype(float)
    if number.isna().all() or not number.dropna().isin(range(2, len(CIFAR10_CLASSES) + 1)).all():  # no images of CIFAKE
        return pd.DataFrame()
    number = number.fillna(1).astype(int)
    right = (predictions["p_ai"] >= threshold) == (predictions["label"] == 1)
    table = pd.DataFrame({"class": number.map(lambda n: CIFAR10_CLASSES[n - 1]), "label": predictions["label"], "right": right})
    sides = table.pivot_table("right", "class", "label").rename(columns=dict(enumerate(CLASSES)))
    groups = table.groupby("class")["right"]
    return pd.DataFrame({"images": groups.size(), "accuracy": groups.mean()}).join(sides)


def mcnemar(one, other, threshold=THRESHOLD):
    """Ask whether two detectors that judged the same images differ by more than chance (McNemar, 1947; exact).

    Parameters
    ----------
    one, other : pandas.DataFrame with ``id``, ``label`` and ``p_ai``, rows in any order

    Returns
    -------
    dict : ``only one right``, ``only other right`` (images) and ``p_value`` (0..1, two-sided)

    Raises
    ------
    TruthPixelError if they did not judge the same images.
    """
    if len(one) != len(other) or set(one["id"]) != set(other["id"]):
        raise TruthPixelError("the two tables are of different images: McNemar's test compares answers pair by pair.")
    check_predictions(one)
    check_predictions(other)
    pairs = one.merge(other, on="id", validate="one_to_one", suffixes=("_one", "_other"))
    right = {name: (pairs[f"p_ai_{name}"] >= threshold) == (pairs[f"label_{name}"] == 1) for name in ("one", "other")}
    only_one, only_other = int((right["one"] & ~right["other"]).sum()), int((right["other"] & ~right["one"]).sum())
    differ = only_one + only_other
    p_value = binomtest(only_one, differ).pvalue if differ else 1.0
    return {"only one right": only_one, "only other right": only_other, "p_value": float(p_value)}


def save_metrics(predictions, figures, output_dir="outputs"):
    """Write ``predictions.parquet``, ``metrics.json`` and ``metrics.txt`` into `output_dir`; return their paths.

    ``metrics.json`` holds `figures` and the version of its schema, which is ``metrics.schema.json`` beside this file.
    """
    output = project_path(output_dir)
    paths = [output / name for name in ("predictions.parquet", "metrics.json", "metrics.txt")]
    with atomic_write(paths[0]) as part:
        predictions.to_parquet(part, index=False)
    with atomic_write(paths[1]) as part:
        part.write_text(json.dumps({"version": 1, **_without_nan(figures)}, indent=2, allow_nan=False) + "\n")
    lines = [f"{name:10} {figures[name]:.4f}" for name in HEADLINES]
    table = classification_report(predictions, figures["threshold"]).to_string(float_format="{:.4f}".format)
    with atomic_write(paths[2]) as part:
        part.write_text("\n".join([f"images     {figures['images']}", *lines, "", table, ""]))
    return paths


def _without_nan(value):
    """The same with None for what is not a number: JSON knows no NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
