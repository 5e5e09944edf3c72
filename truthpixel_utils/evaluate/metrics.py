"""What the numbers mean: metrics of a table of predictions, scikit-learn's wherever it has them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import binomtest
from sklearn import metrics as sk

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.labels import CLASSES

THRESHOLD = 0.5  # p_ai from which an image is called AI-generated
HEADLINES = ("accuracy", "precision", "recall", "f1", "roc_auc")


def compute_metrics(predictions: pd.DataFrame, threshold: float = THRESHOLD) -> dict[str, Any]:
    """Compute the headline figures of a table of predictions.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    dict
        ``images`` (int), ``threshold``, ``accuracy``, ``precision``, ``recall`` and ``f1`` of the
        AI-generated class, ``roc_auc`` (each a float, 0..1) and ``confusion`` (2 by 2 list of
        counts: rows are the truth, columns the verdict, real first).

    Raises
    ------
    TruthPixelError
        If the figures would mean nothing, see `check_predictions`.

    Examples
    --------
    >>> table = pd.DataFrame({"label": [0, 1, 1, 1], "p_ai": [0.9, 0.9, 0.8, 0.1]})
    >>> compute_metrics(table)["confusion"]
    [[0, 1], [1, 2]]
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


def check_predictions(predictions: pd.DataFrame, both_classes: bool = False) -> None:
    """Refuse a table of predictions of which figures would mean nothing.

    Parameters
    ----------
    predictions : pandas.DataFrame
        A table with the columns ``label`` and ``p_ai``.
    both_classes : bool
        Whether the figures need real images and AI-generated ones.

    Raises
    ------
    TruthPixelError
        If the table is empty, holds a p_ai that is no probability or a label other than 0 and 1,
        or lacks a class that is needed.
    """
    label, p_ai = predictions["label"], predictions["p_ai"]
    if len(predictions) == 0:
        raise TruthPixelError("the table holds no predictions: score some images first.")
    if p_ai.isna().any():
        raise TruthPixelError(
            f"{p_ai.isna().sum()} of {len(p_ai)} predictions are not numbers: "
            "train the detector again."
        )
    if not p_ai.between(0, 1).all():
        raise TruthPixelError(
            f"p_ai goes from {p_ai.min():.3g} to {p_ai.max():.3g}: expected probabilities, 0 to 1."
        )
    if not label.isin([0, 1]).all():
        found = ", ".join(map(str, sorted(set(label), key=str)[:5]))
        raise TruthPixelError(f"labels are {found}: expected 0 (real) and 1 (AI-generated).")
    if both_classes and label.nunique() < 2:
        raise TruthPixelError(
            f"all {len(label)} images are of one class: "
            "accuracy and ROC-AUC need real and AI-generated."
        )


def classification_report(predictions: pd.DataFrame, threshold: float = THRESHOLD) -> pd.DataFrame:
    """Compute precision, recall, F1 and support of each class, as scikit-learn's report does.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image: ``label`` (int, 1 = AI-generated) and ``p_ai`` (float, 0..1).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    pandas.DataFrame
        One row a class and two rows of averages: ``precision``, ``recall``, ``f1-score`` (each
        0..1) and ``support`` (images).

    Raises
    ------
    TruthPixelError
        If the figures would mean nothing, see `check_predictions`.
    """
    check_predictions(predictions)
    table = sk.classification_report(
        predictions["label"],
        predictions["p_ai"] >= threshold,
        labels=[0, 1],
        target_names=CLASSES,
        output_dict=True,
        zero_division=0,
    )
    return pd.DataFrame({name: table[name] for name in (*CLASSES, "macro avg", "weighted avg")}).T


def mcnemar(
    one: pd.DataFrame, other: pd.DataFrame, threshold: float = THRESHOLD
) -> dict[str, float]:
    """Ask whether two detectors differ by more than chance on the same images.

    This is McNemar's test (*Note on the sampling error of the difference between correlated
    proportions or percentages*, 1947), in its exact form: of the images that only one of the two
    gets right, chance would give each detector one half.

    Parameters
    ----------
    one, other : pandas.DataFrame
        One row an image, in any order: ``id``, ``label`` (int, 1 = AI-generated) and ``p_ai``
        (float, 0..1).
    threshold : float
        The p_ai, 0..1, from which an image is called AI-generated.

    Returns
    -------
    dict
        ``only one right`` and ``only other right`` (int, images) and ``p_value`` (float, 0..1,
        two-sided).

    Raises
    ------
    TruthPixelError
        If the two tables are not of the same images, or figures of one would mean nothing.
    """
    if len(one) != len(other) or set(one["id"]) != set(other["id"]):
        raise TruthPixelError(
            "the two tables are of different images: McNemar's test compares answers pair by pair."
        )
    check_predictions(one)
    check_predictions(other)
    pairs = one.merge(other, on="id", validate="one_to_one", suffixes=("_one", "_other"))
    one_right = (pairs["p_ai_one"] >= threshold) == (pairs["label_one"] == 1)
    other_right = (pairs["p_ai_other"] >= threshold) == (pairs["label_other"] == 1)
    only_one = int((one_right & ~other_right).sum())
    only_other = int((other_right & ~one_right).sum())
    differ = only_one + only_other
    p_value = binomtest(only_one, differ).pvalue if differ else 1.0
    return {"only one right": only_one, "only other right": only_other, "p_value": float(p_value)}


def save_metrics(
    predictions: pd.DataFrame, figures: dict[str, Any], output_dir: str | Path = "outputs"
) -> list[Path]:
    """Write predictions and figures to files, for people and for programs.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image, see `predict_rows`.
    figures : dict
        What `compute_metrics` returned of it, and any others that the schema knows.
    output_dir : str or Path
        The course's output folder.

    Returns
    -------
    list of Path
        ``predictions.parquet``; ``metrics.json``, which holds `figures` and the version of its
        schema (that is ``metrics.schema.json`` beside this module); and ``metrics.txt``.
    """
    output = project_path(output_dir)
    parquet, as_json, as_text = (
        output / name for name in ("predictions.parquet", "metrics.json", "metrics.txt")
    )
    with atomic_write(parquet) as part:
        predictions.to_parquet(part, index=False)
    with atomic_write(as_json) as part:
        content = {"version": 1, **_without_nan(figures)}
        part.write_text(json.dumps(content, indent=2, allow_nan=False) + "\n")
    headlines = [f"{name:10} {figures[name]:.4f}" for name in HEADLINES]
    report = classification_report(predictions, figures["threshold"])
    table = report.to_string(float_format="{:.4f}".format)
    with atomic_write(as_text) as part:
        lines = [f"images     {figures['images']}", *headlines, "", table, ""]
        part.write_text("\n".join(lines))
    return [parquet, as_json, as_text]


def _without_nan(value):
    """Put None in place of every NaN, however deep: JSON knows none."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_without_nan(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value
