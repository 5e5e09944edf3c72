"""What the frozen part of a network makes of images, computed once and kept on disk."""

import hashlib
import json
import zlib

import numpy as np

from truthpixel_utils.files import status, written_whole

CHUNK = 512  # images computed, written and checked at a time
FORMAT = 1  # raise it when the same trunk and pixels would give other numbers


def extract(trunk, images, folder, batch_size=32):
    """Apply the trunk to images, or map what an earlier call has computed.

    The file is named by what it depends on (pixels, weights, layers), so that a change of any of them computes anew.
    It is written by chunks with a checksum each: a killed extraction goes on where it stopped, and a damaged chunk
    is computed again.

    Parameters
    ----------
    trunk : keras.Model from `model.cut`
    images : uint8 array (N, H, W, 3)
    folder : Path for the cache
    batch_size : int, images at a time

    Returns
    -------
    read-only float16 memory map (N, ...), one row an image, in the shape of the trunk's output
    """
    shape = (len(images), *trunk.output.shape[1:])
    name = _key(trunk, images)
    data, index = folder / f"{name}.npy", folder / f"{name}.json"
    try:
        features = np.lib.format.open_memmap(data, "r+")
    except (OSError, ValueError):  # not there, or cut short
        print(
            f"Caching {len(images):,} × {'×'.join(map(str, shape[1:]))} features: {np.prod(shape) * 2 / 1e6:,.0f} MB."
        )
        with written_whole(data) as part:  # sparse until filled
            np.lib.format.open_memmap(part, "w+", np.float16, shape).flush()
        features = np.lib.format.open_memmap(data, "r+")
    sums = json.loads(index.read_text()) if index.exists() else {}
    say = status()
    for start in range(0, len(images), CHUNK):
        chunk = slice(start, start + CHUNK)
        if sums.get(str(start)) == zlib.crc32(features[chunk]):
            continue
        features[chunk] = trunk.predict(images[chunk], batch_size=batch_size, verbose=0)
        features.flush()
        sums[str(start)] = zlib.crc32(features[chunk])
        with written_whole(index) as part:
            part.write_text(json.dumps(sums))
        say(f"{min(start + CHUNK, len(images)):,} of {len(images):,} images computed")
    return np.load(data, mmap_mode="r")


def _key(trunk, images):
    key = hashlib.sha256(f"{FORMAT} {[(type(layer).__name__, layer.output.shape) for layer in trunk.layers]}".encode())
    key.update(np.ascontiguousarray(images))
    for weight in trunk.get_weights():
        key.update(np.ascontiguousarray(weight))
    return key.hexdigest()[:24]
