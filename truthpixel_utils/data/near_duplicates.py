"""Images that a reader would call the same, though their bytes differ: found by a perceptual hash."""

import cv2
import numpy as np
import pandas as pd

from truthpixel_utils.data.splits import thumbnails

NEAR = 6  # bits of 63 in which two hashes may differ
ALIKE = 12.0  # mean difference of two pixels, in levels of 0..255, up to which two images are near-duplicates


def find_near_duplicates(splits):
    """Find the test images that nearly stand in training or validation.

    The hash nearest by Hamming distance is looked up for each image, and its image compared pixel by pixel.

    Returns
    -------
    pandas.DataFrame, one row a test image that has a near-duplicate: ``id``, ``split`` and ``twin`` (the other's id),
    ``bits`` (in which the hashes differ), ``difference`` (mean of the pixels', in levels 0..255)
    """
    earlier = [(split, *_images_and_hashes(splits[split])) for split in ("train", "validation")]
    images, hashes = _images_and_hashes(splits["test"])
    ids, found = splits["test"]["id"][:], []
    for split, others, known in earlier:
        other_ids = splits[split]["id"][:]
        for start in range(0, len(images), 256):
            agree = hashes[start : start + 256] @ known.T  # bits that agree less bits that differ
            nearest = agree.argmax(axis=1)
            bits = (hashes.shape[1] - agree.max(axis=1)) / 2
            for i in np.flatnonzero(bits <= NEAR):
                difference = np.abs(images[start + i].astype(int) - others[nearest[i]]).mean()
                if difference <= ALIKE:
                    found.append([ids[start + i], split, other_ids[nearest[i]], int(bits[i]), difference])
    return pd.DataFrame(found, columns=["id", "split", "twin", "bits", "difference"])


def perceptual_hash(images):
    """Hash images by what the eye holds on to (Zauner, 2010): is each low frequency above the median of all of them?

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)

    Returns
    -------
    float32 array (N, 63) of -1 and 1: the 8 × 8 lowest frequencies of the grey image, without its mean
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in images]
    low = np.stack([cv2.dct(image)[:8, :8].ravel()[1:] for image in grey])
    return np.where(low > np.median(low, axis=1, keepdims=True), 1, -1).astype(np.float32)


def _images_and_hashes(rows):
    images, _ = thumbnails(rows)
    return images, perceptual_hash(images)
