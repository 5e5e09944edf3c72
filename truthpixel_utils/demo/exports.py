"""What of a `Report` can be taken home: a figure, JSON, CSV, plain text, pictures."""

from __future__ import annotations

import io
import json
import textwrap
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image

from truthpixel_utils import __version__, plots
from truthpixel_utils.demo.headline import says_the_file

if TYPE_CHECKING:
    from truthpixel_utils.demo.analysis import Report

PICTURES = {"image", "seen", "heatmap", "loudest", "against", "close", "looks"}  # of a report
TITLE_WIDTH = 88  # letters of a line above a figure


def overlay(report: Report, opacity: float = 0.7) -> np.ndarray:
    """Lay the heatmap over the image; without one, the image stays as it is.

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
    if report.heatmap is None:
        return report.image
    return plots.overlay(report.image, report.heatmap, opacity)


def figure(report: Report, colour_map: str = plots.HEAT) -> Figure:
    """Draw the image, its heatmap, and the heatmap over the image; above, what is known best of it.

    That is the first line of the headline, and the detector's. Where it takes no side, the image
    stands alone.

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
    said[-1] += f" (p_ai {report.p_ai:.2f})" if report.heatmap is not None else ""
    title = "\n".join(textwrap.fill(line, TITLE_WIDTH) for line in [*said, report.reason] if line)
    if report.heatmap is None:
        return plots.image_grid([report.image], columns=1, size=5, title=title)
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
    return json.dumps({name: fields[name] for name in fields if name not in PICTURES}, indent=1)


def as_line(report: Report) -> str:
    """Write down an answer in one line, the strongest first.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        The headline; with the probability where the detector takes a side.
    """
    line = "; ".join(line.text for line in report.headline)  # the detector's is the last
    return line if report.reason else f"{line} (p_ai {report.p_ai:.2f})"


def as_text(report: Report) -> str:
    """Write down an answer for a terminal.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    str
        Lines: the headline, why there is no verdict if there is none, which detector answered, what
        the file says of its origin, and the warnings.
    """
    lines = [as_line(report)]
    if report.reason:
        lines += [report.reason, f"What would help: {report.advice}"]
    lines.append(f"Detector: {report.detector}")
    lines += [f"{one.where}: {one.says}" for one in report.provenance]
    return "\n  ".join([*lines, *report.warnings])


def as_csv(reports: Sequence[Report]) -> str:
    """Write down answers as a table, a row each in the order in which they were given.

    Parameters
    ----------
    reports : sequence of Report
        The answers.

    Returns
    -------
    str
        CSV with the columns ``name``, ``verdict``, ``p_ai``, ``says_the_file`` (the strongest line
        of what the file says of its origin), ``reason`` and ``detector``.
    """
    columns = {
        "name": [one.name for one in reports],
        "verdict": [one.verdict for one in reports],
        "p_ai": [round(one.p_ai, 4) for one in reports],
        "says_the_file": [says_the_file(one.provenance) for one in reports],
        "reason": [one.reason for one in reports],
        "detector": [one.detector for one in reports],
    }
    return pd.DataFrame(columns).to_csv(index=False)


def without_pictures(report: Report) -> Report:
    """Take the pictures out of a report, of which thousands would not fit into memory.

    Parameters
    ----------
    report : Report
        What `analyze` found out about an image.

    Returns
    -------
    Report
        Fit for `as_json` and `as_csv`.
    """
    return report._replace(**dict.fromkeys(PICTURES))


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
