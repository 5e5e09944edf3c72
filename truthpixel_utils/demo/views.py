"""How a `Report` is shown as HTML, whatever shows it.

The HTML is in `report.html.j2`, a macro for each function here; every text in it is escaped.
"""

from __future__ import annotations

import base64
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2
import numpy as np
from PIL import Image

from truthpixel_utils import __version__, plots
from truthpixel_utils.demo.choice import FIGURES
from truthpixel_utils.demo.exports import as_csv, as_json, overlay, png
from truthpixel_utils.demo.headline import DETECTOR
from truthpixel_utils.demo.second_look import LOOKS
from truthpixel_utils.labels import CANNOT_TELL, VERDICTS

if TYPE_CHECKING:
    from truthpixel_utils.demo.analysis import Report

MAX_SHOWN = 480  # pixels a side of a picture in a page, at most
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


def page(report: Report) -> str:
    """Lay out a report as a page of its own that needs no other file and prints on one sheet.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        An HTML document.
    """
    figures = next((FIGURES[name] for name in FIGURES if report.detector.startswith(name)), "")
    return _render("page", report, overlay(report), __version__, figures)


def answer(report: Report) -> str:
    """Lay out the headline and the confidence bar, or why there is no verdict; and the warnings.

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
    """Lay out the image, what the detector saw of it, and where it finds evidence, if it does.

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


def second_look(report: Report) -> str:
    """Lay out what a person can look at: the picture at its own pixels, its noise, its metadata.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        HTML that the reader has to unfold.
    """
    return _render("second_look", report, overlay(report))


def metadata(report: Report, words: str = "") -> str:
    """Lay out the file's metadata as a table.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.
    words : str
        Only the rows that hold these words, in whatever case.

    Returns
    -------
    str
        HTML.
    """
    wanted = words.lower()
    rows = [row for row in report.metadata if wanted in " ".join(row).lower()]
    return _render("metadata", rows, len(report.metadata), bool(words))


def downloads(report: Report, opacity: float = 0.7) -> str:
    """Lay out links that save the report as a page and as JSON, and the overlay as PNG.

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
    files = {
        f"{stem}.html": ("report", "text/html", page(report).encode()),
        f"{stem}.json": ("report (JSON)", "application/json", as_json(report).encode()),
    }
    if report.heatmap is not None:
        files[f"{stem}.png"] = ("overlay (PNG)", "image/png", png(overlay(report, opacity)))
    return _render("downloads", files)


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
    return _render("history", reports, as_csv(reports).encode())


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


def _data_url(pixels: np.ndarray, most: int = MAX_SHOWN) -> str:
    """Encode a picture as an address that holds it, at most so many pixels a side."""
    image = Image.fromarray(pixels)
    image.thumbnail((most, most))
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
        LOOKS=LOOKS,
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
