"""What a frozen network sees of pictures, for picture_ablations.py.

A picture's features are the means and the standard deviations over space of four maps of the
network. They are kept in a folder, one file a way of showing pictures, so that a stopped run goes
on where it was.
"""

import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import cv2
import datasets
import numpy as np
import pandas as pd
import pyarrow.parquet as pq

from truthpixel_utils import data, model
from truthpixel_utils.backend import keras
from truthpixel_utils.data.windows import View
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.train.pictures import Files, draw_window

LITE0, START = "efficientnet_lite0", "lite0"  # as `model.build_detector` names weights
MAPS = ("block3b_add", "block5c_add", "block6d_add", "top_activation")
WINDOWS = 3  # of a picture, that are asked for its answer; the demo asks nine
CHUNK = 64  # pictures that are read at a time
PARTS = ("train", "validation", "test")


def high_pass(pixels, rng):
    """Keep what a picture differs by from itself blurred (1 pixel), four times as strong."""
    pixels = pixels.astype(np.float32)
    residual = pixels - cv2.GaussianBlur(pixels, None, 1.0)
    return (128 + 4 * residual).clip(0, 255).astype(np.uint8)


def shuffled(pixels, rng, parts=4):
    """Cut a square picture into four by four patches and lay them in another order."""
    side = len(pixels) // parts
    patches = pixels.reshape(parts, side, parts, side, 3).swapaxes(1, 2).reshape(-1, side, side, 3)
    patches = rng.permutation(patches).reshape(parts, parts, side, side, 3)
    return patches.swapaxes(1, 2).reshape(pixels.shape)


class Way(NamedTuple):
    """A way of showing pictures to a frozen network."""

    weights: str
    view: View
    change: Callable | None = None


WAYS = {
    "whole": Way(LITE0, View("whole", 224)),
    "whole, start weights": Way(START, View("whole", 224)),
    "whole, shuffled": Way(LITE0, View("whole", 224), shuffled),
    "windows": Way(LITE0, View("windows", 128)),
    "windows, start weights": Way(START, View("windows", 128)),
    "windows of 160": Way(LITE0, View("windows", 160)),
    "windows of 224": Way(LITE0, View("windows", 224)),
    "windows, high pass": Way(LITE0, View("windows", 128), high_pass),
}


def load(pictures):
    """Read the pictures of a folder of shards.

    Returns the rows (datasets.Dataset, training first, then validation, then test) and what is
    known of each (pandas.DataFrame: label, part, kind, family, generator, source).
    """
    splits = data.load_splits(pictures)
    rows = datasets.concatenate_datasets([splits[part] for part in PARTS])
    columns = ["part", "picture", "kind", "family"]
    shards = [pq.read_table(path, columns=columns) for path in shards_in(pictures)]
    known = pd.concat([shard.to_pandas() for shard in shards]).drop_duplicates(["part", "picture"])
    known["id"] = known["part"] + "/" + known["picture"]
    table = pd.DataFrame({name: rows[name][:] for name in ("id", "label", "generator", "source")})
    return rows, table.merge(known.drop(columns="picture"), "left", on="id", validate="1:1")


def shards_in(pictures):
    return sorted(project_path(pictures).glob("*.parquet"))


def as_they_are(way, rows, folder, mirrored=False):
    """Compute the features of windows on a grid, or of the whole view: float16 (N, windows, F)."""

    def change(pixels, number):
        pixels = pixels[:, ::-1] if mirrored else pixels
        return changed(way, pixels, np.random.default_rng(number))

    def shown():
        for images, owners in data.seen(rows, way.view):
            for number in np.unique(owners):
                own = np.flatnonzero(owners == number)
                chosen = own[np.linspace(0, len(own) - 1, windows_of(way)).round().astype(int)]
                yield [change(image, number) for image in images[chosen]]

    return kept(folder / f"{'mirrored' if mirrored else 'grid'}.npy", way, shown)


def drawn(way, rows, folder, number):
    """Compute the features of one window of each picture, drawn as for training: (N, 1, F).

    The draw depends on its number and on the picture's id alone.
    """

    def draw(files, name):
        rng = np.random.default_rng((number, zlib.crc32(name.encode())))
        return [changed(way, draw_window(files, rng, way.view.size), rng)]

    def shown():
        files, names = Files(rows, way.view), rows["id"][:]
        with ThreadPoolExecutor() as pool:
            for start in range(0, len(rows), CHUNK):
                chosen = range(start, min(start + CHUNK, len(rows)))
                yield from pool.map(draw, files[0, chosen], names[start:])

    return kept(folder / f"drawn{number}.npy", way, shown)


def changed(way, pixels, rng):
    return way.change(pixels, rng) if way.change else pixels


def windows_of(way):
    return 1 if way.view.kind == "whole" else WINDOWS


def kept(path, way, shown):
    """Map the features of a file; where there is none, compute them of what `shown` yields."""
    if not path.exists():
        print(f"{path.parent.name}: {path.stem}", flush=True)
        forward, found, waiting = network(way.weights, way.view), [], []
        for of_picture in shown():
            waiting.append(of_picture)
            if len(waiting) == CHUNK:
                found.append(statistics(forward, waiting))
                waiting = []
        if waiting:
            found.append(statistics(forward, waiting))
        with atomic_write(path) as part:
            np.save(part, np.concatenate(found))
    return np.load(path, mmap_mode="r")


@lru_cache(maxsize=1)
def network(weights, view):
    """Prepare a frozen network that returns its `MAPS`."""
    detector = model.build_detector(weights, view.size, view.kind, seed=0)
    maps = [detector.get_layer(name).output for name in MAPS]
    return model.prepare(keras.Model(detector.input, maps))


def statistics(forward, pictures):
    """Means and deviations over space of the maps of pictures, of as many windows each."""
    windows = np.concatenate([np.stack(own) for own in pictures])
    maps = forward(windows)
    found = [moment for one in maps for moment in (one.mean((1, 2)), one.std((1, 2)))]
    found = np.concatenate(found, axis=1).astype(np.float16)
    return found.reshape(len(pictures), -1, found.shape[1])
