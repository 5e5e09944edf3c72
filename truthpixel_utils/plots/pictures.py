"""Figures of pictures: grids, heatmaps, explanations.

Each function returns a `matplotlib.figure.Figure` and shows nothing by itself: a notebook shows the
figure as the value of its cell.
"""

from __future__ import annotations

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from truthpixel_utils.labels import KEYS
from truthpixel_utils.plots.fonts import drawable
from truthpixel_utils.plots.style import COLOURS, HEAT, INK, new_figure


def image_grid(
    pictures: Sequence[np.ndarray],
    titles: Sequence[str] | None = None,
    columns: int = 8,
    colours: Sequence[str] | None = None,
    title: str | None = None,
    size: float = 1.15,
) -> Figure:
    """Draw images in a grid.

    Parameters
    ----------
    pictures : sequence of uint8 arrays (H, W, 3)
        RGB images.
    titles : sequence of str, optional
        Words above each image.
    columns : int
        Images in a row.
    colours : sequence of str, optional
        The colour of the frame of each image; without it there are no frames.
    title : str, optional
        Words above the whole figure.
    size : float
        Inches a side of one image.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = -(-len(pictures) // columns)
    height = size * rows * (1.25 if titles else 1.0) + (0.4 if title else 0)
    figure, axes = new_figure(rows, columns, (size * columns, height))
    for i, axis in enumerate(np.ravel(axes)):
        axis.set_axis_off()
        if i < len(pictures):
            axis.imshow(pictures[i], interpolation="nearest")
            axis.set_title(
                drawable(titles[i]) if titles else "", fontsize=8, loc="center", fontweight="normal"
            )
            if colours:
                _frame(axis, colours[i])
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11, parse_math=False)
    return figure


def class_grid(pictures: np.ndarray, labels: np.ndarray, title: str | None = None) -> Figure:
    """Draw images in rows of ten, real ones first, each framed in the colour of its class.

    Parameters
    ----------
    pictures : uint8 array (N, H, W, 3)
        RGB images.
    labels : int or float array (N,)
        0 = real, 1 = AI-generated.
    title : str, optional
        Words above the whole figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    labels = np.asarray(labels, int)
    order = np.argsort(labels, kind="stable")
    colours = [COLOURS[KEYS[label]] for label in labels[order]]
    return image_grid([pictures[i] for i in order], columns=10, colours=colours, title=title)


def overlay(
    image: np.ndarray, heatmap: np.ndarray, strength: float = 0.5, colour_map: str = HEAT
) -> np.ndarray:
    """Lay a heatmap over its image, which turns grey, so that all colour is heat.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB image.
    heatmap : float32 array (H, W)
        Evidence, 0 or more. An empty map leaves the image grey. Where the map is not a number,
        since the detector was not shown that part, the image fades.
    strength : float
        Opacity of the hottest pixel, 0..1.
    colour_map : str
        Name of a colour map of matplotlib.

    Returns
    -------
    uint8 array (H, W, 3)
    """
    heat = np.nan_to_num(heatmap) / (np.nanmax(heatmap) or 1)
    opacity = strength * heat[..., None]
    grey = image.mean(axis=-1, keepdims=True)
    coloured = plt.get_cmap(colour_map)(heat)[..., :3] * 255
    mixed = grey * (1 - opacity) + coloured * opacity
    faded = 170 + mixed / 3
    return np.where(np.isnan(heatmap)[..., None], faded, mixed).round().astype(np.uint8)


def explanation(
    image: np.ndarray,
    heatmap: np.ndarray,
    title: str,
    colour: str = INK,
    colour_map: str = HEAT,
) -> Figure:
    """Draw an image, its heatmap with a colour bar, and the heatmap over the image.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB image.
    heatmap : float32 array (H, W)
        Evidence, 0 or more; not a number where the detector was not shown the image.
    title : str
        Words above the figure, such as the verdict.
    colour : str
        Colour of the title.
    colour_map : str
        Name of a colour map of matplotlib.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, (left, middle, right) = new_figure(1, 3, (8.4, 2.9))
    peak = float(np.nanmax(heatmap))
    left.imshow(image, interpolation="nearest")
    heat = middle.imshow(heatmap, cmap=colour_map, vmin=0, vmax=peak or 1)
    right.imshow(overlay(image, heatmap, colour_map=colour_map), interpolation="nearest")
    names = {
        left: "image",
        middle: "heatmap" if peak else "heatmap: an empty map",
        right: "overlay",
    }
    for axis, name in names.items():
        axis.set_axis_off()
        axis.set_title(name, fontsize=9, fontweight="normal")
    figure.colorbar(heat, ax=middle, fraction=0.046, label="evidence")
    figure.suptitle(
        drawable(title), x=0.01, ha="left", fontweight="bold", fontsize=11, color=colour
    )
    return figure


def heatmap_row(heatmaps: Sequence[np.ndarray], titles: Sequence[str]) -> Figure:
    """Draw heatmaps side by side on one scale, with one colour bar.

    Parameters
    ----------
    heatmaps : sequence of float arrays (H, W)
        Evidence, 0 or more.
    titles : sequence of str
        Words above each heatmap.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(1, len(heatmaps), (2.1 * len(heatmaps) + 0.9, 2.4))
    peak = max(float(np.nanmax(heatmap)) for heatmap in heatmaps)
    for axis, heatmap, title in zip(np.ravel(axes), heatmaps, titles, strict=True):
        drawn = axis.imshow(heatmap, cmap=HEAT, vmin=0, vmax=peak or 1)
        axis.set_axis_off()
        axis.set_title(drawable(title), fontsize=9, loc="center", fontweight="normal")
    figure.colorbar(drawn, ax=axes, fraction=0.03, label="evidence")
    return figure


def contact_sheet(
    pictures: Sequence[np.ndarray],
    heatmaps: Sequence[np.ndarray],
    titles: Sequence[str],
    colours: Sequence[str],
    columns: int = 5,
    title: str | None = None,
) -> Figure:
    """Draw many explanations at once: each image beside its overlay, under a title of its colour.

    Parameters
    ----------
    pictures : sequence of uint8 arrays (H, W, 3)
        RGB images.
    heatmaps : sequence of float32 arrays (H, W)
        Evidence in each image, 0 or more.
    titles : sequence of str
        Words above each image, such as its verdict.
    colours : sequence of str
        The colour of each title.
    columns : int
        Explanations in a row.
    title : str, optional
        Words above the whole figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    rows = -(-len(pictures) // columns)
    figure, axes = new_figure(rows, columns, (2.2 * columns, 1.4 * rows + 0.4))
    for i, axis in enumerate(np.ravel(axes)):
        axis.set_axis_off()
        if i < len(pictures):
            gap = np.full((len(pictures[i]), 2, 3), 255, np.uint8)
            pair = [pictures[i], gap, overlay(pictures[i], heatmaps[i])]
            axis.imshow(np.concatenate(pair, axis=1), interpolation="nearest")
            words = drawable(titles[i])
            axis.set_title(words, fontsize=8, loc="center", fontweight="normal", color=colours[i])
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold")
    return figure


def _frame(axis: Axes, colour: str) -> None:
    axis.set_axis_on()
    axis.set(xticks=[], yticks=[])
    axis.grid(visible=False)
    for spine in axis.spines.values():
        spine.set(visible=True, color=colour, linewidth=2)
