"""Pictures, and the one style of every figure: blue is real, orange is AI-generated, safe for colour-blind readers.

Each function returns a `matplotlib.figure.Figure` and draws nothing by itself: a notebook shows it as a cell's value.
Charts of numbers are in `charts`.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

from truthpixel_utils.files import atomic_write, project_path

COLOURS = {"real": "#0072B2", "ai": "#D55E00"}  # Okabe and Ito's palette
INK, FAINT = "#333333", "#BBBBBB"
HEAT = "inferno"  # perceptually uniform, and legible without colour
STYLE = {
    "figure.dpi": 110,
    "figure.constrained_layout.use": True,
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
    "svg.hashsalt": "truthpixel",  # the same figure is the same file
}
plt.rcParams.update(STYLE)


def save_figure(figure, *paths):
    """Write a figure to each path, in the format of its suffix (PNG: 150 dots an inch; SVG), whole or not at all.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
    paths : str or Path; relative ones start at the project
    """
    for path in map(project_path, paths):
        with atomic_write(path) as part:
            undated = {"Date": None} if path.suffix == ".svg" else None
            figure.savefig(part, dpi=150, facecolor="white", metadata=undated)


def save_and_show(shown, path):
    """Write a figure as PNG and SVG, or a table as CSV, beside each other; return it, for the notebook to show.

    Parameters
    ----------
    shown : matplotlib.figure.Figure or pandas.DataFrame
    path : str or Path without a suffix; a relative one starts at the project
    """
    path = project_path(path)
    if isinstance(shown, pd.DataFrame):
        with atomic_write(path.with_suffix(".csv")) as part:
            shown.to_csv(part)
    else:
        save_figure(shown, path.with_suffix(".png"), path.with_suffix(".svg"))
    return shown


def image_grid(pictures, titles=None, columns=8, colours=None, title=None, size=1.15):
    """Draw images in a grid.

    Parameters
    ----------
    pictures : sequence of uint8 arrays (H, W, 3)
    titles, colours : sequences of str, one an image; a colour frames its image
    columns : int
    title : str, above all
    size : float, inches a side of one image
    """
    rows = -(-len(pictures) // columns)
    height = size * rows * (1.25 if titles else 1.0) + (0.4 if title else 0)
    figure, axes = new_figure(rows, columns, (size * columns, height))
    for i, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if i < len(pictures):
            axis.imshow(pictures[i], interpolation="nearest")
            axis.set_title(titles[i] if titles else "", fontsize=8, loc="center", fontweight="normal")
            if colours:
                _frame(axis, colours[i])
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return figure


def class_grid(pictures, labels, title=None):
    """Draw images framed in their class's colour, real ones first; labels: 0 = real, 1 = AI-generated."""
    order = np.argsort(np.asarray(labels), kind="stable")
    kinds = ["ai" if labels[i] else "real" for i in order]
    return image_grid([pictures[i] for i in order], None, 10, [COLOURS[kind] for kind in kinds], title)


def overlay(image, heatmap, strength=0.5, colours=HEAT):
    """Lay a heatmap over its image, from which the colour is taken: what is coloured is heat.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
    heatmap : float32 array (H, W), 0 or more; an empty one leaves the image grey, and where it is not a number (the
        detector was not shown that part) the image fades
    strength : float, opacity of the hottest pixel
    colours : str, a colour map of matplotlib

    Returns
    -------
    uint8 array (H, W, 3)
    """
    heat = np.nan_to_num(heatmap) / (np.nanmax(heatmap) or 1)
    opacity = strength * heat[..., None]
    grey = image.mean(axis=-1, keepdims=True)
    mixed = grey * (1 - opacity) + plt.get_cmap(colours)(heat)[..., :3] * 255 * opacity
    return np.where(np.isnan(heatmap)[..., None], 170 + mixed / 3, mixed).round().astype(np.uint8)


def explanation(image, heatmap, title, colour=INK, colours=HEAT):
    """Draw an image, its heatmap with a colour bar, and both together; the verdict stands in the title, in `colour`."""
    figure, axes = new_figure(1, 3, (8.4, 2.9))
    peak = float(np.nanmax(heatmap))
    axes[0].imshow(image, interpolation="nearest")
    heat = axes[1].imshow(heatmap, cmap=colours, vmin=0, vmax=peak or 1)
    axes[2].imshow(overlay(image, heatmap, colours=colours), interpolation="nearest")
    for axis, name in zip(axes, ("image", "heatmap" if peak else "heatmap: an empty map", "overlay")):
        axis.set_axis_off()
        axis.set_title(name, fontsize=9, fontweight="normal")
    figure.colorbar(heat, ax=axes[1], fraction=0.046, label="evidence")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11, color=colour, parse_math=False)
    return figure


def heatmap_row(heatmaps, titles):
    """Draw heatmaps side by side on one scale, with one colour bar; heatmaps: sequence of float arrays (H, W)."""
    figure, axes = new_figure(1, len(heatmaps), (2.1 * len(heatmaps) + 0.9, 2.4))
    peak = max(float(np.nanmax(heatmap)) for heatmap in heatmaps)
    for axis, heatmap, title in zip(np.ravel(axes), heatmaps, titles):
        drawn = axis.imshow(heatmap, cmap=HEAT, vmin=0, vmax=peak or 1)
        axis.set_axis_off()
        axis.set_title(title, fontsize=9, loc="center", fontweight="normal")
    figure.colorbar(drawn, ax=axes, fraction=0.03, label="evidence")
    return figure


def contact_sheet(pictures, heatmaps, titles, colours, columns=5, title=None):
    """Draw many explanations at once: each image beside its overlay, framed in the verdict's colour."""
    pairs = [
        np.concatenate([p, np.full((len(p), 2, 3), 255, np.uint8), overlay(p, h)], axis=1)
        for p, h in zip(pictures, heatmaps)
    ]
    rows = -(-len(pairs) // columns)
    figure, axes = new_figure(rows, columns, (2.2 * columns, 1.4 * rows + 0.4))
    for i, axis in enumerate(axes.flat):
        axis.set_axis_off()
        if i < len(pairs):
            axis.imshow(pairs[i], interpolation="nearest")
            axis.set_title(titles[i], fontsize=8, loc="center", fontweight="normal", color=colours[i])
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def new_figure(rows, columns, size):
    """A figure that pyplot forgets at once: the notebook shows it once, as a value."""
    figure, axes = plt.subplots(rows, columns, figsize=size, squeeze=(rows, columns) == (1, 1))
    plt.close(figure)
    return figure, axes if (rows, columns) == (1, 1) or rows > 1 else axes[0]


def _frame(axis, colour):
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set(visible=True, color=colour, linewidth=2)
