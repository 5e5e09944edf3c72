"""How a `Report` is shown, whatever shows it: as HTML, as pictures, as a figure, as JSON.

The HTML is in `report.html.j2`, a macro for each function here; every text in it is escaped.
"""

from __future__ import annotations

import base64
import io
import json
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from truthpixel_utils import __version__, plots
from truthpixel_utils.demo.headline import DETECTOR
from truthpixel_utils.labels import CANNOT_TELL, VERDICTS

if TYPE_CHECKING:
    from truthpixel_utils.demo.analysis import Report

MAX_SHOWN = 480  # pixels a side of a picture in a page, at most
TITLE_WIDTH = 88  # letters of a line above a figure
SHARP_EDGES_BELOW = 120  # pixels a side: a page enlarges smaller pictures without smoothing them


def report_card(report: Report) -> str:
    """Lay out a report as one piece of HTML.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        HTML: the verdict, the pictures, and what is known of the file.
    """
    return _render("report_card", report, overlay(report))


def answer(report: Report) -> str:
    """Lay out the headline, which holds the verdict, the confidence bar and the warnings.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        HTML.
    """
    return _render("answer", report)


def pictures(report: Report, opacity: float = 0.7) -> str:
    """Lay out the image, what the detector saw of it, and the heatmap over the image.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.
    opacity : float
        Opacity of the hottest pixel, 0..1.

    Returns
    -------
    str
        HTML.
    """
    return _render("pictures", report, overlay(report, opacity))


def details(report: Report) -> str:
    """Lay out the image information and, apart from it, what the file says of its own origin.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        HTML.
    """
    return _render("details", report)


def folded_details(report: Report) -> str:
    """Lay out the `details` so that the reader has to unfold them.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        HTML.
    """
    return _render("folded_details", report)


def downloads(report: Report, opacity: float = 0.7) -> str:
    """Lay out links that save the report as JSON and the overlay as PNG.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.
    opacity : float
        Opacity of the hottest pixel, 0..1.

    Returns
    -------
    str
        HTML; the links hold the files themselves.
    """
    stem = Path(report.name).stem
    return _render("downloads", stem, as_json(report).encode(), png(overlay(report, opacity)))


def history(reports: Sequence[Report]) -> str:
    """Lay out a table of answers, the last one first.

    Parameters
    ----------
    reports : sequence of Report
        The answers in the order in which they were given.

    Returns
    -------
    str
        HTML.
    """
    return _render("history", reports)


def sentence(text: str, colour: str = plots.INK) -> str:
    """Lay out one line of text.

    Parameters
    ----------
    text : str
        Plain text.
    colour : str
        A colour as CSS has it.

    Returns
    -------
    str
        HTML.

    Examples
    --------
    >>> sentence("1 < 2", "#333333")
    '<p role="status" style="color:#333333">1 &lt; 2</p>'
    """
    return _render("sentence", text, colour)


def overlay(report: Report, opacity: float = 0.7) -> np.ndarray:
    """Lay the heatmap over the centre square of the image, where it belongs.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.
    opacity : float
        Opacity of the hottest pixel, 0..1.

    Returns
    -------
    uint8 array (H, W, 3)
    """
    return plots.overlay(report.image, report.heatmap, opacity)


def figure(report: Report, colour_map: str = plots.HEAT) -> Figure:
    """Draw the image, its heatmap, and the heatmap over the image; above, what is known best of it.

    That is the first line of the headline, and the detector's.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.
    colour_map : str
        Name of a colour map of matplotlib.

    Returns
    -------
    matplotlib.figure.Figure
    """
    said = [line.text for line in report.headline[:1] + report.headline[1:][-1:]]
    said[0] = f"{report.name}: {said[0]}"
    said[-1] += f" (p_ai {report.p_ai:.2f})"
    title = "\n".join(textwrap.fill(line, TITLE_WIDTH) for line in said)
    return plots.explanation(report.image, report.heatmap, title, colour_map=colour_map)


def as_json(report: Report) -> str:
    """Write down all of a report but its pictures, and the version of this package.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        JSON.
    """
    fields = report._asdict()
    fields["headline"] = [line._asdict() for line in report.headline]
    fields["provenance"] = [
        {**statement._asdict(), "made_by_ai": statement.made_by_ai}
        for statement in report.provenance
    ]
    fields["metadata"] = [entry._asdict() for entry in report.metadata]
    fields["truthpixel"] = __version__
    texts = {name: value for name, value in fields.items() if not isinstance(value, np.ndarray)}
    return json.dumps(texts, indent=1)


def png(pixels: np.ndarray) -> bytes:
    """Encode an image as PNG.

    Parameters
    ----------
    pixels : uint8 array (H, W, 3)
        RGB image.

    Returns
    -------
    bytes
    """
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def _data_url(pixels: np.ndarray) -> str:
    """Encode a picture as an address that holds it, at most `MAX_SHOWN` pixels a side."""
    image = Image.fromarray(pixels)
    image.thumbnail((MAX_SHOWN, MAX_SHOWN))
    return "data:image/png;base64," + _base64(png(np.asarray(image)))


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()


def _environment() -> jinja2.Environment:
    """Build what renders the macros: it escapes, and knows our colours, verdicts and filters."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.globals.update(
        CANNOT_TELL=CANNOT_TELL,
        COLOURS=plots.COLOURS,
        DETECTOR=DETECTOR,
        SHARP_EDGES_BELOW=SHARP_EDGES_BELOW,
        VERDICTS=VERDICTS,
        VERDICT_COLOURS=plots.VERDICT_COLOURS,
    )
    environment.filters.update(base64=_base64, data_url=_data_url, percent="{:.1%}".format)
    return environment


_MACROS = _environment().get_template("report.html.j2").module


def _render(macro: str, *values: object) -> str:
    """Call a macro of `report.html.j2` and return its HTML as a plain str."""
    return str(getattr(_MACROS, macro)(*values)).strip()
