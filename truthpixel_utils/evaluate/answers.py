"""What a detector answers to pictures, and how far they lie from those of its training, at once."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.evaluate.ood import mahalanobis
from truthpixel_utils.evaluate.predictions import with_logit
from truthpixel_utils.model import members, prepare, weigh


class Answers(NamedTuple):
    """What a detector says of N pictures, before any rule.

    Attributes
    ----------
    parts : float32 array (members, N)
        What each of the detector's members adds to a picture's logit, see `model.weigh`.
    distances : float array (N,)
        How far each picture lies from the images of training, see `ood_distances`.
    """

    parts: np.ndarray
    distances: np.ndarray


Ask = Callable[[Sequence[Sequence[np.ndarray]]], Answers]


def prepare_answers(detector: keras.Model, known: dict[str, Any]) -> Ask:
    """Prepare a detector for being asked about many pictures, or about one.

    The first member, whose features tell what is out of distribution, gives its logit and its
    features in one pass.

    Parameters
    ----------
    detector : keras.Model
        As `model.load_detector` returns it.
    known : dict
        What `fit_ood` found out about its training images.

    Returns
    -------
    callable
        From what the detector is shown to `Answers`. It is shown a sequence of N pictures: of each
        a uint8 array (n, size, size, 3) for every one of its `model.members`, from `data.look`.
    """
    observer, *others = members(detector)
    forwards = [
        prepare(_with_features(observer, known["layer"])),
        *(prepare(with_logit(other)) for other in others),
    ]

    def ask(shown):
        logits, features = [], None
        for forward, images in zip(forwards, zip(*shown, strict=True), strict=True):
            outputs = forward(np.concatenate(images))
            starts = np.cumsum([0, *map(len, images[:-1])])
            counts = np.array([[len(of_one)] for of_one in images])
            means = [np.add.reduceat(output, starts) / counts for output in outputs]
            logits.append(means[0][:, 0])
            features = means[1] if features is None else features
        return Answers(weigh(detector, logits), mahalanobis(features, known))

    return ask


@lru_cache(maxsize=4)  # `prepare` knows a network again by its being the same object
def _with_features(network, layer):
    """Give a network two outputs, the logit and the means of the channels of a layer's map."""
    features = keras.layers.GlobalAveragePooling2D()(network.get_layer(layer).output)
    return keras.Model(network.input, [network.get_layer("logit").output, features])
