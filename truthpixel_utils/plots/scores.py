"""Charts that hold a detector's scores against the truth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay
from sklearn.metrics import roc_curve as sk_roc_curve

from truthpixel_utils.labels import CLASSES, KEYS
from truthpixel_utils.plots.style import COLOURS, FAINT, INK, MARK, new_figure

# The field's words, and in brackets what they mean here.
_FALSE_POSITIVE_RATE = "false-positive rate (real images accused)"
_RECALL = "recall (AI-generated images found)"
_PRECISION = "precision (accusations that are right)"


def confusion_matrix(figures: Mapping[str, Any]) -> Figure:
    """Draw counts of truth against verdict, each cell shaded by its share of the row.

    Parameters
    ----------
    figures : mapping
        ``confusion`` (counts, 2 × 2, a row for each true class), ``accuracy`` and ``images``, as
        `evaluate.compute_metrics` returns them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (4.2, 3.6))
    _counts(axis, figures)
    return figure


def threshold_panel(predictions: pd.DataFrame, figures: Mapping[str, Any]) -> Figure:
    """Draw a threshold twice: as a line through the scores, and by the counts that it leads to.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image, with ``label`` (0 = real, 1 = AI-generated) and ``p_ai`` (0..1).
    figures : mapping
        Their figures at one ``threshold``, as `evaluate.compute_metrics` returns them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = new_figure(1, 2, (8.6, 3.4))
    _histogram(left, predictions, figures["threshold"])
    _counts(right, figures)
    return figure


def _counts(axis: Axes, figures: Mapping[str, Any]) -> None:
    """Draw a confusion matrix, its cells shaded by their share of the row."""
    counts = np.asarray(figures["confusion"])
    shares = counts / counts.sum(axis=1, keepdims=True)
    words = [[f"{counts[i, j]:,}\n{shares[i, j]:.1%}" for j in (0, 1)] for i in (0, 1)]
    sns.heatmap(
        shares,
        annot=np.array(words),
        fmt="",
        cmap="Greys",
        vmin=0,
        vmax=1,
        cbar=False,
        square=True,
        linewidths=2,
        xticklabels=list(CLASSES),
        yticklabels=list(CLASSES),
        ax=axis,
    )
    title = f"{figures['accuracy']:.1%} of {figures['images']:,} images right"
    axis.set(xlabel="verdict", ylabel="truth", title=title)


def roc_curve(predictions: pd.DataFrame) -> Figure:
    """Draw the ROC curve, and mark the recall at a false-positive rate of at most 1 %.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image, with ``label`` (0 = real, 1 = AI-generated) and ``p_ai`` (0..1).

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = _curve(RocCurveDisplay, predictions)
    [axis] = figure.axes
    axis.set(xlabel=_FALSE_POSITIVE_RATE, ylabel=_RECALL, title="What each threshold costs")
    false_positive_rate, recall, _ = sk_roc_curve(predictions["label"], predictions["p_ai"])
    last = np.flatnonzero(false_positive_rate <= 0.01)[-1]
    point = (false_positive_rate[last], recall[last])
    axis.plot(*point, "o", color=MARK, clip_on=False, zorder=3)
    words = f"recall {recall[last]:.0%} at 1 % false positives"
    axis.annotate(words, point, (8, -4), textcoords="offset points", color=MARK)
    return figure


def precision_recall_curve(predictions: pd.DataFrame) -> Figure:
    """Draw precision against recall of the AI-generated class.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image, with ``label`` (0 = real, 1 = AI-generated) and ``p_ai`` (0..1).

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure = _curve(PrecisionRecallDisplay, predictions)
    [axis] = figure.axes
    axis.set(xlabel=_RECALL, ylabel=_PRECISION, title="The more it finds, the more it errs")
    return figure


def _curve(
    display: type[RocCurveDisplay | PrecisionRecallDisplay], predictions: pd.DataFrame
) -> Figure:
    """Draw one of scikit-learn's curves, beside the one that guessing gives."""
    figure, axis = new_figure(1, 1, (4.4, 4))
    # Not by `curve_kwargs`: the scikit-learn that Python 3.10 can have knows it in one of the two.
    axis.set_prop_cycle(color=[INK], linewidth=[2])
    display.from_predictions(
        predictions["label"],
        predictions["p_ai"],
        ax=axis,
        plot_chance_level=True,
        name="detector",
        chance_level_kw={"color": FAINT, "linewidth": 1.5, "label": "guessing"},
    )
    return figure


def score_histogram(predictions: pd.DataFrame, threshold: float) -> Figure:
    """Draw how the probabilities are distributed in each class.

    Parameters
    ----------
    predictions : pandas.DataFrame
        One row an image, with ``label`` (0 = real, 1 = AI-generated) and ``p_ai`` (0..1).
    threshold : float
        The probability from which on an image is called AI-generated, drawn as a line.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (6.5, 3))
    _histogram(axis, predictions, threshold)
    return figure


def _histogram(axis: Axes, predictions: pd.DataFrame, threshold: float) -> None:
    """Draw how often each class got which probability, and the threshold as a line."""
    edges = np.linspace(0, 1, 26)
    for label, key in enumerate(KEYS):
        p_ai = predictions.loc[predictions["label"] == label, "p_ai"]
        axis.hist(p_ai, edges, color=COLOURS[key], alpha=0.6, label=CLASSES[label])
    name = f"threshold {threshold:.2f}"
    axis.axvline(threshold, color=INK, linestyle="--", linewidth=1, label=name)
    axis.set(xlabel="p_ai", ylabel="images", title="How sure the detector is")
    axis.legend()


def reliability_diagram(tables: Mapping[str, pd.DataFrame], title: str) -> Figure:
    """Draw the share of AI-generated images against the probability that was given to them.

    The area of a point is its share of all images; points on the dotted line are as they should be.

    Parameters
    ----------
    tables : mapping of str to pandas.DataFrame
        One table or two, by name (the first is drawn faintly), each with a row a bin: ``images``,
        ``mean_p_ai`` and ``share_ai``, as `evaluate.reliability_table` returns them.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (4.6, 4))
    axis.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="as it should be")
    for (name, table), colour in zip(tables.items(), (FAINT, MARK), strict=False):
        area = 5 + 400 * table["images"] / table["images"].sum()
        axis.scatter(
            table["mean_p_ai"], table["share_ai"], area, color=colour, label=name, zorder=3
        )
    axis.set(xlabel="mean p_ai", ylabel="share of AI-generated images", title=title)
    axis.legend()
    return figure


def risk_coverage_curve(table: pd.DataFrame, marks: Mapping[str, tuple[float, float]]) -> Figure:
    """Draw the share of errors among the answers against the share of images that get one.

    Parameters
    ----------
    table : pandas.DataFrame
        ``coverage`` and ``risk``, each 0..1, as `evaluate.risk_coverage_table` returns them.
    marks : mapping of str to tuple of two floats
        Points to mark by name: coverage and risk.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (6.5, 3.2))
    axis.plot(table["coverage"], table["risk"], color=INK, linewidth=2)
    for name, (coverage, risk) in marks.items():
        axis.plot(coverage, risk, "o", color=MARK)
        # Under the curve, which rises from the left, there is room; at its end there is not.
        place = ((8, -10), "left") if coverage < 0.75 else ((-6, 8), "right")
        words, point = f"{name}: {risk:.1%}", (coverage, risk)
        axis.annotate(words, point, place[0], textcoords="offset points", ha=place[1])
    axis.set(
        xlabel="coverage (images that get an answer)",
        ylabel="risk (answers that are wrong)",
        title="Silence buys certainty",
    )
    axis.yaxis.set_major_formatter("{x:.1%}")
    return figure
