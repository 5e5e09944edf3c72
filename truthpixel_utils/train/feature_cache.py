"""What the frozen layers of a network make of images, computed once and kept on disk."""

from __future__ import annotations

import hashlib
import json
import math
import re
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.files import atomic_write, project_path, require_room, status_line
from truthpixel_utils.locks import alone_in
from truthpixel_utils.model import fingerprint, prepare

CHUNK = 512  # images computed, written and checked at a time
FORMAT = 2  # raise it when the same trunk and pixels would give other numbers
# What the files here are called: a layer or a kind of view, a key, and perhaps what stands before
# the name of one that is half written.
_OURS = re.compile(r"(\.[0-9a-f]{8}-)?\w+-[0-9a-f]{24}\.(npy|json)")


def cached_features(trunk: keras.Model, images: np.ndarray, folder: str | Path) -> np.ndarray:
    """Apply the trunk to images, or map what an earlier call has computed.

    The file's name is a hash of all that its content depends on: the pixels (and so the rows, views
    and seed), the trunk's weights, its layers and their sizes. A change of any of them computes the
    features anew. The file is written by chunks with a checksum each: an extraction that was killed
    goes on where it stopped, and a damaged chunk is computed again.

    Parameters
    ----------
    trunk : keras.Model
        The frozen part of a detector, from `model.split_trunk`.
    images : np.ndarray
        uint8 pixels (N, H, W, 3), 0..255.
    folder : str or Path
        Folder of the cache; a relative one starts at the project.

    Returns
    -------
    np.ndarray
        Read-only float16 memory map (N, ...), one row an image, in the shape of the trunk's output;
        `images` itself if the trunk has no layers.
    """
    if trunk.output is trunk.input:
        return images
    shape = (len(images), *trunk.output.shape[1:])
    path = project_path(folder) / f"{trunk.layers[-1].name}-{_key(trunk, images)}.npy"
    features = _open_or_create(path, shape)
    checksums = _read_checksums(path)
    forward, say = prepare(trunk), status_line()
    for start in range(0, len(images), CHUNK):
        chunk = slice(start, start + CHUNK)
        if checksums.get(str(start)) == zlib.crc32(features[chunk]):
            continue
        [computed] = forward(images[chunk])  # the trunk has one output
        features[chunk] = computed
        checksums[str(start)] = zlib.crc32(features[chunk])
        with atomic_write(_checksum_path(path)) as part:
            part.write_text(json.dumps(checksums))
        say(f"{min(start + CHUNK, len(images)):,} of {len(images):,} images computed")
    return np.load(path, mmap_mode="r")


def list_cache(folder: str | Path) -> pd.DataFrame:
    """List what `cached_features` and `pictures.picture_views` keep in a folder.

    Parameters
    ----------
    folder : str or Path
        Folder of the cache; a relative one starts at the project.

    Returns
    -------
    pandas.DataFrame
        One row a file, newest last, indexed by the file's name: ``layer`` (str, whose output it
        holds, or the kind of view), ``images`` (int), ``each`` (str, shape of one image's features
        or pixels), ``MB`` (float) and ``done`` (float, share computed, 0..1).
    """
    rows = {}
    paths = [path for path in _own_files(folder) if path.suffix == ".npy"]
    paths = [path for path in paths if not path.name.startswith(".")]  # which is half written
    for path in sorted(paths, key=_modified):
        try:
            array = np.load(path, mmap_mode="r")
        except ValueError:  # cut short: the next `cached_features` begins it anew
            array = np.empty(0)
        images, *each = array.shape
        done = _share_computed(path, array)
        layer = path.name.rpartition("-")[0]
        rows[path.name] = [layer, images, _by(each), path.stat().st_size / 1e6, done]
    columns = ["layer", "images", "each", "MB", "done"]
    return pd.DataFrame.from_dict(rows, orient="index", columns=columns)


def clear_cache(folder: str | Path) -> float:
    """Remove all that `list_cache` lists in a folder, and what a killed call left there.

    Other files that lie there stay.

    Parameters
    ----------
    folder : str or Path
        Folder of the cache; a relative one starts at the project.

    Returns
    -------
    float
        Megabytes that this has freed.

    Raises
    ------
    TruthPixelError
        If a training is at work with these files.
    """
    freed = 0
    folder = project_path(folder)
    if not folder.is_dir():
        return 0.0
    with alone_in(folder.parent, "training"):
        for path in _own_files(folder):
            freed += path.stat().st_size
            path.unlink()
    return freed / 1e6


def _own_files(folder):
    """List the files that this module and `pictures` have made in a folder, by their names."""
    paths = project_path(folder).glob("*")
    return [path for path in paths if _OURS.fullmatch(path.name) and path.is_file()]


def _open_or_create(path, shape):
    """Map the file of features, to read and write; make it, all zeros, if it cannot be read."""
    try:
        return np.lib.format.open_memmap(path, "r+")
    except (OSError, ValueError):  # not there, or cut short
        size = math.prod(shape) * np.dtype(np.float16).itemsize
        print(f"Caching {shape[0]:,} × {_by(shape[1:])} features: {size / 1e6:,.0f} MB.")
        require_room(path.parent, size)
        with atomic_write(path) as part:  # takes no space on the disk until it is filled
            np.lib.format.open_memmap(part, "w+", np.float16, shape).flush()
        return np.lib.format.open_memmap(path, "r+")


def _key(trunk, images):
    key = hashlib.sha256(f"{FORMAT} {fingerprint(trunk)}".encode())
    key.update(np.ascontiguousarray(images))
    return key.hexdigest()[:24]


def _share_computed(path, array):
    if array.dtype == np.uint8:  # pixels of pictures, which are written whole or not at all
        return 1.0
    return len(_read_checksums(path)) / math.ceil(len(array) / CHUNK) if len(array) else 0.0


def _checksum_path(path):
    return path.with_suffix(".json")


def _read_checksums(path):
    """The checksum of every computed chunk, by the chunk's first row (a str, as JSON has it)."""
    checksums = _checksum_path(path)
    return json.loads(checksums.read_text()) if checksums.exists() else {}


def _by(shape):
    return "×".join(str(length) for length in shape)


def _modified(path):
    return path.stat().st_mtime
