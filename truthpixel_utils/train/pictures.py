"""What training sees of pictures: windows drawn anew, scaled and encoded as the web does to them.

In the wild, photographs are large JPEG files and generated pictures are square PNG files. So that
none of this tells the classes apart, every window of both classes is scaled by a random factor with
a random filter, encoded once or twice with a random quality, and now and then blurred, sharpened,
made noisy, or lit differently.
"""

from __future__ import annotations

import hashlib
import json
import math
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from truthpixel_utils.data import View, corruptions, to_rgb
from truthpixel_utils.data.windows import WINDOWS, middle_window, random_window
from truthpixel_utils.files import atomic_write, require_room, status_line

if TYPE_CHECKING:
    import datasets

# How far `corrupt_picture` changes what it is given. A pair is the lowest and the highest value.
# The record of a training holds these names and values: a change of either begins it anew.
PICTURE_CORRUPTIONS = {
    "offset": 8,  # pixels cut off at the top and left, at most: where 8 × 8 blocks begin
    "scaled": 0.75,  # probability that the picture is scaled
    "scale": (0.45, 1.3),  # factor
    "encoded_first": 0.5,  # probability of an encoding before the window is cut out
    "encoded_last": 0.65,  # and of one after all else
    "webp": 0.2,  # probability that an encoding is WebP and not JPEG
    "full_chroma": 0.4,  # probability that a JPEG keeps colour at full resolution
    "quality": (55, 97),  # of an encoding
    "blur": (0.3, 1.0),  # standard deviation, pixels; one picture in ten
    "sharpen": (0.2, 1.0),  # amount; one in ten
    "noise": (0.004, 0.03),  # standard deviation, share of the range; one in ten
    "lit": 0.25,  # probability of a change of light
    "gamma": (0.8, 1.25),  # exponent of a change of light
}
FORMAT = 1  # raise it when the same files and rules would give other views
CHUNK = 256  # pictures that are read at a time
_FILTERS = (cv2.INTER_LINEAR, cv2.INTER_CUBIC, cv2.INTER_LANCZOS4)


class Files:
    """The encoded squares or whole views of a split, read when training asks for them.

    It stands where an array of pixels (views, N, ...) stands for thumbnails, with one view: a data
    set of pictures does not fit into memory.

    Parameters
    ----------
    rows : datasets.Dataset
        N rows with the columns ``image`` and ``squares``.
    view : View
        How the detector looks at a picture.
    """

    def __init__(self, rows: datasets.Dataset, view: View):
        self.rows, self.view = rows.with_format("arrow"), view

    def __len__(self) -> int:
        return 1

    def __getitem__(self, key: tuple[np.ndarray, np.ndarray]) -> list[list[bytes]]:
        """Read the files of some rows; ``key`` is (views, rows)."""
        _, chosen = key
        table = self.rows[[int(row) for row in chosen]]
        wholes = table["image"].combine_chunks().field("bytes").to_pylist()
        squares = table["squares"].to_pylist()
        if self.view.kind != WINDOWS:
            return [[whole] for whole in wholes]
        return [cut_out or [whole] for cut_out, whole in zip(squares, wholes, strict=True)]


def draw_window(files: list[bytes], rng: np.random.Generator, size: int) -> np.ndarray:
    """Choose a file, change its picture as the web might, and cut a window out at random.

    Parameters
    ----------
    files : list of bytes
        Encoded squares of one picture, or its whole view.
    rng : numpy.random.Generator
        Source of all that is drawn: a generator of the same seed gives the same window.
    size : int
        Pixels a side of the window.

    Returns
    -------
    uint8 array (size, size, 3)
        RGB, 0..255.
    """
    pixels = np.asarray(to_rgb(files[rng.integers(len(files))]))
    return corrupt_picture(pixels, rng, size)


def corrupt_picture(pixels: np.ndarray, rng: np.random.Generator, size: int) -> np.ndarray:
    """Scale and encode a picture at random, and cut a window out of it.

    Parameters
    ----------
    pixels : uint8 array (height, width, 3)
        RGB, 0..255. They stay as they are.
    rng : numpy.random.Generator
        Source of all that is drawn.
    size : int
        Pixels a side of the window; a smaller picture is continued by its mirror image.

    Returns
    -------
    uint8 array (size, size, 3)
        RGB, 0..255.
    """
    chance = PICTURE_CORRUPTIONS
    top, left = rng.integers(0, chance["offset"], 2, endpoint=True)
    if min(pixels.shape[:2]) > size + chance["offset"]:
        pixels = pixels[top:, left:]
    if rng.random() < chance["scaled"]:
        pixels = _scaled(pixels, rng, size)
    if rng.random() < chance["encoded_first"]:
        pixels = _encoded(pixels, rng)
    pixels = random_window(pixels, size, rng)
    if rng.random() < 0.5:
        pixels = pixels[:, ::-1]
    pixels = _retouched(pixels, rng)
    if rng.random() < chance["lit"]:
        pixels = corruptions.gamma(pixels, rng.uniform(*chance["gamma"]))
    if rng.random() < chance["encoded_last"]:
        pixels = _encoded(pixels, rng)
    return pixels


def _scaled(pixels, rng, size):
    """Scale by a factor and with a filter drawn at random; at least a window is left."""
    lowest, highest = PICTURE_CORRUPTIONS["scale"]
    shorter = min(pixels.shape[:2])
    factor = rng.uniform(max(lowest, min(1, size / shorter)), highest)
    averaged = factor < 1 and rng.random() < 0.7  # what most programs do to make a picture smaller
    interpolation = cv2.INTER_AREA if averaged else _FILTERS[rng.integers(len(_FILTERS))]
    new_size = [max(size, round(side * factor)) for side in pixels.shape[1::-1]]
    return cv2.resize(pixels, new_size, interpolation=interpolation)


def _encoded(pixels, rng):
    """Encode as JPEG or WebP and decode again."""
    chance = PICTURE_CORRUPTIONS
    quality = int(rng.integers(*chance["quality"], endpoint=True))
    if rng.random() < chance["webp"]:
        return corruptions.webp(pixels, quality)
    return corruptions.jpeg(pixels, quality, full_chroma=rng.random() < chance["full_chroma"])


def _retouched(pixels, rng):
    """Blur, sharpen or add noise to three pictures in ten."""
    chance = PICTURE_CORRUPTIONS
    kind = rng.random()
    if kind < 0.1:
        return corruptions.blur(pixels, rng.uniform(*chance["blur"]))
    if kind < 0.2:
        return corruptions.sharpen(pixels, rng.uniform(*chance["sharpen"]))
    if kind < 0.3:
        return corruptions.noise(pixels, rng.uniform(*chance["noise"]), rng)
    return pixels


def picture_views(
    rows: datasets.Dataset, view: View, views: int, seed: int, cache: Path
) -> np.ndarray:
    """Make the views of each picture that a frozen network is asked about once.

    They are kept in a file, written whole or not at all, and an earlier call's are mapped again.
    The file's name is a hash of all that its content depends on: the encoded pictures, the view,
    the number of views, the seed and `PICTURE_CORRUPTIONS`.

    Parameters
    ----------
    rows : datasets.Dataset
        N rows with the columns ``image`` and ``squares``.
    view : View
        How the detector looks at a picture.
    views : int
        Number of views; the first is the middle window, or the whole view, as it is. Each further
        one is drawn by `draw_window`.
    seed : int
        The same seed draws the same windows.
    cache : Path
        Folder of the file that holds them, so that they need no memory; `list_cache` lists it
        beside the features.

    Returns
    -------
    uint8 memory map (views, N, size, size, 3)
        RGB, 0..255, read-only.
    """
    shape = (views, len(rows), view.size, view.size, 3)
    path = cache / f"{view.kind}-{_key(rows, view, views, seed)}.npy"
    if not path.exists():
        size = math.prod(shape)
        print(f"Caching {views} × {len(rows):,} views of {view.size} pixels: {size / 1e6:,.0f} MB.")
        require_room(cache, size)
        with atomic_write(path) as part:
            _write_views(part, rows, view, views, seed)
    return np.load(path, mmap_mode="r").reshape(shape)


def _write_views(path, rows, view, views, seed):
    """Write the views to a file, view after view: one row an image, as files of features have."""
    count = len(rows)
    shape = (views * count, view.size, view.size, 3)
    made = np.lib.format.open_memmap(path, "w+", np.uint8, shape)
    say, draw = status_line(), partial(_views_of, view=view, views=views, seed=seed)
    with ThreadPoolExecutor() as pool:  # Pillow and OpenCV release Python's lock
        for chosen, files in _in_chunks(rows, view):
            for row, of_row in zip(chosen, pool.map(draw, chosen, files), strict=True):
                made[row::count] = of_row
            say(f"{chosen.stop:,} of {count:,} pictures cut into views")
    made.flush()


def _views_of(row, files, view, views, seed):
    """Make the views of one picture; its number and each view's are a part of the seed."""
    drawn = (
        draw_window(files, np.random.default_rng((seed, number, row)), view.size)
        for number in range(1, views)
    )
    return [middle_window(np.asarray(to_rgb(files[0])), view), *drawn]


def _key(rows, view, views, seed):
    rules = json.dumps([FORMAT, view, views, seed, PICTURE_CORRUPTIONS])
    key = hashlib.sha256(rules.encode())
    for _, files in _in_chunks(rows, view):
        for of_row in files:
            for file in of_row:
                key.update(f"{len(of_row)} {len(file)}".encode())
                key.update(file)
    return key.hexdigest()[:24]


def _in_chunks(rows, view):
    """Read the files of all pictures, some at a time, with their numbers."""
    files = Files(rows, view)
    for start in range(0, len(rows), CHUNK):
        chosen = range(start, min(start + CHUNK, len(rows)))
        yield chosen, files[0, chosen]


def source_weights(rows: datasets.Dataset) -> np.ndarray | None:
    """Weigh rows so that no source drowns the others.

    Each class has half of an epoch, and within a class a source has a share as the square root of
    its size: one of four times as many pictures is drawn twice as often, not four times.

    Parameters
    ----------
    rows : datasets.Dataset
        N rows with the columns ``label`` and ``source``.

    Returns
    -------
    float array (N,) or None
        The probability of drawing each row; None where the data name no source.
    """
    table = pd.DataFrame({name: rows[name][:] for name in ("label", "source")})
    if table["source"].isna().all():
        return None
    table["source"] = table["source"].fillna("")
    size = table.groupby(["label", "source"])["label"].transform("size")
    weights = 1 / np.sqrt(size)
    weights /= weights.groupby(table["label"]).transform("sum")
    return (weights / weights.sum()).to_numpy()
