"""Is an image like those the detector was trained on? Out-of-distribution detection (OOD).

The distance is measured in the space of an early feature map. Late layers keep what tells the two
classes apart and forget the rest, and with it what makes an image strange.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from truthpixel_utils.backend import keras
from truthpixel_utils.data import seen
from truthpixel_utils.model import prepare, view_of

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
    train = _features_of_rows(detector, layer, _sample(splits["train"]))
    validation = _features_of_rows(detector, layer, _sample(splits["validation"]))
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
    images : uint8 array (N, size, size, 3)
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


def ood_distances_of_groups(
    detector: keras.Model, images: np.ndarray, owners: np.ndarray, fitted: dict[str, Any]
) -> np.ndarray:
    """Measure how far pictures lie from what a detector was trained on, given their windows.

    Parameters
    ----------
    detector : keras.Model
        The network that `fitted` was made with.
    images : uint8 array (n, size, size, 3)
        The windows of N pictures.
    owners : int array (n,)
        The picture that each window belongs to, 0 to N - 1.
    fitted : dict
        What `fit_ood` returned.

    Returns
    -------
    float array (N,)
        See `ood_distances`; a picture's features are the mean over its windows.
    """
    features = _features_of_groups(detector, fitted["layer"], images, owners)
    return _mahalanobis(features, fitted)


def ood_distances_of_rows(
    detector: keras.Model, rows: datasets.Dataset, fitted: dict[str, Any]
) -> np.ndarray:
    """Measure how far the rows of a split lie from what a detector was trained on.

    Parameters
    ----------
    detector : keras.Model
        The network that `fitted` was made with.
    rows : datasets.Dataset
        N rows of a split.
    fitted : dict
        What `fit_ood` returned.

    Returns
    -------
    float array (N,)
        See `ood_distances`; a picture's features are the mean over its windows.
    """
    return _mahalanobis(_features_of_rows(detector, fitted["layer"], rows), fitted)


def _mahalanobis(features, fitted):
    precision = np.array(fitted["precision"])
    return cdist(features, [fitted["location"]], "mahalanobis", VI=precision)[:, 0]


def _rounded(numbers):
    """Round to six digits: rounding differs from machine to machine, and nobody reads more."""
    return [float(f"{number:.6g}") for number in numbers]


def _sample(rows):
    """Take rows from all over a split, which may be sorted."""
    count = min(len(rows), MAX_IMAGES)
    return rows.select(np.linspace(0, len(rows) - 1, count).astype(int))


def _features_of_rows(detector, layer, rows):
    """Average the features of each row's images or windows: float32 (N, C)."""
    batches = seen(rows, view_of(detector))
    return np.concatenate([_features_of_groups(detector, layer, *batch) for batch in batches])


def _features_of_groups(detector, layer, images, owners):
    features = pd.DataFrame(_features(detector, layer, images))
    return features.groupby(owners).mean().to_numpy()


def _features(detector, layer, images):
    """Average a layer's map over its cells: float32 (N, C)."""
    [features] = prepare(_up_to(detector, layer))(images)
    return features


@lru_cache(maxsize=2)  # `prepare` knows a network again by its being the same object
def _up_to(detector, layer):
    feature_map = detector.get_layer(layer).output
    return keras.Model(detector.input, keras.layers.GlobalAveragePooling2D()(feature_map))
