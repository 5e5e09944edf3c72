"""What a detector answers to the pixels of a picture, whichever way it looks at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.special import expit

from truthpixel_utils.backend import keras
from truthpixel_utils.data import View, look
from truthpixel_utils.data.windows import WINDOWS
from truthpixel_utils.evaluate import predict_images, prepare_answers
from truthpixel_utils.explain import compute_heatmaps, map_windows, place_heatmap
from truthpixel_utils.model import members, view_of, views_of, weigh

Change = Callable[[np.ndarray], np.ndarray]


class Answer(NamedTuple):
    """What a detector says of one picture, before any rule.

    Attributes
    ----------
    p_ai : float
        Probability that the picture is AI-generated, 0..1.
    distance : float
        How far it lies from the images of training, see `evaluate.ood_distances`.
    parts : float32 array (members,)
        What each of the detector's members adds to the logit, see `model.weigh`.
    seen : uint8 array (h, w, 3)
        What the detector was shown: a square image, or its windows beside each other.
    """

    p_ai: float
    distance: float
    parts: np.ndarray
    seen: np.ndarray


class Window(NamedTuple):
    """A part of a picture, and the detector's answer to it alone.

    Attributes
    ----------
    pixels : uint8 array (h, w, 3)
        The picture's own pixels.
    p_ai : float
        Probability that they are AI-generated, 0..1.
    """

    pixels: np.ndarray
    p_ai: float


class Evidence(NamedTuple):
    """Where in a picture a detector finds what speaks for its answer.

    Attributes
    ----------
    heatmap : float32 array (H, W)
        In the picture's own size, evidence for the more probable side, 0 or more; NaN where the
        detector was shown nothing.
    loudest : tuple of Window
        The windows that speak most for the answer; none if no member looks at windows.
    against : tuple of Window
        Those that speak least for it, or against it.
    """

    heatmap: np.ndarray
    loudest: tuple[Window, ...]
    against: tuple[Window, ...]


def answer(detector: keras.Model, picture: np.ndarray, known: dict[str, Any]) -> Answer:
    """Ask a detector about a picture.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255, of any size.
    known : dict
        What `evaluate.fit_ood` found out about its training images.

    Returns
    -------
    Answer
    """
    shown = _shown(detector, picture)
    said = prepare_answers(detector, known)([shown])
    parts, distance = said.parts[:, 0], said.distances[0]
    return Answer(float(expit(parts.sum())), float(distance), parts, _beside_each_other(shown))


def logits_after(
    detector: keras.Model, picture: np.ndarray, changes: Sequence[Change]
) -> np.ndarray:
    """Ask a detector about a picture after each of several changes of what it is shown.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255.
    changes : sequence of functions
        Each from what the detector is shown, uint8 (size, size, 3), to the same of that shape.

    Returns
    -------
    float32 array (changes,)
        The detector's logit after each change.
    """
    return weigh(detector, _logits(detector, _shown(detector, picture), changes)).sum(axis=0)


def evidence(
    detector: keras.Model, picture: np.ndarray, parts: np.ndarray, method: str
) -> Evidence:
    """Find what speaks for a detector's answer; the heatmap is of the member that decided it.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255, of any size.
    parts : float32 array (members,)
        From `answer`.
    method : str
        How to compute the heatmap of a detector that looks at one square, a key of
        `explain.METHODS`. One that looks at windows maps their answers.

    Returns
    -------
    Evidence
    """
    side = 1 if parts.sum() >= 0 else -1
    speaker = members(detector)[np.argmax(side * parts)]
    of_windows = [one for one in members(detector) if view_of(one).kind == WINDOWS]
    loudest, against = (), ()
    if of_windows:
        found = map_windows(of_windows[0], picture)
        order = np.argsort(-side * found.logits)
        loudest, against = (_apart(picture, found, some) for some in (order, order[::-1]))
    if view_of(speaker).kind == WINDOWS:
        return Evidence(np.maximum(side * found.heatmap, 0), loudest, against)
    target = "ai" if side > 0 else "real"
    [cells] = compute_heatmaps(speaker, look(picture, view_of(speaker)), method, target=target)
    return Evidence(place_heatmap(cells, *picture.shape[:2]), loudest, against)


def views_in_words(views: Sequence[View]) -> str:
    """Say what a detector was shown, for people who cannot see the picture of it.

    Parameters
    ----------
    views : sequence of View
        How the detector looks at a picture, see `model.views_of`.

    Returns
    -------
    str
    """
    return ", and ".join(_in_words(view) for view in views)


def _in_words(view):
    if view.kind == WINDOWS:
        return f"windows of {view.size} by {view.size} pixels of the image, at its own resolution"
    return f"the image scaled down to {view.size} by {view.size} pixels"


def _shown(detector, picture):
    """What each member of a detector is shown of a picture."""
    return [look(picture, view) for view in views_of(detector)]


def _logits(detector, shown, changes):
    """What each member says of the picture after each change: float arrays (changes,)."""
    found = []
    for member, images in zip(members(detector), shown, strict=True):
        changed = [change(image) for change in changes for image in images]
        logits, _ = predict_images(member, np.stack(changed))
        found.append(logits.reshape(len(changes), len(images)).mean(axis=1))
    return found


def _apart(picture, found, order, most=3):
    """Take the first windows of an order that do not overlap, with the picture's own pixels."""
    chosen = []
    for i in order:
        left, top, right, bottom = found.boxes[i]
        overlaps = any(
            left < other[2] and other[0] < right and top < other[3] and other[1] < bottom
            for other in found.boxes[chosen]
        )
        if not overlaps:
            chosen.append(i)
        if len(chosen) == most:
            break
    cut_out = [picture[top:bottom, left:right] for left, top, right, bottom in found.boxes[chosen]]
    p_ai = expit(found.logits[chosen])
    return tuple(Window(pixels, float(p)) for pixels, p in zip(cut_out, p_ai, strict=True))


def _beside_each_other(shown):
    """Lay out what the members were shown: windows in rows of three, with a white gap."""
    laid_out = [_in_rows_of_three(images) for images in shown]
    height = max(len(part) for part in laid_out)
    gap = np.full((height, max(2, height // 96), 3), 255, np.uint8)
    parts = []
    for part in laid_out:
        width = round(part.shape[1] * height / len(part))
        parts += [gap, part if len(part) == height else cv2.resize(part, (width, height))]
    return np.concatenate(parts[1:], axis=1)


def _in_rows_of_three(images):
    gap = max(2, images.shape[1] // 32)
    padding = ((0, 0), (0, gap), (0, gap), (0, 0))
    framed = np.pad(images, padding, constant_values=255)
    blank = np.full_like(framed[0], 255)
    tiles = [*framed, *[blank] * (-len(framed) % 3 if len(framed) > 3 else 0)]
    columns = min(3, len(tiles))
    rows = [np.concatenate(tiles[i : i + columns], axis=1) for i in range(0, len(tiles), columns)]
    return np.concatenate(rows)[:-gap, :-gap]
