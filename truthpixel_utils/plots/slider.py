"""Figures to leaf through with a slider, wherever a notebook is read.

The figures are drawn beforehand and travel with the page, so that the slider needs no kernel; where
scripts do not run either, the figure that it starts with is there.
"""

from __future__ import annotations

import base64
import html
import io
import json
from collections.abc import Sequence

from IPython.display import HTML
from matplotlib.figure import Figure
from PIL import Image

SHADES = 128  # colours of a figure: a page with twenty of them stays small

# JupyterLab takes the arrow keys for itself, except from an element that bears this attribute.
OWN_KEYS = 'data-lm-suppress-shortcuts="true"'

# What the slider does when it is moved; `this` is the slider.
MOVED = """
const box = this.closest('div'), image = box.querySelector('img');
const name = JSON.parse(box.dataset.names)[this.value];
image.src = 'data:image/png;base64,' + JSON.parse(box.dataset.figures)[this.value];
image.alt = box.querySelector('output').value = this.ariaValueText = name;
"""


def leaf_through(
    figures: Sequence[Figure], names: Sequence[str], label: str, start: int = 0
) -> HTML:
    """Lay figures on top of each other, with a slider that chooses which one is seen.

    Parameters
    ----------
    figures : sequence of matplotlib.figure.Figure
        Figures of one size, in order.
    names : sequence of str
        What each figure shows, in a few words; it stands beside the slider.
    label : str
        What the slider changes.
    start : int
        The figure that is seen first, and alone where no script runs.

    Returns
    -------
    IPython.display.HTML
        For a notebook to show as the value of a cell.
    """
    encoded = [_encoded(figure) for figure in figures]
    name = html.escape(names[start], quote=True)
    return HTML(
        f"<div data-figures='{json.dumps(encoded)}' "
        f'data-names="{html.escape(json.dumps(list(names)), quote=True)}">'
        f"<label>{html.escape(label)} "
        f'<input type="range" {OWN_KEYS} min="0" max="{len(figures) - 1}" value="{start}" '
        f'style="width: min(20em, 60%); vertical-align: middle" aria-valuetext="{name}" '
        f'oninput="{" ".join(MOVED.split())}"></label> <output>{name}</output><br>'
        f'<img style="max-width: 100%" alt="{name}" '
        f'src="data:image/png;base64,{encoded[start]}"></div>'
    )


def _encoded(figure: Figure) -> str:
    """Draw a figure as a small PNG file, in base64."""
    drawn, small = io.BytesIO(), io.BytesIO()
    figure.savefig(drawn, format="png", facecolor="white")
    Image.open(drawn).convert("RGB").quantize(SHADES).save(small, "PNG", optimize=True)
    return base64.b64encode(small.getvalue()).decode()
