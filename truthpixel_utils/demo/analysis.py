"""From an uploaded file to a verdict, its confidence and its explanation, whatever shows them.

`views` lays out what `analyze` returns; `widgets` and `streamlit_app` are pages around it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from PIL import Image

from truthpixel_utils.backend import keras
from truthpixel_utils.data import SAMPLE, THUMBNAIL, Source, encoded_images, read_source, thumbnail
from truthpixel_utils.data.corruptions import jpeg, shift
from truthpixel_utils.demo.provenance import Statement, statements
from truthpixel_utils.demo.uploads import describe_file, open_upload
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate import load_rule, ood_distances, predict_images, verdicts
from truthpixel_utils.explain import is_empty, predict_and_explain
from truthpixel_utils.labels import CANNOT_TELL, KEYS
from truthpixel_utils.model import load_detector

MAX_SIDE = 2 * THUMBNAIL  # pixels a side up to which an image is like those the detector knows
MAX_REPORT_SIDE = 800  # pixels a side of the picture in a report


class Report(NamedTuple):
    """What `analyze` found out about one image.

    Attributes
    ----------
    name : str
        The file's name, as the reader knows it.
    verdict : str
        One of `labels.VERDICTS`.
    p_ai : float
        Probability that the image is AI-generated, 0..1, if it is like the images of training.
    distance : float
        How far the image lies from the images of training, 0 or more, see
        `evaluate.ood_distances`.
    rule : dict of str to float
        How numbers became the verdict: ``lower_threshold`` and ``upper_threshold`` of `p_ai`, and
        ``distance_limit``, the largest `distance` at which the detector takes a side.
    image : uint8 array (H, W, 3)
        The picture, upright, scaled down to at most `MAX_REPORT_SIDE` pixels a side.
    seen : uint8 array (32, 32, 3)
        What the detector was shown: the centre square, scaled down.
    heatmap : float32 array (32, 32)
        Evidence for the more probable side, 0 or more, in each pixel of `seen`.
    method : str
        How the heatmap was computed, a key of `explain.METHODS`.
    information : dict of str to str
        Properties of the file, such as its format and its size.
    provenance : tuple of Statement
        What the file says of its own origin. None of it enters `p_ai`.
    warnings : tuple of str
        Sentences for the reader.
    milliseconds : int
        Time that the analysis took.
    """

    name: str
    verdict: str
    p_ai: float
    distance: float
    rule: dict[str, float]
    image: np.ndarray
    seen: np.ndarray
    heatmap: np.ndarray
    method: str
    information: dict[str, str]
    provenance: tuple[Statement, ...]
    warnings: tuple[str, ...]
    milliseconds: int


def analyze(
    content: bytes,
    name: str,
    *,
    detector: keras.Model,
    rule: dict[str, Any],
    method: str = "gradcam",
) -> Report:
    """Analyze one image.

    This writes nothing and keeps nothing, and several threads may call it at once.

    Parameters
    ----------
    content : bytes
        A JPEG, PNG or WebP file.
    name : str
        The file's name, for the report and for error messages.
    detector : keras.Model
        As `model.load_detector` returns it.
    rule : dict
        The rule that belongs to the detector, as `evaluate.load_rule` returns it.
    method : str
        How to compute the heatmap, a key of `explain.METHODS`.

    Returns
    -------
    Report

    Raises
    ------
    TruthPixelError
        In one sentence, if the bytes are not a whole JPEG, PNG or WebP image or are too many, or if
        the method does not exist.
    """
    start = time.perf_counter()
    opened, image = open_upload(content, name)
    width, height = image.size
    seen = thumbnail(np.asarray(image))
    _, [p_ai], [heatmap] = predict_and_explain(detector, seen[None], method)
    known = rule["out_of_distribution"]
    [distance] = ood_distances(detector, seen[None], known)
    if not np.isfinite(p_ai):
        raise TruthPixelError("The detector's answer is not a number: train it again.")
    reason_to_abstain = (
        _too_large(width, height)
        or _out_of_distribution(distance, known["limit"])
        or _unstable(detector, seen, p_ai)
    )
    notes = (reason_to_abstain, _note_on_frames(opened), _note_on_heatmap(heatmap))
    image.thumbnail((MAX_REPORT_SIDE, MAX_REPORT_SIDE))
    return Report(
        name=name,
        verdict=CANNOT_TELL if reason_to_abstain else str(verdicts(p_ai, rule)),
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
        information=describe_file(name, content, opened, (width, height)),
        provenance=tuple(statements(opened, content)),
        warnings=tuple(note for note in notes if note),
        milliseconds=round(1000 * (time.perf_counter() - start)),
    )


def load_analyzer(output_dir: str | Path = "outputs") -> Callable[..., Report]:
    """Load the finished detector and its rule, and return `analyze` with both filled in.

    Parameters
    ----------
    output_dir : str or Path
        The course's output folder. Where it holds no detector, the package's own is loaded.

    Returns
    -------
    callable
        Takes an image's bytes and its name, and ``method=`` as `analyze` does; returns a `Report`.

    Raises
    ------
    TruthPixelError
        If a file is missing or cannot be read.
    """
    detector, rule = load_detector(output_dir=output_dir), load_rule(output_dir)
    return partial(analyze, detector=detector, rule=rule)


def examples() -> list[tuple[str, bytes]]:
    """Take two real and two AI-generated test images from the sample, to try the demo on.

    Returns
    -------
    list of (name, bytes)
        JPEG files, such as ``real_1.jpg``.
    """
    rows = read_source(Source("the sample", SAMPLE))
    labels, parts = np.array(rows["label"][:]), np.array(rows["part"][:])
    names, chosen = [], []
    for label, key in enumerate(KEYS):
        of_class = np.flatnonzero((labels == label) & (parts == "test"))
        names += [f"{key}_1.jpg", f"{key}_2.jpg"]
        chosen += list(of_class[:2])
    [files] = encoded_images(rows.select(chosen))
    return list(zip(names, files, strict=True))


def _too_large(width: int, height: int) -> str | None:
    """Say why the detector abstains from an image that is too large, if it is."""
    if max(width, height) <= MAX_SIDE:
        return None
    return (
        f"Outside what the detector has seen: this image is {width} × {height} pixels, and it "
        f"knows {THUMBNAIL} × {THUMBNAIL} thumbnails only. It was shown the centre square, scaled "
        "down, and which way it leans there is no evidence."
    )


def _out_of_distribution(distance: float, limit: float) -> str | None:
    """Say why the detector abstains from an image unlike those of training, if it is."""
    if distance <= limit:
        return None
    return (
        "Outside what the detector has seen: in its own early features this image lies "
        f"{distance:.1f} from the middle of its training images, and 95 % of images like them lie "
        f"within {limit:.1f}."
    )


def _unstable(detector: keras.Model, seen: np.ndarray, p_ai: float) -> str | None:
    """Say after which small changes the detector leans to the other side, if after any."""
    changed = (
        ("mirrored", seen[:, ::-1]),
        ("encoded as JPEG", jpeg(seen, 85)),
        ("moved by a pixel", shift(seen, 1, 0)),
        ("moved by a pixel", shift(seen, -1, 0)),
        ("moved by a pixel", shift(seen, 0, 1)),
        ("moved by a pixel", shift(seen, 0, -1)),
    )
    _, p_changed = predict_images(detector, np.stack([image for _, image in changed]))
    turned = []
    for (change, _), p in zip(changed, p_changed, strict=True):
        if (p >= 0.5) != (p_ai >= 0.5) and change not in turned:
            turned.append(change)
    if not turned:
        return None
    return (
        f"The answer turns round when the image is {' or '.join(turned)}: "
        "a person would see no difference."
    )


def _note_on_frames(opened: Image.Image) -> str | None:
    frames = getattr(opened, "n_frames", 1)
    if frames == 1 or opened.format == "MPO":
        return None
    return f"The file holds {frames} pictures; the first was analyzed."


def _note_on_heatmap(heatmap: np.ndarray) -> str | None:
    if not is_empty(heatmap):
        return None
    return (
        "The heatmap is empty: no part of the image speaks for this side in the layer that was "
        "asked."
    )
