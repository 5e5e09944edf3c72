"""Is an image like those the detector was trained on? Out-of-distribution detection (OOD).

The distance is measured in the space of an early feature map. Late layers keep what tells the two
classes apart and forget the rest, and with it what makes an image strange.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from truthpixel_utils.backend import keras
from truthpixel_utils.data import thumbnails
from truthpixel_utils.model import prepare

if TYPE_CHECKING:
    import datasets

LAYER = "block3b_add"
MAX_IMAGES = 5_000  # of a split, which is enough to estimate a covariance from
SHARE_WITHIN = 0.95  # of the validation images that lie within the limit


def fit_ood(
    detector: keras.Model, splits: Mapping[str, datasets.Dataset], layer: str = LAYER
) -> dict[str, Any]:
    """Describe where the images that a detector was trained on lie in its features.

    The features of an image are the means of a layer's channels over the map. They are taken to be
    normally distributed over the training images, with one mean and one covariance (Lee et al.,
    *A simple unified framework for detecting out-of-distribution samples and adversarial attacks*,
    2018, take one mean a class), the covariance shrunk after Ledoit and Wolf (2004).

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    splits : dict of datasets.Dataset
        Splits with ``train`` and ``validation``.
    layer : str
        Name of a layer whose output is a map of C channels.

    Returns
    -------
    dict
        ``layer`` (str), ``location`` (list of C floats, the mean), ``precision`` (list of C lists
        of C floats, the covariance's inverse) and ``limit`` (float), the distance within which
        95 % of the validation images lie.
    """
    train = _features(detector, layer, _sample(splits["train"]))
    validation = _features(detector, layer, _sample(splits["validation"]))
    normal = LedoitWolf().fit(train)
    fitted = {
        "layer": layer,
        "location": _rounded(normal.location_),
        "precision": [_rounded(row) for row in normal.precision_],
    }
    limit = np.quantile(_mahalanobis(validation, fitted), SHARE_WITHIN)
    return {**fitted, "limit": float(limit)}


def ood_distances(detector: keras.Model, images: np.ndarray, fitted: dict[str, Any]) -> np.ndarray:
    """Measure how far images lie from the middle of those a detector was trained on.

    Parameters
    ----------
    detector : keras.Model
        The network that `fitted` was made with.
    images : uint8 array (N, 32, 32, 3)
        Images of the detector's input size, RGB, 0..255.
    fitted : dict
        What `fit_ood` returned.

    Returns
    -------
    float array (N,)
        Mahalanobis's distance (1936): 0 or more, each direction in its own standard deviations.
        Beyond ``fitted["limit"]`` the detector's answer is a guess.
    """
    return _mahalanobis(_features(detector, fitted["layer"], images), fitted)


def _mahalanobis(features, fitted):
    precision = np.array(fitted["precision"])
    return cdist(features, [fitted["location"]], "mahalanobis", VI=precision)[:, 0]


def _rounded(numbers):
    """Round to six digits: rounding differs from machine to machine, and nobody reads more."""
    return [float(f"{number:.6g}") for number in numbers]


def _sample(rows):
    """Take thumbnails from all over a split, which may be sorted."""
    count = min(len(rows), MAX_IMAGES)
    chosen = np.linspace(0, len(rows) - 1, count).astype(int)
    images, _ = thumbnails(rows.select(chosen))
    return images


def _features(detector, layer, images):
    """Average a layer's map over its cells: float32 (N, C)."""
    [features] = prepare(_up_to(detector, layer))(images)
    return features


@lru_cache(maxsize=2)  # `prepare` knows a network again by its being the same object
def _up_to(detector, layer):
    feature_map = detector.get_layer(layer).output
    return keras.Model(detector.input, keras.layers.GlobalAveragePooling2D()(feature_map))
