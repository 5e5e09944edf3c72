"""Upload an image, get a verdict, its confidence and its explanation: the analysis, and widgets around it."""

import base64
import io
from html import escape
from typing import NamedTuple

import ipywidgets as widgets
import numpy as np
from PIL import Image

from truthpixel_utils import plots
from truthpixel_utils.calibrate import VERDICTS, verdicts
from truthpixel_utils.data import THUMBNAIL, thumbnail, to_rgb
from truthpixel_utils.degrade import jpeg, shift
from truthpixel_utils.files import TruthPixelError
from truthpixel_utils.gradcam import in_place, is_empty, judge
from truthpixel_utils.provenance import exif_of, statements
from truthpixel_utils.score import scores

FORMATS = ("JPEG", "MPO", "PNG", "WEBP")  # MPO: a JPEG with more pictures behind it, as many phones write
SUFFIXES = ".jpg,.jpeg,.png,.webp"
REAL, CANNOT_TELL, AI = VERDICTS
DRAWN = 800  # pixels a side of an image in a figure, at most
LARGEST = 2 * THUMBNAIL  # pixels a side up to which an image is like those the detector knows


class Report(NamedTuple):
    """What `analyze` found out about one image."""

    name: str
    verdict: str  # one of `calibrate.VERDICTS`
    p_ai: float  # probability that the image is AI-generated, 0..1
    rule: dict  # from which probability on a side is taken, see `calibrate.thresholds`
    image: np.ndarray  # uint8 (H, W, 3), as uploaded, upright
    seen: np.ndarray  # uint8 (32, 32, 3), what the detector was shown
    heatmap: np.ndarray  # float32 (32, 32), 0 or more, evidence for the more likely side
    information: dict  # name of a property -> text
    provenance: tuple  # of `provenance.Statement`: what the file says of its origin, which no probability knows of
    warnings: tuple  # sentences

    @property
    def confidence(self):
        """Probability of the more likely side, 0.5..1."""
        return max(self.p_ai, 1 - self.p_ai)


def handle_upload(value):
    """Take names and bytes out of an upload widget's value.

    Parameters
    ----------
    value : tuple of dict
        ``FileUpload.value`` of ipywidgets 8: one dict a file, with ``name`` and ``content`` (memoryview or bytes).

    Returns
    -------
    list of (name, bytes)

    Raises
    ------
    TruthPixelError if nothing was uploaded.
    """
    if not value:
        raise TruthPixelError("No image yet: choose a JPG, PNG or WebP file first.")
    return [(file["name"], bytes(file["content"])) for file in value]


def analyze(detector, rule, content, name, method="gradcam"):
    """Judge one image.

    Parameters
    ----------
    detector : keras.Model from `model.load_detector`
    rule : dict from `calibrate.load_rule`
    content : bytes, a JPEG, PNG or WebP file
    name : str, shown to the reader
    method : of the heatmap, see `gradcam.judge`

    Returns
    -------
    Report

    Raises
    ------
    TruthPixelError, in one sentence, if the bytes are not a whole JPEG, PNG or WebP image.
    """
    opened, image = _open(content, name)
    seen = thumbnail(image)
    _, [p_ai], [heatmap] = judge(detector, seen[None], method)
    if not np.isfinite(p_ai):
        raise TruthPixelError("The detector's answer is not a number: train it again.")
    height, width = image.shape[:2]
    warnings = []
    verdict = str(verdicts(p_ai, rule))
    if max(width, height) > LARGEST:
        verdict = CANNOT_TELL
        warnings.append(
            f"This image is {width} × {height} pixels; the detector has only ever seen {THUMBNAIL} × {THUMBNAIL} "
            "thumbnails. It was shown the centre square, scaled down, and which way it leans there is no evidence."
        )
    elif turned := _turned_by(detector, seen, p_ai):
        verdict = CANNOT_TELL
        warnings.append(
            f"The answer turns round when the image is {' or '.join(turned)}: a person would see no difference."
        )
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
        warnings.append(f"The file holds {opened.n_frames} pictures; the first was judged.")
    if is_empty(heatmap):
        warnings.append("The heatmap is empty: no part of the image speaks for this side in the last layer.")
    return Report(
        name=name,
        verdict=verdict,
        p_ai=float(p_ai),
        rule=rule,
        image=image,
        seen=seen,
        heatmap=heatmap,
        information={
            "file": name,
            "format": opened.format,
            "size": f"{width} × {height} pixels",
            "mode": opened.mode,
            "file size": f"{len(content) / 1024:.1f} kB",
            **_camera(opened),
        },
        provenance=tuple(statements(opened, content)),
        warnings=tuple(warnings),
    )


def card(report):
    """Lay out a `Report` as HTML (str): verdict, confidence bar, heatmap, information, provenance; text is escaped."""
    colour = {REAL: plots.COLOURS["real"], AI: plots.COLOURS["ai"]}.get(report.verdict, plots.INK)
    warnings = "".join(f"<p style='margin:.3em 0'>⚠ {escape(text)}</p>" for text in report.warnings)
    rows = "".join(
        f"<tr><th style='text-align:left;padding-right:1em'>{escape(key)}</th><td>{escape(str(value))}</td></tr>"
        for key, value in report.information.items()
    )
    pictures = "".join(
        f"<figure style='margin:0;width:200px'><img src='{_data_url(picture, scale)}' alt='{words}' "
        "style='width:200px;height:200px;object-fit:contain;image-rendering:pixelated;background:#f4f4f4'>"
        f"<figcaption style='text-align:center;color:#666'>{words}</figcaption></figure>"
        for picture, words, scale in (
            (report.image, "your image", 400),
            (report.seen, "what the detector sees", None),
            (plots.overlay(report.seen, report.heatmap, 0.7), "what speaks for its answer", None),
        )
    )
    return (
        "<div style='max-width:680px;line-height:1.4'>"
        f"<div style='font-size:1.5em;font-weight:bold;color:{colour}'>{escape(report.verdict)}</div>"
        f"{_bar(report.p_ai, report.rule)}{warnings}"
        f"<div style='display:flex;flex-wrap:wrap;gap:16px;margin:.8em 0'>{pictures}</div><table>{rows}</table>"
        f"{_origin(report.provenance)}</div>"
    )


def figure(report, colours=plots.HEAT):
    """Draw a `Report`: the image, its heatmap in its own place and size, both together, and the verdict above."""
    small = Image.fromarray(report.image)
    small.thumbnail((DRAWN, DRAWN))
    title = f"{report.name}: {report.verdict} (p_ai {report.p_ai:.2f})"
    heatmap = in_place(report.heatmap, small.height, small.width)
    return plots.explanation(np.asarray(small), heatmap, title, colours=colours)


def interface(detector, rule):
    """Build the demo: upload, Analyze, and a card with verdict, confidence bar, heatmap and image information.

    Returns
    -------
    ipywidgets.VBox with children: introduction, controls (upload and button), result (HTML)
    """
    upload = widgets.FileUpload(
        accept=SUFFIXES, multiple=False, description="Choose an image", layout={"width": "auto"}
    )
    button = widgets.Button(description="Analyze", button_style="primary", icon="search")
    result = widgets.HTML()

    def analyze_upload(_):
        result.value = _sentence("Looking at it ...", plots.INK)
        try:
            [(name, content)] = handle_upload(upload.value)
            result.value = card(analyze(detector, rule, content, name))
        except TruthPixelError as error:
            result.value = _sentence(str(error), plots.COLOURS["ai"])

    button.on_click(analyze_upload)
    introduction = widgets.HTML(
        "<h3 style='margin:0'>Photograph or AI-generated?</h3>"
        "<p style='margin:.3em 0'>JPG, PNG or WebP. The image stays on this machine.</p>"
    )
    return widgets.VBox([introduction, widgets.HBox([upload, button]), result])


def _open(content, name):
    """The opened file (for what it says of itself) and its pixels, uint8 (H, W, 3)."""
    if not content:
        raise TruthPixelError(f"{name} is empty (0 bytes): choose another file.")
    try:
        opened = Image.open(io.BytesIO(content))
        if opened.format in FORMATS:  # known before a pixel is decoded
            image = np.asarray(to_rgb(opened))
    except Image.DecompressionBombError as error:
        raise TruthPixelError(f"{name} claims far more pixels than a photograph has; it was not opened.") from error
    except Exception as error:  # Pillow raises many kinds for bad bytes; the reader needs one sentence
        raise TruthPixelError(
            f"{name} is not an image that can be read: a whole JPG, PNG or WebP file works."
        ) from error
    if opened.format not in FORMATS:
        raise TruthPixelError(f"{name} is a {opened.format} file: a JPG, PNG or WebP file works.")
    return opened, image


def _turned_by(detector, seen, p_ai):
    """The small changes (names) after which the detector leans to the other side."""
    changed = {
        "mirrored": seen[:, ::-1],
        "encoded as JPEG": jpeg(seen, 85),
        "moved by a pixel": shift(seen, 1, 0),
        "moved down by one": shift(seen, 0, 1),
    }
    _, leans = scores(detector, np.stack(list(changed.values())))
    return [name for name, lean in zip(changed, leans) if (lean >= 0.5) != (p_ai >= 0.5)]


def _camera(opened):
    """Camera and date that the file claims, as far as it does: name of a property -> text."""
    exif, more = exif_of(opened)
    make, model = (str(exif.get(tag) or "").strip(" \0") for tag in (0x010F, 0x0110))
    taken = more.get(0x9003) or exif.get(0x0132)
    camera = model if model.startswith(make) else f"{make} {model}"
    return {name: str(text)[:80] for name, text in (("camera", camera), ("date", taken)) if text}


def _origin(provenance):
    """What the file says of its origin, quoted; kept apart from the verdict, which does not know of it."""
    said = "".join(
        f"<li><b>{escape(one.where)}</b>{' (a generator)' * one.made_by_ai}: {escape(one.says)}</li>"
        for one in provenance
    )
    words = (
        f"<ul style='margin:.3em 0'>{said}</ul>" if said else "No statement. That says nothing: most programs drop it."
    )
    return f"<div style='margin-top:.8em'><b>What the file says of its origin</b> (not part of the verdict)<br>{words}</div>"


def _bar(p_ai, rule):
    """The probability on a scale from real to AI-generated, with the zone drawn in which the demo takes no side."""
    real, ai = plots.COLOURS["real"], plots.COLOURS["ai"]
    start, end = (f"{rule[name]:.1%}" for name in ("clear_to", "accuse_from"))
    return (
        f"<div role='img' aria-label='{p_ai:.0%} AI-generated' style='margin:.5em 0'>"
        "<div style='position:relative;height:22px;border-radius:4px;"
        f"background:linear-gradient(90deg,{real} {start},#ddd {start} {end},{ai} {end})'>"
        f"<div style='position:absolute;left:calc({p_ai:.1%} - 2px);top:-4px;width:4px;height:30px;background:#000'></div>"
        "</div><div style='display:flex;justify-content:space-between;color:#666'>"
        f"<span>real</span><span>cannot tell</span><span>AI-generated</span></div>{p_ai:.1%} AI-generated</div>"
    )


def _data_url(picture, longest):
    image = Image.fromarray(picture)
    if longest:
        image.thumbnail((longest, longest))
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()


def _sentence(text, colour):
    return f"<p role='status' style='color:{colour}'>{escape(text)}</p>"
