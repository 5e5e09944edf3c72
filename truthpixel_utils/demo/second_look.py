"""Pictures that people make by hand when they doubt a picture, and what each of them can show.

None of them enters the verdict: all of them have accused photographs that were only edited, scaled
or sent by a messenger.
"""

from __future__ import annotations

import cv2
import numpy as np

from truthpixel_utils.data.corruptions import jpeg

QUALITY = 90  # of the JPEG that error level analysis compares with
# What each picture can show and what it cannot, by its name.
LOOKS = {
    "error level": (
        "How much each part changes when the picture is saved as JPEG once more. A part that was "
        "pasted in after the last saving may stand out; so do sharp edges and letters in any "
        "picture, and a generated picture may look entirely even."
    ),
    "noise": (
        "What is left when the picture is smoothed: grain, edges and traces of coding. A part "
        "whose grain differs from its surroundings may be pasted in or retouched; smooth surfaces "
        "have none in any picture, and a telephone removes much of it by itself."
    ),
}


def second_look(picture: np.ndarray) -> dict[str, np.ndarray]:
    """Make a picture's error level and its noise visible.

    Parameters
    ----------
    picture : uint8 array (H, W, 3)
        RGB, 0..255.

    Returns
    -------
    dict of str to uint8 array (H, W, 3)
        For each name in `LOOKS` a picture of the same size.
    """
    return {"error level": error_level(picture), "noise": noise(picture)}


def error_level(picture: np.ndarray) -> np.ndarray:
    """Show how much a picture changes when it is encoded as JPEG of quality 90 once more.

    Error level analysis (Krawetz, *A picture's worth: digital image analysis and forensics*, 2007).

    Parameters
    ----------
    picture : uint8 array (H, W, 3)
        RGB, 0..255.

    Returns
    -------
    uint8 array (H, W, 3)
        The absolute difference, brightened so that its largest values fill the range.
    """
    return _brightened(cv2.absdiff(picture, jpeg(picture, QUALITY)))


def noise(picture: np.ndarray) -> np.ndarray:
    """Show what a median filter of three by three pixels takes away from a picture.

    Parameters
    ----------
    picture : uint8 array (H, W, 3)
        RGB, 0..255.

    Returns
    -------
    uint8 array (H, W, 3)
        The absolute residual, brightened so that its largest values fill the range.
    """
    return _brightened(cv2.absdiff(picture, cv2.medianBlur(np.ascontiguousarray(picture), 3)))


def _brightened(difference: np.ndarray) -> np.ndarray:
    """Scale to the whole range; the highest hundredth may saturate, so that the rest is seen."""
    most = max(1.0, float(np.percentile(difference, 99)))
    return cv2.convertScaleAbs(difference, alpha=255 / most)
