"""Grad-CAM (Selvaraju et al., 2017): where in the image the verdict comes from."""

from functools import lru_cache

import cv2
import numpy as np

from truthpixel_utils.engine import prepare
from truthpixel_utils.model import boundary, keras

LAST_CONVOLUTION = "top_activation"  # the backbone's last feature map: image_size / 32 cells a side


def explain(detector, images, layer=LAST_CONVOLUTION, target="predicted", batch_size=16, engine="auto"):
    """Compute Grad-CAM heatmaps.

    A cell's heat is the sum over channels of activation times the channel's mean gradient, negative sums cut to 0.
    The gradient is the logit's, not the probability's, which vanishes where the detector is sure.

    Parameters
    ----------
    detector : keras.Model from `model.build_detector` or `model.load_detector`
    images : uint8 array (N, H, W, 3), RGB, at the detector's input size
    layer : str, name of the layer whose output is weighed
    target : {"predicted", "ai", "real"}
        What the heat speaks for: the side the verdict fell on, or always one side (real: the logit's negative).
    batch_size : int, images at a time; each takes up to 0.2 GB at 224 pixels where `layer` lies far down
    engine : see `engine.prepare`; it computes what lies below `layer`, the gradient runs only through what lies above

    Returns
    -------
    float32 array (N, H, W), in the images' own size, 0 or more, not normalised: a map of zeros says that nothing in
    this layer speaks for the target, and two maps can be compared.
    """
    trunk, above = _parts(detector, layer)
    forward = prepare(trunk, engine)
    maps = [_maps(above, forward(images[i : i + batch_size])[0], target) for i in range(0, len(images), batch_size)]
    size = images.shape[2], images.shape[1]
    return np.stack([cv2.resize(cells, size, interpolation=cv2.INTER_LINEAR) for cells in np.concatenate(maps)])


def is_empty(heatmap):
    """True if a heatmap is zero everywhere: there is nothing to draw, and scaling it up would show noise."""
    return not np.any(heatmap > 0)


@lru_cache(maxsize=2)  # a prepared trunk is known again by being the same
def _parts(detector, layer):
    """What computes the input of the differentiated part, and that part: its outputs are the layer's and the logit."""
    below = boundary(detector, detector.layers.index(detector.get_layer(layer)))
    outputs = [detector.get_layer(name).output for name in (layer, "logit")]
    return keras.Model(detector.input, below), keras.Model(below, outputs)


def _maps(above, inputs, target):
    activations, gradients = _activations_and_gradients(above, inputs, target)
    weights = gradients.mean(axis=(1, 2), keepdims=True)
    return np.maximum((activations * weights).sum(axis=-1), 0)


def _activations_and_gradients(above, inputs, target):
    """The layer's activations and the target's gradient in them, (N, h, w, C) each: the one place that needs `tf`."""
    import tensorflow as tf

    inputs = tf.cast(inputs, tf.float32)
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        activations, logit = above(inputs, training=False)
        sign = {"predicted": tf.sign(logit + 1e-12), "ai": 1.0, "real": -1.0}[target]
        speaks_for = sign * logit
    return activations.numpy(), tape.gradient(speaks_for, activations).numpy()
