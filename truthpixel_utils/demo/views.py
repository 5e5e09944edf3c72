"""How a `demo.Report` is shown, whatever shows it: HTML, pictures, a figure, JSON. Every text in it is escaped."""

import base64
import io
import json
from html import escape

import numpy as np
from PIL import Image

from truthpixel_utils import __version__, plots
from truthpixel_utils.explain.cam import place_heatmap
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL

SHOWN = 480  # pixels a side of a picture in a page, at most
_PICTURE = (
    "<figure style='margin:0;flex:1 1 150px;max-width:210px'><img src='{}' alt='{}' style='width:100%;aspect-ratio:1;"
    "object-fit:contain;image-rendering:{};background:#f4f4f4;border-radius:6px'>"
    "<figcaption style='text-align:center;color:#595959;font-size:.9em'>{}</figcaption></figure>"
)


def report_card(report):
    """Lay out a `demo.Report` as one piece of HTML (str)."""
    return f"<div style='max-width:680px;line-height:1.4'>{answer(report)}{pictures(report)}{details(report)}</div>"


def answer(report):
    """Verdict, confidence bar and warnings as HTML (str)."""
    colour = {REAL: plots.COLOURS["real"], AI: plots.COLOURS["ai"]}.get(report.verdict, plots.INK)
    warnings = "".join(f"<p style='margin:.3em 0'>⚠ {escape(text)}</p>" for text in report.warnings)
    return (
        f"<div role='status' style='font-size:1.6em;font-weight:bold;color:{colour}'>{escape(report.verdict)}</div>"
        f"{_bar(report.p_ai, report.rule, faint=report.verdict == CANNOT_TELL)}{warnings}"
    )


def pictures(report, opacity=0.7):
    """Original, what the detector saw, and the heat on the original as HTML (str); opacity (0..1) of the hottest pixel."""
    shown = (
        (report.image, "your image", "the uploaded image"),
        (report.seen, "what the detector sees", "the image scaled down to 32 by 32 pixels"),
        (overlay(report, opacity), "what speaks for its answer", f"heatmap over the image, by {report.method}"),
    )
    figures = "".join(
        _PICTURE.format(
            data_url(picture), escape(alternative), "pixelated" if len(picture) < SHOWN / 4 else "auto", words
        )
        for picture, words, alternative in shown
    )
    return f"<div style='display:flex;flex-wrap:wrap;gap:12px;margin:.8em 0'>{figures}</div>"


def details(report):
    """Image information, and apart from it what the file says of its origin, as HTML (str)."""
    rows = "".join(
        f"<tr><th style='text-align:left;vertical-align:top;padding-right:1em'>{escape(key)}</th>"
        f"<td style='overflow-wrap:anywhere'>{escape(str(value))}</td></tr>"
        for key, value in report.information.items()
    )
    said = "".join(
        f"<li><b>{escape(one.where)}</b>{' (a generator)' * one.made_by_ai}: {escape(one.says)}</li>"
        for one in report.provenance
    )
    words = (
        f"<ul style='margin:.3em 0'>{said}</ul>" if said else "No statement. That says nothing: most programs drop it."
    )
    return (
        f"<table>{rows}</table><div style='margin-top:.8em'><b>What the file says of its origin</b> "
        f"(not part of the verdict)<br>{words}</div>"
    )


def sentence(text, colour=plots.INK):
    """One line of plain text as HTML (str)."""
    return f"<p role='status' style='color:{colour}'>{escape(text)}</p>"


def overlay(report, opacity=0.7):
    """The picture with the heat where it belongs, the centre square: uint8 array (H, W, 3)."""
    height, width = report.image.shape[:2]
    return plots.overlay(report.image, place_heatmap(report.heatmap, height, width), opacity)


def figure(report, colours=plots.HEAT):
    """Draw a `demo.Report`: the image, its heatmap in its own place and size, both together, and the verdict above."""
    height, width = report.image.shape[:2]
    title = f"{report.name}: {report.verdict} (p_ai {report.p_ai:.2f})"
    return plots.explanation(report.image, place_heatmap(report.heatmap, height, width), title, colours=colours)


def as_json(report):
    """All of a `demo.Report` but its pictures, and the version of this package, as JSON (str)."""
    kept = report._asdict() | {"provenance": [one._asdict() for one in report.provenance], "truthpixel": __version__}
    return json.dumps({key: value for key, value in kept.items() if not isinstance(value, np.ndarray)}, indent=1)


def png(pixels):
    """Encode uint8 (H, W, 3) as PNG (bytes)."""
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def data_url(pixels):
    """A picture for a page, scaled down to at most `SHOWN` pixels a side, as the address that holds it (str)."""
    image = Image.fromarray(pixels)
    image.thumbnail((SHOWN, SHOWN))
    return "data:image/png;base64," + base64.b64encode(png(np.asarray(image))).decode()


def _bar(p_ai, rule, faint):
    """The probability on a scale from real to AI-generated, with the zone drawn in which the demo takes no side; faint
    where it takes none, since a bar in full colour accuses whatever the words above it say."""
    real, ai = plots.COLOURS["real"], plots.COLOURS["ai"]
    start, end = (f"{rule[name]:.1%}" for name in ("lower_threshold", "upper_threshold"))
    words = f"{p_ai:.1%} AI-generated"
    return (
        f"<div role='img' aria-label='confidence: {words}' style='margin:.5em 0'>"
        f"<div style='position:relative;height:22px;border-radius:4px;opacity:{0.3 if faint else 1};"
        f"background:linear-gradient(90deg,{real} {start},#ddd {start} {end},{ai} {end})'>"
        f"<div style='position:absolute;left:calc({p_ai:.1%} - 2px);top:-4px;width:4px;height:30px;background:#000'></div>"
        "</div><div style='display:flex;justify-content:space-between;color:#595959'>"
        f"<span>{REAL}</span><span>{CANNOT_TELL}</span><span>{AI}</span></div>{words}</div>"
    )
