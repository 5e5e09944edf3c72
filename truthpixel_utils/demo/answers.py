"""What a detector answers to the pixels of a picture, whichever way it looks at them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import cv2
import numpy as np
from scipy.special import expit

from truthpixel_utils.backend import keras
from truthpixel_utils.data import THUMBNAIL, View, look
from truthpixel_utils.data.corruptions import jpeg, shift
from truthpixel_utils.data.windows import WINDOWS
from truthpixel_utils.evaluate import ood_distances, predict_images
from truthpixel_utils.explain import compute_heatmaps, map_windows, place_heatmap
from truthpixel_utils.model import members, view_of, views_of, weigh

MAX_SIDE = 2 * THUMBNAIL  # pixels of the longer side: up to here an image is a thumbnail
_SMALL_CHANGES = (
    ("mirrored", lambda image: image[:, ::-1]),
    ("encoded as JPEG", lambda image: jpeg(image, 85)),
    ("moved by a pixel", lambda image: shift(image, 1, 0)),
    ("moved by a pixel", lambda image: shift(image, -1, 0)),
    ("moved by a pixel", lambda image: shift(image, 0, 1)),
    ("moved by a pixel", lambda image: shift(image, 0, -1)),
)


class Answer(NamedTuple):
    """What a detector says of one picture, before any rule.

    Attributes
    ----------
    p_ai : float
        Probability that the picture is AI-generated, 0..1.
    distance : float
        How far it lies from the images of training, see `evaluate.ood_distances`.
    seen : uint8 array (h, w, 3)
        What the detector was shown: a square image, or its windows beside each other.
    heatmap : float32 array (H, W)
        In the picture's own size, evidence for the more probable side, 0 or more; NaN where the
        detector was shown nothing.
    """

    p_ai: float
    distance: float
    seen: np.ndarray
    heatmap: np.ndarray


def answer(
    detector: keras.Model, picture: np.ndarray, known: dict[str, Any], method: str
) -> Answer:
    """Ask a detector about a picture.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255, of any size.
    known : dict
        What `evaluate.fit_ood` found out about its training images.
    method : str
        How to compute the heatmap of a detector that looks at one square, a key of
        `explain.METHODS`. One that looks at windows maps their answers.

    Returns
    -------
    Answer
    """
    [distance] = ood_distances(detector, [picture], known)
    shown = _shown(detector, picture)
    parts = weigh(detector, _logits(detector, shown, [_as_it_is]))[:, 0]
    logit = parts.sum()
    side = 1 if logit >= 0 else -1
    speaker = members(detector)[np.argmax(side * parts)]  # of a fused detector, who decided it
    heatmap = _heatmap(speaker, picture, side, method)
    return Answer(float(expit(logit)), float(distance), _beside_each_other(shown), heatmap)


def why_outside(detector: keras.Model, width: int, height: int) -> str | None:
    """Say why a picture of some size is none that a detector knows, if it is none.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    width, height : int
        Of the picture, in pixels.

    Returns
    -------
    str or None
        A sentence or two for the reader.
    """
    knows_thumbnails = views_of(detector)[0].kind == "thumbnail"
    is_thumbnail = max(width, height) <= MAX_SIDE
    if knows_thumbnails == is_thumbnail:
        return None
    if knows_thumbnails:
        return (
            f"Outside what the detector has seen: this image is {width} × {height} pixels, and it "
            f"knows {THUMBNAIL} × {THUMBNAIL} thumbnails only. It was shown the centre square, "
            "scaled down, and which way it leans there is no evidence. The package has a detector "
            "of pictures as well (--model pictures), which is off because it misses too much."
        )
    return (
        f"Outside what the detector has seen: this image is {width} × {height} pixels, and it "
        "knows pictures, not thumbnails. A larger copy would help."
    )


def changes_that_turn(detector: keras.Model, picture: np.ndarray, p_ai: float) -> list[str]:
    """Find small changes of a picture after which a detector leans to the other side.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255.
    p_ai : float
        What it said of the picture itself.

    Returns
    -------
    list of str
        Their names; a person sees no difference after any of them.
    """
    shown = _shown(detector, picture)
    changes = [change for _, change in _SMALL_CHANGES]
    logits = weigh(detector, _logits(detector, shown, changes)).sum(axis=0)
    turned = []
    for (name, _), logit in zip(_SMALL_CHANGES, logits, strict=True):
        if (logit >= 0) != (p_ai >= 0.5) and name not in turned:
            turned.append(name)
    return turned


def chooser(detectors: list[tuple[str, keras.Model, dict]]) -> Callable[[int, int], tuple]:
    """Return the function that chooses a detector by the size of a picture.

    Parameters
    ----------
    detectors : list of (name, detector, rule)
        The first one that knows pictures of the size answers, else the first of all.

    Returns
    -------
    callable
        From width and height, in pixels, to one of `detectors`.
    """

    def choose(width: int, height: int) -> tuple:
        fitting = [one for one in detectors if why_outside(one[1], width, height) is None]
        return (fitting or detectors)[0]

    return choose


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


def _as_it_is(image):
    return image


def _logits(detector, shown, changes):
    """What each member says of the picture after each change: float arrays (changes,)."""
    found = []
    for member, images in zip(members(detector), shown, strict=True):
        changed = [change(image) for change in changes for image in images]
        logits, _ = predict_images(member, np.stack(changed))
        found.append(logits.reshape(len(changes), len(images)).mean(axis=1))
    return found


def _heatmap(member, picture, side, method):
    """Where a member finds evidence for one side: (H, W), of the picture's own size."""
    view = view_of(member)
    if view.kind == WINDOWS:
        return np.maximum(side * map_windows(member, picture).heatmap, 0)
    target = "ai" if side > 0 else "real"
    [heatmap] = compute_heatmaps(member, look(picture, view), method, target=target)
    return place_heatmap(heatmap, *picture.shape[:2])


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
