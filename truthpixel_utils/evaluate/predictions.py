"""Images in, table out: the one way in which a detector is applied to images."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils.backend import keras
from truthpixel_utils.data import seen
from truthpixel_utils.model import prepare, view_of

if TYPE_CHECKING:
    import datasets


def predict_rows(
    detector: keras.Model,
    rows: datasets.Dataset,
    engine: str = "auto",
    change: Callable[[np.ndarray], np.ndarray] | None = None,
) -> pd.DataFrame:
    """Apply the detector to the rows of a split.

    A detector that looks at windows gives a picture the mean of its windows' logits.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    rows : datasets.Dataset
        Rows with the columns of a split, see `data.load_splits`.
    engine : str
        What computes the forward pass, see `model.prepare`.
    change : Callable, optional
        A function of an image as the detector sees it, uint8 (size, size, 3), that returns the
        image to show it instead.

    Returns
    -------
    pandas.DataFrame
        One row an image, in the order of `rows`: ``id`` (str), ``label`` (int, 1 = AI-generated),
        ``generator`` and ``source`` (str), ``logit`` and ``p_ai`` (float32; p_ai is the sigmoid of
        the logit).
    """
    logits, windows = np.zeros(len(rows)), np.zeros(len(rows), int)
    for images, owners in seen(rows, view_of(detector)):
        if change:
            images = np.stack([change(image) for image in images])
        of_images, _ = predict_images(detector, images, engine)
        np.add.at(logits, owners, of_images)
        np.add.at(windows, owners, 1)
    logits = (logits / windows).astype(np.float32)
    columns = {name: rows[name][:] for name in ("id", "label", "generator", "source")}
    return pd.DataFrame({**columns, "logit": logits, "p_ai": expit(logits)})


def predict_images(
    detector: keras.Model, images: np.ndarray, engine: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the detector to images as it sees them, see `data.look`.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, size, size, 3)
        Images of the detector's input size, RGB, 0..255.
    engine : str
        What computes the forward pass, see `model.prepare`.

    Returns
    -------
    logits : float32 array (N,)
        Any real number; 0 is undecided, more is AI-generated.
    p_ai : float32 array (N,)
        The probability of AI-generated, 0..1.
    """
    logits, p_ai = prepare(_with_logit(detector), engine)(images)
    return logits[:, 0], p_ai[:, 0]


def images_for(detector: keras.Model, rows: datasets.Dataset) -> tuple[np.ndarray, np.ndarray]:
    """Decode the rows of a split as a detector sees them, one image a row.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    rows : datasets.Dataset
        N rows with the columns of a split.

    Returns
    -------
    images : uint8 array (N, size, size, 3)
        RGB, 0..255: thumbnails, whole pictures, or of windows the middle one.
    labels : float32 array (N,)
        1 = AI-generated, 0 = real.
    """
    found = []
    for images, owners in seen(rows, view_of(detector)):
        _, first = np.unique(owners, return_index=True)
        found.append(images[first])
    return np.concatenate(found), np.asarray(rows["label"], np.float32)


@lru_cache(maxsize=2)  # `prepare` knows a network again by its being the same object
def _with_logit(detector):
    """Give the detector a second output, the logit, from the same layers and weights."""
    return keras.Model(detector.input, [detector.get_layer("logit").output, detector.output])
