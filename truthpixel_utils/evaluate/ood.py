"""Is an image like those the detector was trained on? Out-of-distribution detection (OOD).

The distance is measured in the space of an early feature map. Late layers keep what tells the two
classes apart and forget the rest, and with it what makes an image strange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from truthpixel_utils.backend import keras
from truthpixel_utils.data import look, seen
from truthpixel_utils.model import members, prepare, view_of

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
    limit = np.quantile(mahalanobis(validation, fitted), SHARE_WITHIN)
    return {**fitted, "limit": float(limit)}


def ood_distances(
    detector: keras.Model, pictures: Sequence[np.ndarray], fitted: dict[str, Any]
) -> np.ndarray:
    """Measure how far pictures lie from the middle of those a detector was trained on.

    Parameters
    ----------
    detector : keras.Model
        The network that `fitted` was made with.
    pictures : sequence of uint8 arrays (height, width, 3)
        N pictures of any size, RGB, 0..255.
    fitted : dict
        What `fit_ood` returned.

    Returns
    -------
    float array (N,)
        Mahalanobis's distance (1936): 0 or more, each direction in its own standard deviations.
        Beyond ``fitted["limit"]`` the detector's answer is a guess. A picture's features are the
        mean over its windows, where the detector looks at windows.
    """
    observer = _observer(detector)
    shown = [look(picture, view_of(observer)) for picture in pictures]
    owners = np.repeat(np.arange(len(shown)), [len(images) for images in shown])
    features = _features(observer, fitted["layer"], np.concatenate(shown), owners)
    return mahalanobis(features, fitted)


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
    return mahalanobis(_features_of_rows(detector, fitted["layer"], rows), fitted)


def _observer(detector):
    """The network whose features are asked: of a fused detector the first, which sees the whole."""
    return members(detector)[0]


def mahalanobis(features: np.ndarray, fitted: dict[str, Any]) -> np.ndarray:
    """Measure how far features lie from the middle of those of training.

    Parameters
    ----------
    features : float array (N, C)
        The means of the channels of the layer's map.
    fitted : dict
        What `fit_ood` returned.

    Returns
    -------
    float array (N,)
        See `ood_distances`.
    """
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
    observer = _observer(detector)
    batches = seen(rows, view_of(observer))
    return np.concatenate([_features(observer, layer, *batch) for batch in batches])


def _features(network, layer, images, owners):
    """Average a layer's map over its cells, and over the images of one owner: float32 (N, C)."""
    [features] = prepare(_up_to(network, layer))(images)
    return pd.DataFrame(features).groupby(owners).mean().to_numpy()


@lru_cache(maxsize=2)  # `prepare` knows a network again by its being the same object
def _up_to(network, layer):
    feature_map = network.get_layer(layer).output
    return keras.Model(network.input, keras.layers.GlobalAveragePooling2D()(feature_map))
