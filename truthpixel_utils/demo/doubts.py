"""Why a detector takes no side, and what would help the person who asked."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.data import THUMBNAIL
from truthpixel_utils.data.corruptions import jpeg, shift
from truthpixel_utils.demo.answers import Answer, logits_after
from truthpixel_utils.evaluate import verdicts
from truthpixel_utils.labels import CANNOT_TELL
from truthpixel_utils.model import views_of

MAX_SIDE = 2 * THUMBNAIL  # pixels of the longer side: up to here an image is a thumbnail
SMALL_CHANGES = (
    ("mirrored", lambda image: image[:, ::-1]),
    ("encoded as JPEG", lambda image: jpeg(image, 85)),
    ("moved by a pixel", lambda image: shift(image, 1, 0)),
    ("moved by a pixel", lambda image: shift(image, -1, 0)),
    ("moved by a pixel", lambda image: shift(image, 0, 1)),
    ("moved by a pixel", lambda image: shift(image, 0, -1)),
)
BETTER_COPY = "The original file instead of a screenshot or a forwarded copy, and its source."


class Doubt(NamedTuple):
    """Why a detector takes no side.

    Attributes
    ----------
    reason : str
        For people who know nothing of detectors.
    advice : str
        What would help them.
    """

    reason: str
    advice: str


def find_doubt(
    detector: keras.Model, picture: np.ndarray, found: Answer, rule: dict[str, Any]
) -> Doubt | None:
    """Say why a detector takes no side on a picture, if it takes none.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    picture : uint8 array (H, W, 3)
        RGB, 0..255.
    found : Answer
        What it said of the picture.
    rule : dict
        Its thresholds and its limit for pictures out of distribution, see `evaluate.load_rule`.

    Returns
    -------
    Doubt or None
        The first of: a size that it does not know, a picture unlike those of training, a
        probability between the thresholds, an answer that turns round after a small change.
    """
    height, width = picture.shape[:2]
    if outside := why_outside(detector, width, height):
        return outside
    if unsure := why_unsure(found.p_ai, found.distance, rule):
        return unsure
    if turned := changes_that_turn(detector, picture, found.p_ai):
        return Doubt(
            f"The answer turns round when the image is {' or '.join(turned)}: "
            "a person would see no difference.",
            BETTER_COPY,
        )
    return None


def why_outside(detector: keras.Model, width: int, height: int) -> Doubt | None:
    """Say why a picture of some size is none that a detector knows, if it is none.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    width, height : int
        Of the picture, in pixels.

    Returns
    -------
    Doubt or None
    """
    knows_thumbnails = views_of(detector)[0].kind == "thumbnail"
    is_thumbnail = max(width, height) <= MAX_SIDE
    if knows_thumbnails == is_thumbnail:
        return None
    if knows_thumbnails:
        return Doubt(
            f"This picture has {width} × {height} pixels, and the detector that is on knows "
            f"thumbnails of {THUMBNAIL} × {THUMBNAIL} only: scaled down so far, nothing is left "
            "that would tell.",
            "See what the file says of itself, who published the picture first (a reverse image "
            "search finds out), and the second look below. Whoever runs this can turn on a "
            "detector of pictures as well (--model pictures); it is off because one answer in six "
            "is wrong where the generator is no relative of those that it has met.",
        )
    return Doubt(
        f"This picture has {width} × {height} pixels, and the detector knows larger ones.",
        "A larger copy of the same picture.",
    )


def why_unsure(p_ai: float, distance: float, rule: dict[str, Any]) -> Doubt | None:
    """Say why an answer speaks for neither side, if it does not.

    Parameters
    ----------
    p_ai : float
        What the detector said of the picture.
    distance : float
        How far the picture lies from the images of training.
    rule : dict
        The thresholds, and the limit for pictures out of distribution, see `evaluate.load_rule`.

    Returns
    -------
    Doubt or None
    """
    if distance > rule["out_of_distribution"]["limit"]:
        return Doubt(
            "This picture is unlike those that the detector has learned from: it would only guess.",
            "The picture as it was before anybody edited, enlarged or drew on it.",
        )
    if verdicts(p_ai, rule) == CANNOT_TELL:
        return Doubt(
            "What the detector found speaks for neither side strongly enough.", BETTER_COPY
        )
    return None


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
    logits = logits_after(detector, picture, [change for _, change in SMALL_CHANGES])
    turned = []
    for (name, _), logit in zip(SMALL_CHANGES, logits, strict=True):
        if (logit >= 0) != (p_ai >= 0.5) and name not in turned:
            turned.append(name)
    return turned
