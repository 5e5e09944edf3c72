"""From an uploaded file to a verdict, its confidence and its explanation, whatever shows them.

`views` lays out what `analyze` returns; `widgets` and `streamlit_app` are pages around it.
"""

from __future__ import annotations

import io
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np
from PIL import Image

from truthpixel_utils.backend import keras
from truthpixel_utils.data.windows import WINDOWS
from truthpixel_utils.demo.answers import Evidence, Window, answer, evidence, views_in_words
from truthpixel_utils.demo.choice import Choose, chooser, load_detectors
from truthpixel_utils.demo.doubts import find_doubt
from truthpixel_utils.demo.headline import Line, headline
from truthpixel_utils.demo.metadata import Entry
from truthpixel_utils.demo.origin import Statement
from truthpixel_utils.demo.provenance import look_into
from truthpixel_utils.demo.second_look import second_look
from truthpixel_utils.demo.uploads import describe_file, open_upload
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate import verdicts
from truthpixel_utils.explain import check_method, is_empty
from truthpixel_utils.labels import CANNOT_TELL
from truthpixel_utils.model import (
    views_of,
)

MAX_REPORT_SIDE = 800  # pixels a side of the picture in a report
MAX_CLOSE_SIDE = 4_096  # and of the one that the reader can look at closely
MAX_LOOK_SIDE = 1_280  # and of the second look


class Report(NamedTuple):
    """What `analyze` found out about one image.

    Attributes
    ----------
    name : str
        The file's name, as the reader knows it.
    verdict : str
        One of `labels.VERDICTS`.
    reason : str
        Why the verdict is *cannot tell*, for people who know nothing of detectors; else empty.
    advice : str
        What would help them; else empty.
    detector : str
        Which detector answered.
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
    seen : uint8 array (h, w, 3)
        What the detector was shown: the centre square, scaled down, or windows beside each other.
    seen_in_words : str
        The same for people who cannot see it.
    heatmap : float32 array (H, W) or None
        In the size of `image`, evidence for the more probable side, 0 or more; NaN where
        the detector was shown nothing. None where the verdict is *cannot tell*.
    loudest, against : tuple of Window
        The windows that speak most and least for the verdict, of a detector of windows.
    close : bytes
        The picture upright at its own pixels, as JPEG; above 4,096 pixels a side scaled down.
    looks : dict of str to bytes
        The `second_look` at the picture, as JPEG of at most 1,280 pixels a side.
    method : str
        How the heatmap was computed, a key of `explain.METHODS`.
    information : dict of str to str
        Properties of the file, such as its format and its size.
    provenance : tuple of Statement
        What the file says of its own origin. None of it enters `p_ai`.
    metadata : tuple of Entry
        All metadata of the file, to be looked through.
    warnings : tuple of str
        Sentences for the reader.
    milliseconds : int
        Time that the analysis took.
    """

    name: str
    verdict: str
    reason: str
    advice: str
    detector: str
    p_ai: float
    distance: float
    rule: dict[str, float]
    image: np.ndarray
    seen: np.ndarray
    seen_in_words: str
    heatmap: np.ndarray | None
    loudest: tuple[Window, ...]
    against: tuple[Window, ...]
    close: bytes
    looks: dict[str, bytes]
    method: str
    information: dict[str, str]
    provenance: tuple[Statement, ...]
    metadata: tuple[Entry, ...]
    warnings: tuple[str, ...]
    milliseconds: int

    @property
    def headline(self) -> tuple[Line, ...]:
        """All that is known of the picture's origin, the strongest first; see `headline`."""
        return headline(self.provenance, self.verdict)


def analyze(
    content: bytes,
    name: str,
    *,
    choose: Choose,
    method: str = "gradcam",
) -> Report:
    """Analyze one image.

    This writes nothing and keeps nothing, and several threads may call it at once.

    Parameters
    ----------
    content : bytes
        An image file of a format in `data.formats`.
    name : str
        The file's name, for the report and for error messages.
    choose : callable
        From the picture's width and height, in pixels, to the name of the detector that answers,
        the detector and its rule, see `choice.chooser`.
    method : str
        How to compute the heatmap of a detector that looks at the whole picture, a key of
        `explain.METHODS`.

    Returns
    -------
    Report

    Raises
    ------
    TruthPixelError
        In one sentence, if the bytes are no whole image of such a format or are too many, or if the
        method does not exist.
    """
    start = time.perf_counter()
    check_method(method)
    opened, image = open_upload(content, name)
    said = look_into(opened, content)
    picture = np.asarray(image)
    height, width = picture.shape[:2]
    detector_name, detector, rule = choose(width, height)
    known = rule["out_of_distribution"]
    found = answer(detector, picture, known)
    if not np.isfinite(found.p_ai):
        raise TruthPixelError("The detector's answer is not a number: train it again.")
    doubt = find_doubt(detector, picture, found, rule)
    shown = None if doubt else evidence(detector, picture, found.parts, method)
    notes = (
        _note_on_size(detector, width, height),
        _note_on_frames(opened),
        _note_on_heatmap(shown),
    )
    image.thumbnail((MAX_CLOSE_SIDE, MAX_CLOSE_SIDE))
    close = np.asarray(image)
    image.thumbnail((MAX_REPORT_SIDE, MAX_REPORT_SIDE))
    return Report(
        name=name,
        verdict=CANNOT_TELL if doubt else str(verdicts(found.p_ai, rule)),
        reason=doubt.reason if doubt else "",
        advice=doubt.advice if doubt else "",
        detector=detector_name,
        p_ai=found.p_ai,
        distance=found.distance,
        rule={
            "lower_threshold": rule["lower_threshold"],
            "upper_threshold": rule["upper_threshold"],
            "distance_limit": known["limit"],
        },
        image=np.asarray(image),
        seen=found.seen,
        seen_in_words=views_in_words(views_of(detector)),
        heatmap=_in_size(shown.heatmap, image.size) if shown else None,
        loudest=shown.loudest if shown else (),
        against=shown.against if shown else (),
        close=_as_jpeg(close, MAX_CLOSE_SIDE),
        looks={name: _as_jpeg(look, MAX_LOOK_SIDE) for name, look in second_look(close).items()},
        method=method,
        information={
            **describe_file(name, content, opened, (width, height), said.metadata),
            "detector": detector_name,
        },
        provenance=said.statements,
        metadata=said.metadata,
        warnings=tuple(note for note in notes if note),
        milliseconds=round(1000 * (time.perf_counter() - start)),
    )


def load_analyzer(
    model_file: str | Path | None = None, output_dir: str | Path = "outputs"
) -> Callable[..., Report]:
    """Load a detector, and return `analyze` with it filled in.

    Parameters
    ----------
    model_file : str or Path, optional
        A detector's file or name, see `model.find_detector`. By default those of the package answer
        that are on (`model.ON`), each for the pictures that it knows. What the course has trained
        answers only where it is asked for: it would be a weaker one without a word.
    output_dir : str or Path
        The folder in which the course's own detector lies.

    Returns
    -------
    callable
        Takes an image's bytes and its name, and ``method=`` as `analyze` does; returns a `Report`.

    Raises
    ------
    TruthPixelError
        If a file is missing or cannot be read.
    """
    return partial(analyze, choose=chooser(load_detectors(model_file, output_dir)))


def _as_jpeg(pixels: np.ndarray, most: int) -> bytes:
    """Encode a picture, scaled down to at most so many pixels a side."""
    buffer = io.BytesIO()
    image = Image.fromarray(pixels)
    image.thumbnail((most, most))
    image.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def _in_size(heatmap: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    return cv2.resize(heatmap, size, interpolation=cv2.INTER_AREA)


def _note_on_size(detector: keras.Model, width: int, height: int) -> str | None:
    sizes = [view.size for view in views_of(detector) if view.kind == WINDOWS]
    if not sizes or min(width, height) >= sizes[0]:
        return None
    return (
        f"The picture is smaller than one of the windows that the detector looks at ({sizes[0]} "
        "pixels a side): it was continued by its mirror image."
    )


def _note_on_frames(opened: Image.Image) -> str | None:
    frames = getattr(opened, "n_frames", 1)
    if frames == 1 or opened.format == "MPO":
        return None
    return f"The file holds {frames} pictures; the first was analyzed."


def _note_on_heatmap(shown: Evidence | None) -> str | None:
    if shown is None or not is_empty(shown.heatmap):
        return None
    return (
        "The heatmap is empty: no part of the image speaks for this side in the layer that was "
        "asked."
    )
