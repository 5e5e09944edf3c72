"""Diagrams that explain: the network and what is frozen, windows, the two phases of training."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import FancyBboxPatch, Rectangle

from truthpixel_utils.plots.style import FAINT, INK, MARK, new_figure

_FROZEN = "#EDEDED"
_GAP = 4  # pixels around a window
_BADGE = {
    "xytext": (3, -3),
    "textcoords": "offset points",
    "va": "top",
    "color": "white",
    "fontsize": 8,
    "weight": "bold",
    "bbox": {"facecolor": MARK, "linewidth": 0, "pad": 2},
}


def network_diagram(stages: pd.DataFrame, trained: pd.DataFrame, title: str) -> Figure:
    """Draw the network as a row of boxes for each phase, the trained ones coloured.

    A box is as high as its activation is wide, and carries the number of its parameters; of a stage
    that is trained in part, that part is coloured.

    Parameters
    ----------
    stages : pandas.DataFrame
        One row a stage, with ``output`` (such as ``"96×96×3"``) and ``parameters``, as
        `model.describe` returns it.
    trained : pandas.DataFrame
        One row a stage, and one column a phase: the parameters that training may change in it.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axes = new_figure(len(trained.columns), 1, (9.5, 1.75 * len(trained.columns) + 0.5))
    for axis, phase in zip(np.ravel(axes), trained.columns, strict=True):
        shares = trained[phase] / stages["parameters"].clip(lower=1)
        _draw_network(axis, stages, shares)
        total, changing = stages["parameters"].sum(), trained[phase].sum()
        words = f"{phase}: {_short(changing)} of {_short(total)} parameters are trained"
        axis.set_title(words, fontsize=9, fontweight="normal")
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return figure


def windows_diagram(picture: np.ndarray, windows: Sequence[np.ndarray], title: str) -> Figure:
    """Draw a picture, where its windows lie in it, and the windows as a detector sees them.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255.
    windows : sequence of uint8 arrays (size, size, 3)
        Cut out of the picture at its own resolution, as `data.look` does; one that is not found in
        the picture gets no frame there.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, _ = new_figure(1, 1, (9.5, 3))
    figure.clear()
    grid = figure.add_gridspec(1, 3, width_ratios=(3, 3, 1.5))
    whole, cut, answer = (figure.add_subplot(cell) for cell in grid)
    whole.imshow(picture)
    places = [_find(window, picture) for window in windows]
    for number, place in enumerate(places, 1):
        if place is not None:
            side = windows[number - 1].shape[0]
            whole.add_patch(
                Rectangle(place[::-1], side, side, fill=False, edgecolor=MARK, linewidth=2)
            )
            whole.annotate(str(number), (place[1], place[0]), **_BADGE)
    cut.imshow(_side_by_side(windows))
    step = windows[0].shape[0] + 2 * _GAP
    for i in range(len(windows)):
        cut.annotate(str(i + 1), (i % 3 * step + _GAP, i // 3 * step + _GAP), **_BADGE)
    for axis in (whole, cut, answer):
        axis.set_axis_off()
    whole.set_title("the picture, as it came", fontsize=9, fontweight="normal")
    cut.set_title("its windows, pixel for pixel", fontsize=9, fontweight="normal")
    answer.set(xlim=(0, 1), ylim=(0, 1))
    lines = "one answer:\n\nthe detector gives\neach window a logit z,\n"
    lines += "and their mean is\nthe picture's logit\n\n"
    answer.text(
        0, 0.5, lines + r"$p_{\mathrm{ai}} = 1 / (1 + e^{-\bar z})$", va="center", fontsize=9
    )
    figure.suptitle(title, x=0.01, ha="left", fontweight="bold", fontsize=11)
    return figure


def phases_diagram(
    phases: Mapping[str, float], trained: Mapping[str, Sequence[bool]], title: str
) -> Figure:
    """Draw on one time axis which part of the network is trained in which phase.

    Parameters
    ----------
    phases : mapping of str to float
        What stands below each phase, and how many epochs it has at most.
    trained : mapping of str to sequence of bool
        Parts of the network from the output to the input, and for each phase whether the part is
        trained in it.
    title : str
        Words above the figure.

    Returns
    -------
    matplotlib.figure.Figure
    """
    figure, axis = new_figure(1, 1, (8.5, 0.42 * len(trained) + 1.2))
    ends = np.cumsum([0, *phases.values()])
    for row, changes in enumerate(trained.values()):
        for start, length, change in zip(ends, phases.values(), changes, strict=False):
            colour = MARK if change else _FROZEN
            axis.barh(row, length, left=start, height=0.8, color=colour, edgecolor="white")
            words, tone = ("trained", "white") if change else ("frozen", "#888888")
            axis.text(start + length / 2, row, words, ha="center", va="center", color=tone)
    axis.set_yticks(range(len(trained)), list(trained))
    axis.set_xticks((ends[:-1] + ends[1:]) / 2, list(phases))
    for end in ends[1:-1]:
        axis.axvline(end, color=INK, linewidth=1, linestyle=":")
    axis.set(title=title, xlabel="epochs →", xlim=(0, ends[-1]))
    axis.invert_yaxis()
    axis.grid(visible=False)
    axis.spines[:].set_visible(False)
    axis.tick_params(length=0)
    return figure


def _draw_network(axis: Axes, stages: pd.DataFrame, shares: pd.Series) -> None:
    """Draw one row of boxes, as high as the activations are wide."""
    widest = max(_width(output) for output in stages["output"])
    for i, (name, row) in enumerate(stages.iterrows()):
        height = 0.35 + 0.65 * (_width(row["output"]) / widest) ** 0.5
        rounded = {"boxstyle": "round,pad=0,rounding_size=0.05", "linewidth": 0}
        axis.add_patch(FancyBboxPatch((i, -height / 2), 0.8, height, facecolor=_FROZEN, **rounded))
        filled = 0.8 * min(1.0, shares[name])
        if filled:  # from the right, since the layers near the output are trained first
            axis.add_patch(
                FancyBboxPatch(
                    (i + 0.8 - filled, -height / 2), filled, height, facecolor=MARK, **rounded
                )
            )
        tone = "white" if filled > 0.5 else INK
        axis.text(i + 0.4, 0, name, ha="center", va="center", fontsize=8, color=tone)
        below = f"{row['output']}\n{_short(row['parameters'])}"
        axis.text(i + 0.4, -0.56, below, ha="center", va="top", fontsize=7, color="#666666")
        axis.annotate("", (i + 1, 0), (i + 0.8, 0), arrowprops={"arrowstyle": "->", "color": FAINT})
    axis.text(len(stages) + 0.05, 0, "p_ai", va="center", weight="bold")
    axis.set(xlim=(-0.1, len(stages) + 0.6), ylim=(-1.05, 0.55))
    axis.set_axis_off()


def _width(output: str) -> int:
    """Read how many pixels wide an activation is; 1 where it has no width any more."""
    numbers = output.split("×")
    return int(numbers[0]) if len(numbers) == 3 else 1


def _short(count: int) -> str:
    """Write a count of parameters in few digits."""
    if count >= 1e6:
        return f"{count / 1e6:.1f} M"
    return f"{count / 1e3:.0f} k" if count >= 1e3 else str(count)


def _find(window: np.ndarray, picture: np.ndarray) -> tuple[int, int] | None:
    """Find top and left of a window in the picture that it was cut from."""
    side = len(window)
    possible = picture[: len(picture) - side + 1, : picture.shape[1] - side + 1]
    for top, left in np.argwhere((possible == window[0, 0]).all(axis=-1)):
        if np.array_equal(picture[top : top + side, left : left + side], window):
            return int(top), int(left)
    return None


def _side_by_side(windows: Sequence[np.ndarray]) -> np.ndarray:
    """Lay windows into rows of three, with white between them."""
    border = (_GAP, _GAP), (_GAP, _GAP), (0, 0)
    framed = [np.pad(window, border, constant_values=255) for window in windows]
    blank = np.full_like(framed[0], 255)
    columns = min(3, len(framed))
    framed += [blank] * (-len(framed) % columns)
    rows = [np.hstack(framed[i : i + columns]) for i in range(0, len(framed), columns)]
    return np.vstack(rows)
