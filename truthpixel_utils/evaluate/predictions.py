"""Images in, table out: the one way in which a detector is applied to images."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils.backend import keras
from truthpixel_utils.data import seen
from truthpixel_utils.model import members, prepare, view_of, weigh

if TYPE_CHECKING:
    import datasets

Change = Callable[[np.ndarray], np.ndarray]


def predict_rows(
    detector: keras.Model, rows: datasets.Dataset, engine: str = "auto"
) -> pd.DataFrame:
    """Apply the detector to the rows of a split.

    A detector that looks at windows gives a picture the mean of its windows' logits, and a fused
    detector weighs its members' logits.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    rows : datasets.Dataset
        Rows with the columns of a split, see `data.load_splits`.
    engine : str
        What computes the forward pass, see `model.prepare`.

    Returns
    -------
    pandas.DataFrame
        One row an image, in the order of `rows`: ``id`` (str), ``label`` (int, 1 = AI-generated),
        ``generator`` and ``source`` (str), ``logit`` and ``p_ai`` (float32; p_ai is the sigmoid of
        the logit).
    """
    [predictions] = predict_changed(detector, rows, [None], engine)
    return predictions


def predict_changed(
    detector: keras.Model,
    rows: datasets.Dataset,
    changes: Sequence[Change | None],
    engine: str = "auto",
) -> list[pd.DataFrame]:
    """Apply the detector to the rows of a split after each of several changes, decoding them once.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    rows : datasets.Dataset
        Rows with the columns of a split, see `data.load_splits`.
    changes : sequence of functions
        Each from an image as the detector sees it, uint8 (size, size, 3), to the image to show it
        instead; it meets the images in their order. None changes nothing.
    engine : str
        What computes the forward pass, see `model.prepare`.

    Returns
    -------
    list of pandas.DataFrame
        For each change the predictions, as `predict_rows` returns them.
    """
    of_members = [_mean_logits(one, rows, changes, engine) for one in members(detector)]
    columns = {name: rows[name][:] for name in ("id", "label", "generator", "source")}
    tables = []
    for of_change in zip(*of_members, strict=True):
        logits = weigh(detector, of_change).sum(axis=0)
        tables.append(pd.DataFrame({**columns, "logit": logits, "p_ai": expit(logits)}))
    return tables


def _mean_logits(detector, rows, changes, engine):
    """Average the logits of each row's windows, or of its one image: float (changes, N)."""
    forward = prepare(with_logit(detector), engine)
    logits, windows = np.zeros((len(changes), len(rows))), np.zeros(len(rows), int)
    for images, owners in seen(rows, view_of(detector)):
        for of_change, change in zip(logits, changes, strict=True):
            shown = np.stack([change(image) for image in images]) if change else images
            of_images, _ = forward(shown)
            np.add.at(of_change, owners, of_images[:, 0])
        np.add.at(windows, owners, 1)
    return logits / windows


def predict_images(
    detector: keras.Model, images: np.ndarray, engine: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the detector to images as it sees them, see `data.look`.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`; of a fused one, one of
        its `model.members`.
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
    logits, p_ai = prepare(with_logit(detector), engine)(images)
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


@lru_cache(maxsize=4)  # `prepare` knows a network again by its being the same object
def with_logit(detector: keras.Model) -> keras.Model:
    """Give a detector a second output, the logit, from the same layers and weights.

    Parameters
    ----------
    detector : keras.Model
        The network.

    Returns
    -------
    keras.Model
        The same layers, with the outputs ``logit`` and ``p_ai``.
    """
    return keras.Model(detector.input, [detector.get_layer("logit").output, detector.output])
