"""What the numbers mean: metrics of a table of predictions, all computed by scikit-learn."""

import json

import pandas as pd
from sklearn import metrics as sk

from truthpixel_utils.files import TruthPixelError, project_path, written_whole

THRESHOLD = 0.5  # p_ai from which an image is called AI-generated
HEADLINES = ("accuracy", "precision", "recall", "f1", "roc_auc")
CLASSES = ("real", "AI-generated")


def evaluate(predictions, threshold=THRESHOLD):
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
    TruthPixelError if a p_ai is not a number or one class is absent: the figures would mean nothing.
    """
    truth, p_ai = predictions["label"], predictions["p_ai"]
    if p_ai.isna().any():
        raise TruthPixelError(
            f"{p_ai.isna().sum()} of {len(p_ai)} predictions are not numbers: train the detector again."
        )
    if truth.nunique() < 2:
        raise TruthPixelError(
            f"all {len(truth)} images are of one class: accuracy and ROC-AUC need real and AI-generated."
        )
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


def report(predictions, threshold=THRESHOLD):
    """Precision, recall, F1 and support of each class (scikit-learn's classification report).

    Returns
    -------
    pandas.DataFrame, one row a class and two rows of averages
    """
    verdict = predictions["p_ai"] >= threshold
    table = sk.classification_report(
        predictions["label"], verdict, labels=[0, 1], target_names=CLASSES, output_dict=True, zero_division=0
    )
    return pd.DataFrame({name: table[name] for name in (*CLASSES, "macro avg", "weighted avg")}).T


def by_generator(predictions, threshold=THRESHOLD):
    """Accuracy for the images of each generator at one threshold; ``camera`` is the real ones.

    Returns
    -------
    pandas.DataFrame, one row a generator: ``images``, ``called AI-generated`` (share, 0..1), ``accuracy`` (0..1)
    """
    called = predictions.assign(called=predictions["p_ai"] >= threshold)
    called["right"] = called["called"] == (called["label"] == 1)
    groups = called.groupby("generator")
    return pd.DataFrame(
        {"images": groups.size(), "called AI-generated": groups["called"].mean(), "accuracy": groups["right"].mean()}
    )


def save(predictions, figures, output_dir="outputs"):
    """Write ``predictions.parquet``, ``metrics.json`` and ``metrics.txt`` into `output_dir`; return their paths."""
    output = project_path(output_dir)
    paths = [output / name for name in ("predictions.parquet", "metrics.json", "metrics.txt")]
    with written_whole(paths[0]) as part:
        predictions.to_parquet(part, index=False)
    with written_whole(paths[1]) as part:
        part.write_text(json.dumps(figures, indent=2) + "\n")
    lines = [f"{name:10} {figures[name]:.4f}" for name in HEADLINES]
    table = report(predictions, figures["threshold"]).to_string(float_format="{:.4f}".format)
    with written_whole(paths[2]) as part:
        part.write_text("\n".join([f"images     {figures['images']}", *lines, "", table, ""]))
    return paths
