"""Upload an image, get a verdict, its confidence and its explanation: the analysis, for any interface around it.

`interface` lays its answers out in widgets, `streamlit_app` in Streamlit's, `report` draws what both show.
"""

import hashlib
import io
import time
from functools import partial
from typing import NamedTuple

import numpy as np
from PIL import Image

from truthpixel_utils.data import sources
from truthpixel_utils.data.corruptions import jpeg, shift
from truthpixel_utils.data.splits import THUMBNAIL, encoded_images, thumbnail, to_rgb
from truthpixel_utils.demo.provenance import exif_of, statements
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate.calibration import verdicts
from truthpixel_utils.evaluate.finished import load_rule
from truthpixel_utils.evaluate.ood import ood_distances
from truthpixel_utils.evaluate.predictions import predict_images
from truthpixel_utils.explain.cam import is_empty, predict_and_explain
from truthpixel_utils.labels import CANNOT_TELL, KEYS
from truthpixel_utils.model.detector import load_detector

FORMATS = ("JPEG", "MPO", "PNG", "WEBP")  # MPO: a JPEG with more pictures behind it, as many phones write
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp")
LARGEST = 2 * THUMBNAIL  # pixels a side up to which an image is like those the detector knows
BYTES = 20_000_000  # in a file, at most
PIXELS = 50_000_000  # in an image, at most: what a good telephone takes; the memory for it is bounded
KEPT = 800  # pixels a side of the picture in a report, at most


class Report(NamedTuple):
    """What `analyze` found out about one image."""

    name: str
    verdict: str  # one of `calibrate.VERDICTS`
    p_ai: float  # probability that the image is AI-generated, 0..1, for images like those of training
    distance: float  # from the images of training, see `ood.ood_distances`
    rule: dict  # ``lower_threshold``, ``upper_threshold`` (of p_ai) and ``distance_limit``
    image: np.ndarray  # uint8 (H, W, 3), the picture upright, scaled down to at most `KEPT` pixels a side
    seen: np.ndarray  # uint8 (32, 32, 3), what the detector was shown
    heatmap: np.ndarray  # float32 (32, 32), 0 or more, evidence for the more likely side
    method: str  # of the heatmap
    information: dict  # name of a property -> text
    provenance: tuple  # of `provenance.Statement`: what the file says of its origin, which no probability knows of
    warnings: tuple  # sentences
    milliseconds: int  # from bytes to report

    @property
    def confidence(self):
        """Probability of the more likely side, 0.5..1."""
        return max(self.p_ai, 1 - self.p_ai)


def analyze(content, name, *, detector, rule, method="gradcam"):
    """Judge one image. Writes nothing, keeps nothing, and may be called from several threads at once.

    Parameters
    ----------
    content : bytes, a JPEG, PNG or WebP file
    name : str, shown to the reader
    detector : keras.Model from `model.load_detector`
    rule : dict from `calibrate.load_rule`, with the ``out_of_distribution`` that the detector knows
    method : of the heatmap, see `gradcam.judge`

    Returns
    -------
    Report

    Raises
    ------
    TruthPixelError, in one sentence, if the bytes are not a whole JPEG, PNG or WebP image, or are too many.
    """
    start = time.perf_counter()
    opened, image = _open(content, name)
    width, height = image.size
    seen = thumbnail(np.asarray(image))
    _, [p_ai], [heatmap] = predict_and_explain(detector, seen[None], method)
    known = rule["out_of_distribution"]
    [distance] = ood_distances(detector, seen[None], known)
    if not np.isfinite(p_ai):
        raise TruthPixelError("The detector's answer is not a number: train it again.")
    verdict, warnings = str(verdicts(p_ai, rule)), []
    if max(width, height) > LARGEST:
        verdict = CANNOT_TELL
        warnings.append(
            f"Outside what the detector has seen: this image is {width} × {height} pixels, and it knows {THUMBNAIL} × "
            f"{THUMBNAIL} thumbnails only. It was shown the centre square, scaled down, and which way it leans there is "
            "no evidence."
        )
    elif distance > known["limit"]:
        verdict = CANNOT_TELL
        warnings.append(
            f"Outside what the detector has seen: in its own early features this image lies {distance:.1f} from the middle of "
            f"its training images, and 95 % of images like them lie within {known['limit']:.1f}."
        )
    elif turned := _turned_by(detector, seen, p_ai):
        verdict = CANNOT_TELL
        warnings.append(
            f"The answer turns round when the image is {' or '.join(turned)}: a person would see no difference."
        )
    if getattr(opened, "n_frames", 1) > 1 and opened.format != "MPO":
        warnings.append(f"The file holds {opened.n_frames} pictures; the first was judged.")
    if is_empty(heatmap):
        warnings.append("The heatmap is empty: no part of the image speaks for this side in the layer that was asked.")
    image.thumbnail((KEPT, KEPT))
    return Report(
        name=name,
        verdict=verdict,
        p_ai=float(p_ai),
        distance=float(distance),
        rule={
            "lower_threshold": rule["lower_threshold"],
            "upper_threshold": rule["upper_threshold"],
            "distance_limit": known["limit"],
        },
        image=np.asarray(image),
        seen=seen,
        heatmap=heatmap,
        method=method,
        information={
            "file": name,
            "format": opened.format,
            "size": f"{width} × {height} pixels",
            "mode": opened.mode,
            "file size": f"{len(content) / 1024:.1f} kB",
            **_camera(opened),
            "SHA-256": hashlib.sha256(content).hexdigest(),
        },
        provenance=tuple(statements(opened, content)),
        warnings=tuple(warnings),
        milliseconds=round(1000 * (time.perf_counter() - start)),
    )


def load_analyzer(output_dir="outputs"):
    """Load the finished detector and its rule, and return `analyze` with both filled in.

    Parameters
    ----------
    output_dir : str or Path, the course's output folder; where it holds no detector, the package's own is loaded

    Returns
    -------
    function of an image's bytes and its name, and of `analyze`'s options, that returns a `Report`
    """
    detector, rule = load_detector(output_dir=output_dir), load_rule(output_dir)
    return partial(analyze, detector=detector, rule=rule)


def examples():
    """Two real and two AI-generated test images of the sample, to try the demo on: list of (name, bytes)."""
    rows = sources.read_source(sources.Source("the sample", sources.SAMPLE))
    labels, parts = np.array(rows["label"][:]), np.array(rows["part"][:])
    chosen = {
        f"{kind}_{number}.jpg": row
        for label, kind in enumerate(KEYS)
        for number, row in enumerate(np.flatnonzero((labels == label) & (parts == "test"))[:2], 1)
    }
    [files] = encoded_images(rows.select(chosen.values()))
    return list(zip(chosen, files))


def _open(content, name):
    """The opened file (for what it says of itself) and its pixels, a PIL.Image.Image of mode RGB, upright."""
    if not content:
        raise TruthPixelError(f"{name} is empty (0 bytes): choose another file.")
    if len(content) > BYTES:
        raise TruthPixelError(f"{name} has {len(content) / 1e6:.0f} MB: files up to {BYTES / 1e6:.0f} MB are read.")
    try:
        opened = Image.open(io.BytesIO(content))
        known = opened.format in FORMATS
        if known and opened.width * opened.height > PIXELS:  # found out before a pixel is decoded
            raise Image.DecompressionBombError
        image = to_rgb(opened) if known else None
    except Image.DecompressionBombError:
        raise TruthPixelError(f"{name} claims too many pixels: up to {PIXELS / 1e6:.0f} million are read.") from None
    except Exception as error:  # Pillow raises many kinds for bad bytes; the reader needs one sentence
        raise TruthPixelError(
            f"{name} is not an image that can be read: a whole JPG, PNG or WebP file works."
        ) from error
    if not known:
        raise TruthPixelError(f"{name} is a {opened.format} file: a JPG, PNG or WebP file works.")
    return opened, image


def _turned_by(detector, seen, p_ai):
    """The small changes (names) after which the detector leans to the other side."""
    moved = [shift(seen, *by) for by in ((1, 0), (-1, 0), (0, 1), (0, -1))]
    _, leans = predict_images(detector, np.stack([seen[:, ::-1], jpeg(seen, 85), *moved]))
    names = ("mirrored", "encoded as JPEG", *["moved by a pixel"] * 4)
    return list(dict.fromkeys(name for name, lean in zip(names, leans) if (lean >= 0.5) != (p_ai >= 0.5)))


def _camera(opened):
    """Camera and date that the file claims, as far as it does: name of a property -> text."""
    exif, more = exif_of(opened)
    make, model = (str(exif.get(tag) or "").strip(" \0") for tag in (0x010F, 0x0110))
    taken = more.get(0x9003) or exif.get(0x0132)
    camera = model if model.startswith(make) else f"{make} {model}"
    return {name: str(text)[:80] for name, text in (("camera", camera), ("date", taken)) if text}
