"""How a detector looks at a picture: in training, scoring, explaining and the demo alike.

There are three views. *thumbnail* and *whole* are the centre square of the picture, averaged down
to the size of the network's input (32 pixels for CIFAKE, 224 for pictures). *windows* are squares
cut out of the picture at its own resolution, since scaling down removes much of what tells a
generated picture from a photograph.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np

_THUMBNAIL, WINDOWS = "thumbnail", "windows"
VIEWS = (_THUMBNAIL, "whole", WINDOWS)

MAX_SIDE = 1500  # pixels: a picture whose longer side is above is scaled down, once, before a cut
SCALED_TO = 1280  # pixels of the longer side after that
SQUARE = 288  # pixels a side of what is cut out: windows of 224 lie in it with some margin
MOST = 9  # squares of a picture, and windows that make its answer, at most


class View(NamedTuple):
    """What a network is shown of a picture.

    Attributes
    ----------
    kind : str
        One of `VIEWS`.
    size : int
        Pixels a side of the network's input.
    """

    kind: str
    size: int

    @property
    def is_thumbnail(self) -> bool:
        """Whether the network knows thumbnails, and not pictures."""
        return self.kind == _THUMBNAIL


def look(picture: np.ndarray, view: View) -> np.ndarray:
    """Show a picture as a detector sees it.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255, of any size.
    view : View
        How the detector looks, see `model.view_of`.

    Returns
    -------
    uint8 array (n, size, size, 3)
        One image, or one to nine windows on a fixed grid.

    Examples
    --------
    >>> look(np.zeros((1000, 1500, 3), np.uint8), View("windows", 128)).shape
    (9, 128, 128, 3)
    """
    if view.kind != WINDOWS:
        return centre_square(picture, view.size)[None]
    return windows(squares(picture), view.size)


def centre_square(picture: np.ndarray, size: int) -> np.ndarray:
    """Cut out the centre square of a picture and scale it.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255.
    size : int
        Pixels a side of the result.

    Returns
    -------
    uint8 array (size, size, 3)
        Scaled down by area averaging, or up bilinearly.
    """
    height, width = picture.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = picture[top : top + side, left : left + side]
    if side == size:
        return square
    interpolation = cv2.INTER_AREA if side > size else cv2.INTER_LINEAR
    return cv2.resize(square, (size, size), interpolation=interpolation)


def at_one_scale(picture: np.ndarray) -> np.ndarray:
    """Scale a picture whose longer side is above 1,500 pixels to 1,280, by area averaging.

    A camera's twelve megapixels and a generator's one are then looked at alike. A smaller picture
    is returned as it is: scaling up adds nothing, and scaling down takes away.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255.

    Returns
    -------
    uint8 array (height, width, 3)
        `picture` itself, or a smaller copy.
    """
    height, width = picture.shape[:2]
    if max(height, width) <= MAX_SIDE:
        return picture
    factor = SCALED_TO / max(height, width)
    new_size = max(1, round(width * factor)), max(1, round(height * factor))
    return cv2.resize(picture, new_size, interpolation=cv2.INTER_AREA)


def squares(picture: np.ndarray, count: int = MOST) -> list[np.ndarray]:
    """Cut squares out of a picture at its own resolution, after at most one scaling.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255.
    count : int
        Squares at most. The middle one comes first, then the corners, then the edges.

    Returns
    -------
    list of uint8 arrays (side, side, 3)
        On a grid of three by three, of fewer where they would overlap by more than half. `side` is
        288 pixels, less where the picture is smaller.
    """
    picture = at_one_scale(picture)
    height, width = picture.shape[:2]
    side = min(SQUARE, height, width)
    tops, lefts = _starts(height, side), _starts(width, side)
    places = [(row, column) for row in range(len(tops)) for column in range(len(lefts))]
    middle = (len(tops) - 1) / 2, (len(lefts) - 1) / 2

    def order(place):
        distance = abs(place[0] - middle[0]) + abs(place[1] - middle[1])
        return distance > 0.5, -distance  # the middle first, then the farthest

    found = []
    for row, column in sorted(places, key=order)[:count]:
        top, left = tops[row], lefts[column]
        found.append(picture[top : top + side, left : left + side])
    return found


def windows(cut_out: list[np.ndarray], size: int) -> np.ndarray:
    """Cut windows out of squares, nine at most in all, on a fixed grid.

    Parameters
    ----------
    cut_out : list of uint8 arrays (side, side, 3)
        From `squares`.
    size : int
        Pixels a side of a window; a square that is smaller is continued by its mirror image.

    Returns
    -------
    uint8 array (n, size, size, 3)
        Nine windows of a single square, four of each of two, one of each of more.
    """
    a_side = int((MOST / len(cut_out)) ** 0.5)
    found = []
    for square in cut_out:
        square = _at_least(square, size)
        spare = len(square) - size
        starts = [spare // 2] if a_side == 1 else _evenly(spare, a_side)
        for top in starts:
            for left in starts:
                found.append(square[top : top + size, left : left + size])
    return np.stack(found)


def overlapping_windows(picture: np.ndarray, size: int, most: int) -> tuple[np.ndarray, np.ndarray]:
    """Cut a picture into windows that overlap by half and cover all of it.

    Parameters
    ----------
    picture : uint8 array (height, width, 3)
        RGB, 0..255. One that is smaller than a window is continued by its mirror image, at the
        right and the bottom.
    size : int
        Pixels a side of a window.
    most : int
        Windows at most: they overlap by less where it takes that.

    Returns
    -------
    windows : uint8 array (n, size, size, 3)
        The windows, row by row.
    corners : int array (n, 2)
        Top and left of each, in pixels.
    """
    missing = [max(0, size - side) for side in picture.shape[:2]]
    if any(missing):
        border = 0, missing[0], 0, missing[1]
        picture = cv2.copyMakeBorder(picture, *border, cv2.BORDER_REFLECT)
    height, width = picture.shape[:2]
    step = size // 2
    while step < size and _places(height, size, step) * _places(width, size, step) > most:
        step += size // 16
    tops = _evenly(height - size, _places(height, size, step))
    lefts = _evenly(width - size, _places(width, size, step))
    corners = np.array([(top, left) for top in tops for left in lefts])
    found = [picture[top : top + size, left : left + size] for top, left in corners]
    return np.stack(found), corners


def middle_window(pixels: np.ndarray, view: View) -> np.ndarray:
    """Cut the one window out that stands for a picture where one has to do.

    Parameters
    ----------
    pixels : uint8 array (height, width, 3)
        The middle square of the picture or, for a detector that looks at the whole, its whole view.
    view : View
        How the detector looks at a picture.

    Returns
    -------
    uint8 array (size, size, 3)
        RGB, 0..255.
    """
    if view.kind != WINDOWS:
        return centre_square(pixels, view.size)
    pixels = _at_least(pixels, view.size)
    top, left = ((side - view.size) // 2 for side in pixels.shape[:2])
    return pixels[top : top + view.size, left : left + view.size]


def random_window(pixels: np.ndarray, size: int, rng: np.random.Generator) -> np.ndarray:
    """Cut a window out of a picture at random.

    Parameters
    ----------
    pixels : uint8 array (height, width, 3)
        RGB, 0..255; a smaller picture is continued by its mirror image.
    size : int
        Pixels a side of the window.
    rng : numpy.random.Generator
        Where the place is drawn from.

    Returns
    -------
    uint8 array (size, size, 3)
        A part of `pixels`.
    """
    pixels = _at_least(pixels, size)
    top, left = (rng.integers(0, side - size, endpoint=True) for side in pixels.shape[:2])
    return pixels[top : top + size, left : left + size]


def _starts(length: int, side: int) -> list[int]:
    """Where up to three squares begin along one side of a picture, evenly spread."""
    spare = length - side
    places = min(3, 1 + 2 * spare // side)  # neighbours overlap by half at most
    return [spare // 2] if places == 1 else _evenly(spare, places)


def _evenly(spare: int, places: int) -> list[int]:
    return np.linspace(0, spare, places).round().astype(int).tolist()


def _places(length: int, size: int, step: int) -> int:
    """How many windows it takes along a side, the last one flush with its end."""
    return 1 + -(-(length - size) // step)


def _at_least(pixels: np.ndarray, size: int) -> np.ndarray:
    """Continue what is smaller than a window by its mirror image, on all sides alike."""
    missing = [max(0, size - side) for side in pixels.shape[:2]]
    if not any(missing):
        return pixels
    top, left = missing[0] // 2, missing[1] // 2
    border = top, missing[0] - top, left, missing[1] - left
    return cv2.copyMakeBorder(pixels, *border, cv2.BORDER_REFLECT)
