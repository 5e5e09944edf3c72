"""What the frozen part of a network makes of images, computed once and kept on disk."""

import hashlib
import json
import zlib

import numpy as np
import pandas as pd

from truthpixel_utils.files import atomic_write, project_path, status_line
from truthpixel_utils.model.detector import fingerprint
from truthpixel_utils.model.inference import prepare

CHUNK = 512  # images computed, written and checked at a time
FORMAT = 2  # raise it when the same trunk and pixels would give other numbers


def cached_features(trunk, images, folder):
    """Apply the trunk to images, or map what an earlier call has computed.

    The file is named by what it depends on (pixels, and so rows, views and seed; weights; layers and their sizes), so
    that a change of any of them computes anew. It is written by chunks with a checksum each: a killed extraction goes
    on where it stopped, and a damaged chunk is computed again.

    Parameters
    ----------
    trunk : keras.Model from `model.cut`
    images : uint8 array (N, H, W, 3)
    folder : Path for the cache

    Returns
    -------
    read-only float16 memory map (N, ...), one row an image, in the shape of the trunk's output; or, if the trunk has
    no layers, `images`
    """
    if trunk.output is trunk.input:
        return images
    shape = (len(images), *trunk.output.shape[1:])
    data = folder / f"{trunk.layers[-1].name}-{_key(trunk, images)}.npy"
    try:
        features = np.lib.format.open_memmap(data, "r+")
    except (OSError, ValueError):  # not there, or cut short
        print(f"Caching {len(images):,} × {_by(shape[1:])} features: {np.prod(shape) * 2 / 1e6:,.0f} MB.")
        with atomic_write(data) as part:  # sparse until filled
            np.lib.format.open_memmap(part, "w+", np.float16, shape).flush()
        features = np.lib.format.open_memmap(data, "r+")
    sums = _sums(data)
    forward, say = prepare(trunk), status_line()
    for start in range(0, len(images), CHUNK):
        chunk = slice(start, start + CHUNK)
        if sums.get(str(start)) == zlib.crc32(features[chunk]):
            continue
        [features[chunk]] = forward(images[chunk])
        sums[str(start)] = zlib.crc32(features[chunk])
        with atomic_write(_index(data)) as part:
            part.write_text(json.dumps(sums))
        say(f"{min(start + CHUNK, len(images)):,} of {len(images):,} images computed")
    return np.load(data, mmap_mode="r")


def list_cache(folder):
    """List what `cached_features` keeps in a folder (str or Path; a relative one starts at the project).

    Returns
    -------
    pandas.DataFrame, one row a file, newest last: ``layer`` (whose output it holds), ``images`` (int), ``each`` (shape
    of one image's features), ``MB`` and ``done`` (share computed, 0..1), indexed by the file's name
    """
    rows = {}
    for data in sorted(project_path(folder).glob("[!.]*.npy"), key=lambda path: path.stat().st_mtime):
        try:
            images, *each = np.load(data, mmap_mode="r").shape
        except ValueError:  # cut short: the next `cached_features` begins it anew
            images, each = 0, []
        done = len(_sums(data)) / -(-images // CHUNK) if images else 0.0
        size = data.stat().st_size / 1e6
        rows[data.name] = [data.name.rpartition("-")[0], images, _by(each), size, done]
    return pd.DataFrame.from_dict(rows, orient="index", columns=["layer", "images", "each", "MB", "done"])


def clear_cache(folder):
    """Remove all that `cached_features` keeps in a folder; return how many MB that frees (float)."""
    files = [file for file in folder.glob("*") if file.suffix in (".npy", ".json")]
    freed = sum(file.stat().st_size for file in files) / 1e6
    for file in files:
        file.unlink()
    return freed


def _index(data):
    return data.with_suffix(".json")


def _sums(data):
    """The checksum of every chunk that was computed, by the chunk's first row (a str, as JSON has it)."""
    return json.loads(_index(data).read_text()) if _index(data).exists() else {}


def _by(shape):
    return "×".join(map(str, shape))


def _key(trunk, images):
    key = hashlib.sha256(f"{FORMAT} {fingerprint(trunk)}".encode())
    key.update(np.ascontiguousarray(images))
    return key.hexdigest()[:24]
