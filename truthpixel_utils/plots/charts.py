"""Charts of tables; `scores` has those that hold scores against the truth."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from itertools import cycle

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from truthpixel_utils.plots.fonts import drawable
from truthpixel_utils.plots.style import COLOURS, FAINT, INK, MARK, SECOND_MARK, new_figure

PLAIN_BELOW = 50  # a logarithmic scale that spans less has plain numbers: 0.6, not 6 × 10⁻¹
PLAIN = (1, 1.2, 1.5, 2, 3, 4, 6, 8)  # the numbers of a decade that such a scale shows
# Generators share the colour of their class, and are told apart by their lines.
LINES = ("-", "--", ":", "-.", (0, (5, 1)), (0, (1, 1)), (0, (3, 1, 1, 1)), (0, (8, 2)))


def training_curves(history: pd.DataFrame, kept: int, title: str) -> Figure:
    """Draw loss and accuracy by epoch, in training and on validation.

    A line marks the epoch that was kept; dotted lines part the stages.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch, numbered by the index, with ``stage``, ``loss``, ``accuracy``,
        ``val_loss`` and ``val_accuracy``, as `train.train_phase` returns it.
    kept : int
        The epoch whose weights were kept, see `train.best_epoch`.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, right) = new_figure(1, 2, (9, 3.4))
    for axis, what in ((left, "loss"), (right, "accuracy")):
        training, validation = history[what], history[f"val_{what}"]
        axis.plot(training, "o--", color=FAINT, markersize=4, label="training, augmented")
        axis.plot(validation, "o-", color=INK, markersize=4, label="validation")
        axis.axvline(kept, color=MARK, linewidth=1, zorder=0)
        for start in history.index[history["stage"].diff() > 0]:
            axis.axvline(start - 0.5, color=FAINT, linewidth=1, linestyle=":", zorder=0)
        axis.set(xlabel="epoch", title=what.capitalize())
        axis.xaxis.get_major_locator().set_params(integer=True)
    left.legend()
    bottom = right.get_ylim()[0]
    right.annotate("kept", (kept, bottom), (3, 4), textcoords="offset points", color=MARK)
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def spectra(
    power: pd.DataFrame,
    title: str,
    label: str = "power",
    real: Collection[str] = ("camera",),
) -> Figure:
    """Draw radial power spectra, with a logarithmic scale for the power.

    Parameters
    ----------
    power : pandas.DataFrame
        One row a spatial frequency, which the index gives in cycles per image; one column a kind of
        image.
    title : str
        Words above the figure.
    label : str
        Words beside the vertical axis.
    real : collection of str
        Columns of real images, drawn in the colour of their class. The others have that of
        AI-generated images, and a line of their own each.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (6.5, 3.4))
    lines = {"real": cycle(LINES), "ai": cycle(LINES)}
    for name in power.columns:
        key = "real" if name in real else "ai"
        line = next(lines[key])
        axis.plot(power[name], color=COLOURS[key], linestyle=line, label=drawable(name))
    axis.set(yscale="log", xlabel="spatial frequency (cycles per image)", ylabel=label, title=title)
    lowest, highest = axis.get_ylim()
    if highest / lowest < PLAIN_BELOW:  # such as multiples of the camera's power
        axis.yaxis.set(major_locator=LogLocator(subs=PLAIN), minor_locator=NullLocator())
        axis.yaxis.set_major_formatter("{x:g}")
    axis.legend()
    return figure


def bars(
    values: pd.Series, title: str, label: str, limits: tuple[float, float] | None = None
) -> Figure:
    """Draw horizontal bars, each with its value behind it, to three decimals.

    Parameters
    ----------
    values : pandas.Series
        Numbers; the index holds the name of each bar.
    title : str
        Words above the figure.
    label : str
        What the values are, with their unit.
    limits : tuple of two floats, optional
        Where the axis of the values begins and ends.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (6.5, 0.5 * len(values) + 1))
    axis.barh([drawable(name) for name in values.index], values, color=INK, height=0.6)
    for i, value in enumerate(values):
        end = (max(value, 0), i)
        axis.annotate(f"{value:.3f}", end, (4, 0), textcoords="offset points", va="center")
    axis.set(xlabel=label, title=title, xlim=limits)
    _list_downwards(axis)
    return figure


def interval_chart(
    values: pd.Series,
    intervals: pd.DataFrame,
    title: str,
    limits: tuple[float, float] | None = None,
) -> Figure:
    """Draw figures as points, each on the line of its interval.

    Parameters
    ----------
    values : pandas.Series
        Numbers by name.
    intervals : pandas.DataFrame
        One row a name, with ``low`` and ``high``, as `evaluate.bootstrap_intervals` returns it.
    title : str
        Words above the figure.
    limits : tuple of two floats, optional
        Where the axis of the values begins and ends.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (6.5, 0.4 * len(intervals) + 1.1))
    for i, name in enumerate(intervals.index):
        low, high = intervals.loc[name, ["low", "high"]]
        axis.plot([low, high], [i, i], color=INK, linewidth=2, solid_capstyle="round")
        axis.plot(values[name], i, "o", color=INK)
        words = f"{values[name]:.3f}"
        axis.annotate(words, (high, i), (6, 0), textcoords="offset points", va="center")
    axis.set_yticks(range(len(intervals)), intervals.index)
    axis.set(title=title, xlim=limits, ylim=(-0.5, len(intervals) - 0.5))
    _list_downwards(axis)
    return figure


def matrix(
    table: pd.DataFrame, title: str, across: str, down: str, limits: tuple[float, float] = (0.5, 1)
) -> Figure:
    """Draw a table of numbers as cells, the darker the higher, each with its number.

    Parameters
    ----------
    table : pandas.DataFrame
        Numbers; a cell of NaN stays empty.
    title : str
        Words above the figure.
    across, down : str
        What the columns and the rows are.
    limits : tuple of two floats
        The numbers that are white and black; what lies beyond looks like them.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows, columns = table.shape
    figure, axis = new_figure(1, 1, (0.9 * columns + 2.2, 0.4 * rows + 1.7))
    lowest, highest = limits
    axis.imshow(table.to_numpy(float), cmap="Greys", vmin=lowest, vmax=highest, aspect="auto")
    for (row, column), value in np.ndenumerate(table.to_numpy(float)):
        dark = value > (lowest + highest) / 2
        words = "" if np.isnan(value) else f"{value:.2f}"
        axis.text(column, row, words, ha="center", va="center", color="white" if dark else INK)
    slanted = {"rotation": 25, "ha": "right", "rotation_mode": "anchor"}  # names may be long
    axis.set_xticks(range(columns), [drawable(name) for name in table.columns], **slanted)
    axis.set_yticks(range(rows), [drawable(name) for name in table.index])
    axis.set(title=title, xlabel=across, ylabel=down)
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return figure


def robustness_curves(table: pd.DataFrame, unchanged: Mapping[str, float], title: str) -> Figure:
    """Draw accuracy and ROC-AUC against the strength of each corruption, in a panel each.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a corruption and strength, with ``corruption``, ``strength``, ``unit``,
        ``accuracy``, ``roc_auc``, and for both ``_low`` and ``_high``, as
        `evaluate.measure_robustness` returns it.
    unchanged : mapping
        ``accuracy`` and ``roc_auc`` on the images as they are, which thin lines show.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    corruptions = list(table["corruption"].unique())
    columns = 4
    rows = -(-len(corruptions) // columns)
    figure, axes = new_figure(rows, columns, (11, 2.6 * rows + 0.4))
    panels = np.ravel(axes)
    for axis, corruption in zip(panels, corruptions, strict=False):  # the last row may not be full
        axis.set_title(corruption)
        _robustness_panel(axis, table[table["corruption"] == corruption], unchanged)
    for axis in panels[len(corruptions) :]:
        axis.set_axis_off()
    panels[0].legend(loc="lower left", bbox_to_anchor=(0, 0.2))
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def _robustness_panel(axis: Axes, part: pd.DataFrame, unchanged: Mapping[str, float]) -> None:
    """Draw the rows of one corruption, a step of the axis for each strength: their units differ."""
    steps = range(len(part))
    curves = (
        ("accuracy", "accuracy", "o-", INK),
        ("roc_auc", "ROC-AUC", "s--", "#888888"),
    )
    for name, label, style, colour in curves:
        low, high = part[f"{name}_low"], part[f"{name}_high"]
        axis.axhline(unchanged[name], color=colour, linewidth=0.7)
        axis.fill_between(steps, low, high, color=colour, alpha=0.2, linewidth=0)
        axis.plot(steps, part[name], style, color=colour, markersize=4, label=label)
    axis.axhline(0.5, color=FAINT, linewidth=1)  # what guessing gives
    axis.set_xticks(steps, part["strength"].map("{:g}".format))
    axis.set(ylim=(0.35, 1.01), xlabel=part["unit"].iloc[0])


def faithfulness_chart(table: pd.DataFrame) -> Figure:
    """Draw by how much each heatmap beats each control, in a panel for each measure.

    A point is filled where chance would hardly make such a difference, among as many as there are.

    Parameters
    ----------
    table : pandas.DataFrame
        One row a heatmap, control and measure (``map``, ``control``, ``measure``), with
        ``better_by``, its interval ``low``, ``high`` and its ``p_value``, as
        `explain.faithfulness.compare` returns it. There is room for three controls.

    Returns
    -------
    matplotlib.figure.Figure
    """
    methods, measures = table["map"].unique(), table["measure"].unique()
    figure, axes = new_figure(1, len(measures), (11, 0.5 * len(methods) + 1.2))
    panels = np.ravel(axes)
    for axis, measure in zip(panels, measures, strict=True):
        _faithfulness_panel(axis, table[table["measure"] == measure], methods)
        axis.set_yticks(range(len(methods)), methods if axis is panels[0] else [])
        axis.set(title=measure, xlabel="better by", ylim=(-0.5, len(methods) - 0.5))
        _list_downwards(axis)
    panels[-1].legend(loc="upper left", bbox_to_anchor=(1, 1))
    return figure


def _faithfulness_panel(axis: Axes, part: pd.DataFrame, methods: np.ndarray) -> None:
    """Draw the rows of one measure: a line for each method, and on it a point for each control."""
    colours = (INK, MARK, SECOND_MARK)
    for i, control in enumerate(part["control"].unique()):
        rows = part[part["control"] == control].set_index("map").loc[methods]
        heights = np.arange(len(methods)) + 0.22 * (i - 1)
        axis.hlines(heights, rows["low"], rows["high"], color=colours[i], linewidth=2)
        axis.plot(rows["better_by"], heights, "o", color=colours[i], mfc="white", markersize=5)
        sure = rows["p_value"].to_numpy() < 0.05
        label = f"than {control}"
        axis.plot(rows["better_by"][sure], heights[sure], "o", color=colours[i], label=label)
    axis.axvline(0, color=FAINT, linewidth=1)


def _list_downwards(axis: Axes) -> None:
    """Have the first name stand at the top, as in a table."""
    axis.invert_yaxis()
    axis.grid(axis="y", visible=False)
