"""Cutting pictures once: no epoch then decodes twelve megapixels again.

A picture becomes a few squares of its own pixels and a small view of the whole, encoded without
loss. Images that are thumbnails already, such as CIFAKE's, stay as they are.
"""

from __future__ import annotations

import io

import cv2
import numpy as np
from PIL import Image

from truthpixel_utils.data.windows import squares

THUMBNAIL_AT_MOST = 64  # pixels of the longer side: what is larger is a picture
KEPT = 5  # squares of a picture: the middle and the corners, or fewer where it is small
WHOLE = 224  # pixels of the shorter side of the whole view
LONGEST_WHOLE = 480  # pixels of its longer side; both ends of a panorama are left out


def cut(picture: np.ndarray) -> tuple[bytes, list[bytes]]:
    """Cut a picture into what training and evaluation look at.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255, of any size.

    Returns
    -------
    whole : bytes
        A view of the whole picture, its shorter side at most 224 pixels, as lossless WebP.
    squares : list of bytes
        One to five squares of 288 pixels a side, or of the picture's shorter side, as lossless
        WebP, see `windows.squares`.
    """
    return _encoded(small(picture)), [_encoded(square) for square in squares(picture, KEPT)]


def small(picture: np.ndarray) -> np.ndarray:
    """Scale a picture down to the whole view.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255.

    Returns
    -------
    uint8 array (h, w, 3)
        The shorter side is at most 224 pixels, by area averaging, the longer at most 480.
    """
    height, width = picture.shape[:2]
    longest = round(min(height, width) * LONGEST_WHOLE / WHOLE)
    top, left = max(0, height - longest) // 2, max(0, width - longest) // 2
    middle = picture[top : top + longest, left : left + longest]
    factor = WHOLE / min(height, width)
    if factor >= 1:
        return middle
    size = [round(side * factor) for side in middle.shape[1::-1]]
    return cv2.resize(middle, size, interpolation=cv2.INTER_AREA)


def _encoded(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "WEBP", lossless=True, quality=0, method=0)
    return buffer.getvalue()
