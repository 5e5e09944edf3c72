"""How much each of several detectors is to count where they answer together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
from sklearn.linear_model import LogisticRegression

from truthpixel_utils.backend import keras
from truthpixel_utils.evaluate.calibration import calibrate
from truthpixel_utils.evaluate.predictions import predict_rows
from truthpixel_utils.model import fuse, members

if TYPE_CHECKING:
    import datasets


def fit_fusion(detectors: Sequence[keras.Model], rows: datasets.Dataset) -> keras.Model:
    """Fuse detectors that look at pictures in different ways, by a logistic regression.

    Parameters
    ----------
    detectors : sequence of keras.Model
        One or more, of different views. Where they are several, each is calibrated in place first,
        so that its own probability means something as well.
    rows : datasets.Dataset
        Validation rows, which none of the detectors has learned from.

    Returns
    -------
    keras.Model
        The fused detector, see `model.fuse`; of one detector, itself as it was.

    Raises
    ------
    TruthPixelError
        If two of them look at pictures in the same way.
    """
    if len(detectors) == 1:
        return detectors[0]
    fused = fuse(detectors)
    logits = []
    for member in members(fused):
        predictions = predict_rows(member, rows)
        calibration = calibrate(member, predictions)
        logits.append((predictions["logit"] - calibration["shift"]) / calibration["temperature"])
    regression = LogisticRegression(C=np.inf, tol=1e-8, max_iter=1000)  # C: no regularisation
    regression.fit(np.stack(logits, axis=-1), predictions["label"])
    fused.get_layer("logit").set_weights([regression.coef_.T, regression.intercept_])
    return fused
