"""Checks of the exercises of chapter 2: what may be trained, and what goes in."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.exercises.checking import Reply, not_yet, right
from truthpixel_utils.model import backbone_layers, build_detector

COUNT = 20  # layers that the reader's function is asked to set free


def _all_of_them(answer: float, detector: keras.Model) -> Reply:
    """Batch normalisation stays frozen, and so do the numbers of the layer that normalises."""
    fixed = (keras.layers.BatchNormalization, keras.layers.Normalization)
    everything = detector.count_params()
    frozen = sum(layer.count_params() for layer in detector.layers if isinstance(layer, fixed))
    if answer == everything - frozen:
        return right("all but batch normalisation and the scaling of the input, which stay frozen.")
    if answer == everything:
        return not_yet("that would be every parameter, but one kind of layer stays frozen.")
    if answer < everything - frozen:
        return not_yet('there are more: did you unfreeze "all" before you counted?')
    return not_yet("there are fewer: layers of batch normalisation stay frozen.")


def _strangers_images(prepare: Callable) -> Reply:
    """Floats from 0 to 1 become whole numbers from 0 to 255."""
    asked = np.random.default_rng(0).random((4, 32, 32, 3))
    asked[0], asked[1], asked[2] = 1.0, 0.0, 0.9999
    made = np.asarray(prepare(asked.copy()))
    if made.shape != asked.shape:
        return not_yet(f"the shape was {asked.shape} and is now {made.shape}.")
    if made.dtype != np.uint8:
        return not_yet(f"the detector takes uint8, and these are {made.dtype}.")
    if (made[0] != 255).any():
        return not_yet(f"white, 1.0, has become {made[0].max()}: the range must be 0 to 255.")
    if (made[2] != 255).any():
        return not_yet("0.9999 of 255 is nearer to 255 than to 254: round before you convert.")
    if np.abs(made - asked * 255).max() > 0.5 + 1e-6:
        return not_yet("black and white are right, but the tones between are not.")
    if np.abs(np.asarray(prepare(asked[3:] / 2)) - asked[3:] * 127.5).max() > 0.5 + 1e-6:
        return not_yet("a dark image has become brighter: multiply every image by the same number.")
    return right("0 to 1 has become 0 to 255, rounded, and nothing is divided.")


def _unfrozen_well(unfreeze: Callable) -> Reply:
    """The last layers are free, those below are not, and no batch normalisation is."""
    with contextlib.redirect_stdout(io.StringIO()):  # it would say that its weights are random
        detector = build_detector(None, 32, "thumbnail", 0)
    backbone = backbone_layers(detector)
    unfreeze(detector, COUNT)
    norms = [layer for layer in backbone if isinstance(layer, keras.layers.BatchNormalization)]
    if any(layer.trainable for layer in norms):
        return not_yet("some layer of batch normalisation is free to take up the batch's numbers.")
    below = [layer for layer in backbone[:-COUNT] if layer not in norms]
    if any(layer.trainable for layer in below):
        return not_yet(f"a layer below the last {COUNT} is still trainable.")
    if not all(layer.trainable for layer in backbone[-COUNT:] if layer not in norms):
        return not_yet(f"some of the last {COUNT} layers are frozen that could be trained.")
    if not detector.get_layer("logit").trainable:
        return not_yet("the head is frozen, and it has to be trained in both phases.")
    return right("the last layers may change, their statistics and all layers below may not.")


EXERCISES = {
    "2.1": ("a number", _all_of_them),
    "2.2": ("a function", _strangers_images),
    "2.3": ("a function that changes the detector", _unfrozen_well),
}
