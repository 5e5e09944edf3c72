"""Images that a reader would call the same, though their bytes differ, by a perceptual hash."""

from __future__ import annotations

import cv2
import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data.images import thumbnails

# Two images are near-duplicates if their hashes differ in at most NEAR of 63 bits, and their pixels
# by at most ALIKE levels (of 0..255) in the mean.
NEAR = 6
ALIKE = 12.0


def find_near_duplicates(splits: datasets.DatasetDict) -> pd.DataFrame:
    """Find the test images that nearly stand in training or validation.

    For each test image, the image with the nearest hash (by Hamming distance) is looked up in
    either split, and the two are compared pixel by pixel.

    Parameters
    ----------
    splits : datasets.DatasetDict
        As `load_splits` returns them.

    Returns
    -------
    pandas.DataFrame
        One row for each test image and each split that holds a near-duplicate of it: ``id`` (of the
        test image), ``split`` and ``twin`` (where the other stands, and its id), ``bits`` (in which
        the hashes differ) and ``difference`` (of the pixels, in the mean, in levels of 0..255).
    """
    test_images, test_hashes = _images_and_hashes(splits["test"])
    test_ids = splits["test"]["id"][:]
    found = []
    for split in ("train", "validation"):
        images, hashes = _images_and_hashes(splits[split])
        ids = splits[split]["id"][:]
        nearest, bits = _nearest(test_hashes, hashes)
        for i in np.flatnonzero(bits <= NEAR):
            twin = nearest[i]
            difference = np.abs(test_images[i].astype(int) - images[twin]).mean()
            if difference <= ALIKE:
                found.append([test_ids[i], split, ids[twin], int(bits[i]), difference])
    return pd.DataFrame(found, columns=["id", "split", "twin", "bits", "difference"])


def perceptual_hash(images: np.ndarray) -> np.ndarray:
    """Hash images by what the eye goes by (Zauner, 2010): is a low frequency above the median?

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
        RGB, 0..255; H and W are even and at least 8.

    Returns
    -------
    float32 array (N, 63)
        1 for each of the 8 × 8 lowest frequencies of the grey image that is above the median of
        them all, else -1. The lowest one, the image's mean, is left out.
    """
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in images]
    low = np.stack([cv2.dct(image)[:8, :8].ravel()[1:] for image in grey])
    return np.where(low > np.median(low, axis=1, keepdims=True), 1, -1).astype(np.float32)


def _images_and_hashes(rows: datasets.Dataset) -> tuple[np.ndarray, np.ndarray]:
    images, _ = thumbnails(rows)
    return images, perceptual_hash(images)


def _nearest(hashes: np.ndarray, known: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Find for each hash the nearest of those known: its index, and the bits in which they differ.

    With bits of -1 and 1, a product of two hashes is the number of bits that agree less the number
    of those that differ. The products of all pairs would outgrow the memory: 256 rows are made at
    a time.
    """
    nearest, bits = [], []
    for start in range(0, len(hashes), 256):
        products = hashes[start : start + 256] @ known.T
        nearest.append(products.argmax(axis=1))
        bits.append((hashes.shape[1] - products.max(axis=1)) / 2)
    return np.concatenate(nearest), np.concatenate(bits)
