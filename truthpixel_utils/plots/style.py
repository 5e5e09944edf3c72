"""The one style of every figure, and how a figure is made and saved.

Blue is real and orange is AI-generated, in every figure, and neither of them is anything else.
Readers who confuse red and green can tell the two apart.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, TypeVar

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib import font_manager
from matplotlib.figure import Figure

from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.labels import AI, CANNOT_TELL, KEYS, REAL
from truthpixel_utils.plots.fonts import font_families

COLOURS = dict(zip(KEYS, ("#0072B2", "#D55E00"), strict=True))  # Okabe and Ito's palette
INK, FAINT = "#333333", "#BBBBBB"
MARK = "#009E73"  # what the reader is to look at; the classes' own colours mean nothing else
SECOND_MARK = "#AA4488"  # where there are two things to tell apart, neither of them a class
VERDICT_COLOURS = {REAL: COLOURS["real"], CANNOT_TELL: INK, AI: COLOURS["ai"]}
HEAT = "viridis"  # perceptually uniform, and without the orange that means AI-generated
STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
    "font.family": font_families(font_manager.get_font_names()),
    "font.size": 10,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.edgecolor": INK,
    "axes.grid": True,
    "axes.axisbelow": True,
    "grid.color": "#E6E6E6",
    "text.color": INK,
    "axes.labelcolor": INK,
    "xtick.color": INK,
    "ytick.color": INK,
    "legend.frameon": False,
    "svg.hashsalt": "truthpixel",  # without it, the same figure would be another file each time
}
plt.rcParams.update(STYLE)

FigureOrTable = TypeVar("FigureOrTable", Figure, pd.DataFrame)


def new_figure(rows: int, columns: int, size: tuple[float, float]) -> tuple[Figure, Any]:
    """Make a figure that pyplot forgets at once: a notebook shows it once, as a value.

    Parameters
    ----------
    rows, columns : int
        How many axes the figure has in each direction.
    size : tuple of two floats
        Width and height in inches.

    Returns
    -------
    figure : matplotlib.figure.Figure
    axes : matplotlib.axes.Axes or array of them
        As `matplotlib.pyplot.subplots` returns them: one alone, a row or a column as an array of
        one dimension, more as an array of two.
    """
    figure, axes = plt.subplots(rows, columns, figsize=size)
    plt.close(figure)
    return figure, axes


def save_figure(figure: Figure, *paths: str | Path) -> None:
    """Write a figure to each path, whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to write.
    *paths : str or Path
        Files; the suffix of each says its format (PNG files get 150 dots an inch). Relative paths
        start at the project.
    """
    for path in map(project_path, paths):
        with atomic_write(path) as part:
            undated = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(part, dpi=150, facecolor="white", metadata=undated)


def keep(shown: FigureOrTable, path: str | Path) -> FigureOrTable:
    """Write a figure as PNG and SVG, or a table as CSV, and return it for the notebook to show.

    Parameters
    ----------
    shown : matplotlib.figure.Figure or pandas.DataFrame
        What to write.
    path : str or Path
        File without a suffix. A relative path starts at the project.

    Returns
    -------
    matplotlib.figure.Figure or pandas.DataFrame
        `shown`, unchanged.
    """
    path = project_path(path)
    if isinstance(shown, pd.DataFrame):
        with atomic_write(path.with_suffix(".csv")) as part:
            shown.to_csv(part)
    else:
        save_figure(shown, path.with_suffix(".png"), path.with_suffix(".svg"))
    return shown
