"""Images in, table out: the one way a detector is applied to rows."""

from functools import lru_cache

import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.data.splits import thumbnails
from truthpixel_utils.model.inference import prepare


def predict_rows(detector, rows, engine="auto"):
    """Apply the detector to a split.

    Parameters
    ----------
    detector : keras.Model from `model.build_detector` or `model.load_detector`
    rows : datasets.Dataset with columns ``image, label, id, generator``
    engine : see `engine.prepare`

    Returns
    -------
    pandas.DataFrame, one row an image, in the order of `rows`: ``id`` (str), ``label`` (int, 1 = AI-generated),
    ``generator`` (str), ``logit`` and ``p_ai`` (float32; p_ai is the sigmoid of logit).
    """
    images, _ = thumbnails(rows)
    logits, p_ai = predict_images(detector, images, engine)
    columns = {name: rows[name][:] for name in ("id", "label", "generator")}
    return pd.DataFrame({**columns, "logit": logits, "p_ai": p_ai})


def predict_images(detector, images, engine="auto"):
    """Apply the detector to thumbnails.

    Parameters
    ----------
    images : uint8 array (N, 32, 32, 3), RGB, 0..255
    engine : see `engine.prepare`

    Returns
    -------
    logits, p_ai : float32 arrays (N,)
    """
    logits, p_ai = prepare(_with_logit(detector), engine)(images)
    return logits[:, 0], p_ai[:, 0]


@lru_cache(maxsize=2)  # a prepared network is known again by being the same
def _with_logit(detector):
    return keras.Model(detector.input, [detector.get_layer("logit").output, detector.output])
