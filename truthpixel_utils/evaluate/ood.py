"""Is an image like those the detector was trained on? A distance in the space of an early feature map."""

from functools import lru_cache

import numpy as np
from scipy.spatial.distance import cdist
from sklearn.covariance import LedoitWolf

from truthpixel_utils.backend import keras
from truthpixel_utils.data.splits import thumbnails
from truthpixel_utils.model.inference import prepare

LAYER = "block3b_add"  # late layers keep what parts the two classes and forget the rest, strangeness too
IMAGES = 5_000  # to learn from in a split, at most
KNOWN = 0.95  # share of validation images that count as known


def fit_ood(detector, splits, layer=LAYER):
    """Describe the images that a detector knows.

    The mean of each channel over the map is taken to be normally distributed over the training images, with one
    covariance (Lee et al., 2018, take one mean a class), shrunk after Ledoit and Wolf (2004).

    Parameters
    ----------
    detector : keras.Model
    splits : datasets.DatasetDict with ``train`` and ``validation``
    layer : str, name of the layer whose output map is measured

    Returns
    -------
    dict : ``layer``, ``location`` (list of C floats) and ``precision`` (C lists of C) of training images there, and
    ``limit``, the distance within which 95 % of validation images lie
    """
    train, validation = (_features(detector, layer, _some(splits[name])) for name in ("train", "validation"))
    normal = LedoitWolf().fit(train)
    precision = [_short(row) for row in normal.precision_]
    known = {"layer": layer, "location": _short(normal.location_), "precision": precision}
    return {**known, "limit": float(np.quantile(_far(validation, known), KNOWN))}


def ood_distances(detector, images, known):
    """Measure how far images lie from the middle of those that a detector knows (Mahalanobis, 1936).

    Parameters
    ----------
    detector : keras.Model, the one that `domain` was made with
    images : uint8 array (N, 32, 32, 3), RGB
    known : dict from `domain`

    Returns
    -------
    float array (N,), 0 or more, each direction in its own standard deviations; beyond ``known["limit"]`` the detector's
    answer is a guess
    """
    return _far(_features(detector, known["layer"], images), known)


def _far(features, known):
    return cdist(features, [known["location"]], "mahalanobis", VI=np.array(known["precision"]))[:, 0]


def _short(numbers):
    """To six digits: rounding differs from machine to machine, and nobody reads more."""
    return [float(f"{number:.6g}") for number in numbers]


def _some(rows):
    """Thumbnails from all over a split, which may be sorted."""
    return thumbnails(rows.select(np.linspace(0, len(rows) - 1, min(len(rows), IMAGES)).astype(int)))[0]


def _features(detector, layer, images):
    return prepare(_up_to(detector, layer))(images)[0]


@lru_cache(maxsize=2)  # a prepared network is known again by being the same
def _up_to(detector, layer):
    return keras.Model(detector.input, keras.layers.GlobalAveragePooling2D()(detector.get_layer(layer).output))
