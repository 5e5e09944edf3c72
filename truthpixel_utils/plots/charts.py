"""Charts of numbers, in the style of `plots`; each function returns a `matplotlib.figure.Figure`."""

import numpy as np
import seaborn as sns
from sklearn.metrics import PrecisionRecallDisplay, RocCurveDisplay
from sklearn.metrics import roc_curve as sk_roc_curve

from truthpixel_utils.labels import CLASSES, KEYS
from truthpixel_utils.plots.pictures import COLOURS, FAINT, INK, new_figure


def training_curves(history, kept, title):
    """Draw loss and accuracy by epoch, training and validation; the kept epoch is marked, dots part the stages.

    history : pandas.DataFrame as `train.train_phase` returns it
    kept : int, the epoch whose weights were kept, see `train.best_epoch`
    """
    figure, (left, right) = new_figure(1, 2, (9, 3.4))
    for axis, what in ((left, "loss"), (right, "accuracy")):
        axis.plot(history.index, history[what], "o--", color=FAINT, markersize=4, label="training, augmented")
        axis.plot(history.index, history[f"val_{what}"], "o-", color=INK, markersize=4, label="validation")
        axis.axvline(kept, color=COLOURS["ai"], linewidth=1, zorder=0)
        for start in history.index[history["stage"].diff() > 0]:
            axis.axvline(start - 0.5, color=FAINT, linewidth=1, linestyle=":", zorder=0)
        axis.set(xlabel="epoch", title=what.capitalize())
        axis.xaxis.get_major_locator().set_params(integer=True)
    left.legend()
    right.annotate("kept", (kept, right.get_ylim()[0]), (3, 4), textcoords="offset points", color=COLOURS["ai"])
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def confusion_matrix(figures):
    """Draw counts of truth against verdict, shaded by the share of the truth's row; figures: from `evaluate`."""
    counts = np.asarray(figures["confusion"])
    shares = counts / counts.sum(axis=1, keepdims=True)
    words = [[f"{counts[i, j]:,}\n{shares[i, j]:.1%}" for j in (0, 1)] for i in (0, 1)]
    figure, axis = new_figure(1, 1, (4.2, 3.6))
    names = list(CLASSES)
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
        xticklabels=names,
        yticklabels=names,
        ax=axis,
    )
    axis.set(xlabel="verdict", ylabel="truth", title=f"{figures['accuracy']:.1%} of {figures['images']:,} images right")
    return figure


def roc_curve(predictions):
    """Draw the ROC curve and mark what is found if 1 % of real images may be accused.

    predictions : pandas.DataFrame with ``label`` and ``p_ai``
    """
    words = {"xlabel": "real images accused (false positive rate)", "ylabel": "AI-generated images found (recall)"}
    figure = _curve(RocCurveDisplay, predictions, title="What each threshold costs", **words)
    accused, found, _ = sk_roc_curve(predictions["label"], predictions["p_ai"])
    at = np.flatnonzero(accused <= 0.01)[-1]
    figure.axes[0].plot(accused[at], found[at], "o", color=COLOURS["ai"], clip_on=False, zorder=3)
    words = f"{found[at]:.0%} at 1 % accused"
    figure.axes[0].annotate(words, (accused[at], found[at]), (8, -4), textcoords="offset points", color=COLOURS["ai"])
    return figure


def precision_recall_curve(predictions):
    """Draw precision against recall of the AI-generated class; predictions: see `roc_curve`."""
    words = {"xlabel": "AI-generated images found (recall)", "ylabel": "accusations that are right (precision)"}
    return _curve(PrecisionRecallDisplay, predictions, title="The more it finds, the more it errs", **words)


def _curve(display, predictions, **words):
    """One of scikit-learn's curves of label and score, beside the one that guessing gives."""
    figure, axis = new_figure(1, 1, (4.4, 4))
    display.from_predictions(
        predictions["label"],
        predictions["p_ai"],
        ax=axis,
        plot_chance_level=True,
        name="detector",
        curve_kwargs={"color": INK, "linewidth": 2},
        chance_level_kw={"color": FAINT, "label": "guessing"},
    )
    axis.set(**words)
    return figure


def score_histogram(predictions, threshold):
    """Draw how p_ai is distributed in each class, with the threshold."""
    figure, axis = new_figure(1, 1, (6.5, 3))
    for label, kind in enumerate(KEYS):
        values = predictions.loc[predictions["label"] == label, "p_ai"]
        axis.hist(values, bins=np.linspace(0, 1, 26), color=COLOURS[kind], alpha=0.6, label=CLASSES[label])
    axis.axvline(threshold, color=INK, linestyle="--", linewidth=1, label=f"threshold {threshold:.2f}")
    axis.set(xlabel="p_ai", ylabel="images", title="How sure the detector is")
    axis.legend()
    return figure


def spectra(power, title, label="power"):
    """Draw radial power spectra; power: pandas.DataFrame, index = cycles an image, one column a kind of image."""
    figure, axis = new_figure(1, 1, (6.5, 3.4))
    for name, colour in zip(power.columns, (COLOURS["real"], COLOURS["ai"], "#009E73", "#CC79A7")):
        axis.plot(power.index, power[name], color=colour, label=name)
    axis.set(yscale="log", xlabel="spatial frequency (cycles an image)", ylabel=label, title=title)
    axis.legend()
    return figure


def bars(values, title, label, limits=None):
    """Draw horizontal bars with their values; values: pandas.Series (name -> number)."""
    figure, axis = new_figure(1, 1, (6.5, 0.5 * len(values) + 1))
    axis.barh(values.index, values, color=INK, height=0.6)
    for i, value in enumerate(values):
        axis.annotate(f"{value:.3g}", (max(value, 0), i), (4, 0), textcoords="offset points", va="center")
    axis.set(xlabel=label, title=title, xlim=limits)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return figure


def interval_chart(values, likely, title, limits=None):
    """Draw figures as points with their intervals; values: Series, likely: DataFrame with ``low``, ``high``."""
    figure, axis = new_figure(1, 1, (6.5, 0.4 * len(likely) + 1.1))
    for i, name in enumerate(likely.index):
        axis.plot(likely.loc[name, ["low", "high"]], [i, i], color=INK, linewidth=2, solid_capstyle="round")
        axis.plot(values[name], i, "o", color=INK)
        axis.annotate(f"{values[name]:.3f}", (likely["high"][name], i), (6, 0), textcoords="offset points", va="center")
    axis.set_yticks(range(len(likely)), likely.index)
    axis.set(title=title, xlim=limits)
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
    return figure


def reliability_diagram(tables, title):
    """Draw what was said against what was found; tables: dict, name -> DataFrame as `calibrate.reliability` returns."""
    figure, axis = new_figure(1, 1, (4.6, 4))
    axis.plot([0, 1], [0, 1], ":", color=INK, linewidth=1, label="as it should be")
    for (name, table), colour in zip(tables.items(), (FAINT, COLOURS["ai"])):
        area = 5 + 400 * table["images"] / table["images"].sum()
        axis.scatter(table["said"], table["found"], area, color=colour, label=name, zorder=3)
    axis.set(xlabel="said: mean p_ai", ylabel="found: share of AI-generated", title=title)
    axis.legend()
    return figure


def risk_coverage_curve(table, marks):
    """Draw errors among the answers against the share of images answered.

    table : DataFrame as `calibrate.risk_coverage` returns; marks : dict, name -> (coverage, risk) to mark
    """
    figure, axis = new_figure(1, 1, (6.5, 3.2))
    axis.plot(table["coverage"], table["risk"], color=INK, linewidth=2)
    for name, (coverage, risk) in marks.items():
        axis.plot(coverage, risk, "o", color=COLOURS["ai"])
        axis.annotate(f"{name}: {risk:.1%}", (coverage, risk), (-6, 8), textcoords="offset points", ha="right")
    axis.set(xlabel="share of images answered", ylabel="errors among the answers", title="Silence buys certainty")
    axis.yaxis.set_major_formatter("{x:.1%}")
    return figure


def robustness_curves(table, unchanged, title):
    """Draw accuracy and ROC-AUC against the strength of each change.

    table : see `robustness.robustness`; unchanged : dict with ``accuracy`` and ``roc_auc`` of the images as they are
    """
    kinds = list(table["corruption"].unique())
    figure, axes = new_figure(-(-len(kinds) // 4), 4, (11, 2.6 * -(-len(kinds) // 4) + 0.4))
    for kind, axis in zip(kinds, np.ravel(axes)):
        part = table[table["corruption"] == kind]
        at = range(len(part))  # strengths as steps: their units differ
        for name, words, style in (("accuracy", "accuracy", "o-"), ("roc_auc", "ROC-AUC", "s--")):
            colour = INK if name == "accuracy" else "#888888"
            axis.axhline(unchanged[name], color=colour, linewidth=0.7)
            axis.fill_between(at, part[f"{name}_low"], part[f"{name}_high"], color=colour, alpha=0.2, linewidth=0)
            axis.plot(at, part[name], style, color=colour, markersize=4, label=words)
        axis.axhline(0.5, color=FAINT, linewidth=1)
        axis.set_xticks(at, part["strength"].map("{:g}".format))
        axis.set(ylim=(0.35, 1.01), title=kind, xlabel=part["unit"].iloc[0])
    for axis in np.ravel(axes)[len(kinds) :]:
        axis.set_axis_off()
    np.ravel(axes)[0].legend(loc="lower left", bbox_to_anchor=(0, 0.2))
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def faithfulness_chart(table):
    """Draw by how much each method beats each control, measure by measure; table: from `faithfulness.compare`."""
    methods, controls = table["map"].unique(), table["control"].unique()
    measures = table["measure"].unique()
    figure, axes = new_figure(1, len(measures), (11, 0.5 * len(methods) + 1.2))
    for axis, measure in zip(axes, measures):
        for j, (control, colour) in enumerate(zip(controls, (INK, COLOURS["real"], COLOURS["ai"]))):
            part = table[(table["measure"] == measure) & (table["control"] == control)].set_index("map").loc[methods]
            at = np.arange(len(methods)) + 0.22 * (j - 1)
            axis.hlines(at, part["low"], part["high"], color=colour, linewidth=2)
            axis.plot(part["better_by"], at, "o", color=colour, markersize=4, label=f"than {control}")
        axis.axvline(0, color=FAINT, linewidth=1)
        axis.set_yticks(range(len(methods)), methods if axis is axes[0] else [])
        axis.set(title=measure, xlabel="better by")
        axis.invert_yaxis()
        axis.grid(axis="y", visible=False)
    axes[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure
