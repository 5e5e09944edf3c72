"""Images in, table out: the one way in which a detector is applied to images."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.data import thumbnails
from truthpixel_utils.model import prepare

if TYPE_CHECKING:
    import datasets
    import numpy as np


def predict_rows(
    detector: keras.Model, rows: datasets.Dataset, engine: str = "auto"
) -> pd.DataFrame:
    """Apply the detector to the rows of a split.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    rows : datasets.Dataset
        Rows with the columns ``image, label, id, generator``.
    engine : str
        What computes the forward pass, see `model.prepare`.

    Returns
    -------
    pandas.DataFrame
        One row an image, in the order of `rows`: ``id`` (str), ``label`` (int, 1 = AI-generated),
        ``generator`` (str), ``logit`` and ``p_ai`` (float32; p_ai is the sigmoid of the logit).
    """
    images, _ = thumbnails(rows)
    logits, p_ai = predict_images(detector, images, engine)
    columns = {name: rows[name][:] for name in ("id", "label", "generator")}
    return pd.DataFrame({**columns, "logit": logits, "p_ai": p_ai})


def predict_images(
    detector: keras.Model, images: np.ndarray, engine: str = "auto"
) -> tuple[np.ndarray, np.ndarray]:
    """Apply the detector to thumbnails.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, 32, 32, 3)
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


@lru_cache(maxsize=2)  # `prepare` knows a network again by its being the same object
def _with_logit(detector):
    """Give the detector a second output, the logit, from the same layers and weights."""
    return keras.Model(detector.input, [detector.get_layer("logit").output, detector.output])
