"""Where in a picture a detector of windows sees generation: the answers of overlapping windows."""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.data.windows import WINDOWS, at_one_scale, overlapping_windows
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate import predict_images
from truthpixel_utils.model import view_of

MOST_WINDOWS = 300  # of a picture: on two cores a few seconds


class WindowMap(NamedTuple):
    """The answers of the windows of a picture.

    Attributes
    ----------
    heatmap : float32 array (height, width)
        In the picture's own size, the mean logit of the windows that cover each pixel: above 0 it
        looks AI-generated there, below 0 real.
    boxes : int array (n, 4)
        Left, top, right and bottom of each window, in pixels of the picture.
    logits : float32 array (n,)
        The detector's answer to each window.
    """

    heatmap: np.ndarray
    boxes: np.ndarray
    logits: np.ndarray


def map_windows(detector: keras.Model, picture: np.ndarray) -> WindowMap:
    """Ask a detector about overlapping windows all over a picture, in one pass.

    Parameters
    ----------
    detector : keras.Model
        One that looks at windows, see `model.view_of`.
    picture : uint8 array (height, width, 3)
        RGB, 0..255, of any size.

    Returns
    -------
    WindowMap
        The windows overlap by half, by less where that would be more than 300.

    Raises
    ------
    TruthPixelError
        If the detector looks at the whole picture at once: Grad-CAM explains such a one.
    """
    view = view_of(detector)
    if view.kind != WINDOWS:
        raise TruthPixelError(
            f"this detector looks at a {view.kind}, not at windows: use compute_heatmaps."
        )
    scaled = at_one_scale(picture)
    windows, corners = overlapping_windows(scaled, view.size, MOST_WINDOWS)
    logits, _ = predict_images(detector, windows)
    heatmap = _blended(logits, corners, view.size, scaled.shape[:2])
    height, width = picture.shape[:2]
    factor = np.array([width / scaled.shape[1], height / scaled.shape[0]])
    left_top = corners[:, ::-1]
    right_bottom = np.minimum(left_top + view.size, scaled.shape[1::-1])
    boxes = np.hstack([left_top * factor, right_bottom * factor])
    boxes = boxes.round().astype(int)
    return WindowMap(cv2.resize(heatmap, (width, height)), boxes, logits)


def _blended(logits, corners, size, shape):
    """Average the windows' logits at each pixel; a window's middle weighs more than its border."""
    ramp = 1 - np.abs(np.linspace(-1, 1, size + 2)[1:-1])
    weight = np.outer(ramp, ramp).astype(np.float32)
    height, width = shape
    total = np.zeros((max(height, size), max(width, size)), np.float32)
    weights = np.zeros_like(total)
    for logit, (top, left) in zip(logits, corners, strict=True):
        total[top : top + size, left : left + size] += logit * weight
        weights[top : top + size, left : left + size] += weight
    return (total / weights)[:height, :width]
