"""Where in the image the verdict comes from: heatmaps, in one pass with the score."""

from __future__ import annotations

from functools import lru_cache

import cv2
import numpy as np
from scipy.special import expit

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.explain.methods import METHODS, check_method
from truthpixel_utils.model import boundary, prepare

# Coarser maps are less faithful: a layer that is chosen by itself has so many cells a side.
MIN_CELLS = 7
# The engine computes so many numbers at a time: each pause costs time, and so does memory.
NUMBERS_AT_ONCE = 16_000_000
TARGETS = {"predicted": 0.0, "ai": 1.0, "real": -1.0}


def compute_heatmaps(
    detector: keras.Model,
    images: np.ndarray,
    method: str = "gradcam",
    layer: str | None = None,
    target: str = "predicted",
) -> np.ndarray:
    """Compute heatmaps: where in each image the evidence lies.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    method : str
        A key of `methods.METHODS`.
    layer : str, optional
        Name of the layer whose output map is weighed; without it, that of `default_layer`.
    target : {"predicted", "ai", "real"}
        The side for which the heat speaks, see `predict_and_explain`.

    Returns
    -------
    float32 array (N, H, W)
        Heatmaps in the images' own size, 0 or more, not normalised: a map of zeros says that
        nothing in this layer speaks for the target, and two maps by one method can be compared.

    Raises
    ------
    TruthPixelError
        If the method, the target or the layer does not exist, or the layer's output is no map.
    """
    _, _, heatmaps = predict_and_explain(detector, images, method, layer, target)
    return heatmaps


def predict_and_explain(
    detector: keras.Model,
    images: np.ndarray,
    method: str = "gradcam",
    layer: str | None = None,
    target: str = "predicted",
    batch_size: int = 16,
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Score images and explain the verdicts in one pass.

    What lies below `layer` is computed by the engine, once for both; only what lies above is
    differentiated. The gradient is the logit's, not the probability's, which vanishes where the
    detector is sure.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    method : str
        A key of `methods.METHODS`; whichever it is, cells that speak against the target are cut
        to 0.
    layer : str, optional
        Name of the layer whose output map is weighed; without it, that of `default_layer`.
    target : {"predicted", "ai", "real"}
        The side for which the heat speaks: the one that each verdict falls on, or always one
        (for real, the negative logit is differentiated).
    batch_size : int
        Images to differentiate at a time. Each takes up to 0.2 GB where the network sees 224
        pixels and `layer` lies far down.

    Returns
    -------
    logits : float32 array (N,)
        Any real number; 0 is undecided, more is AI-generated.
    p_ai : float32 array (N,)
        The probability of AI-generated, 0..1.
    heatmaps : float32 array (N, H, W)
        See `compute_heatmaps`.

    Raises
    ------
    TruthPixelError
        If the method, the target or the layer does not exist, or the layer's output is no map.
    """
    check_method(method)
    if target not in TARGETS:
        raise TruthPixelError(f'target is "{target}": expected {", ".join(TARGETS)}.')
    trunk, differentiate = _parts(detector, layer or default_layer(detector))
    forward = prepare(trunk)
    chunk = max(batch_size, NUMBERS_AT_ONCE // int(np.prod(trunk.output.shape[1:])))
    logits, maps = [], []
    for start in range(0, len(images), chunk):
        [features] = forward(images[start : start + chunk])
        for first in range(0, len(features), batch_size):
            tensors = differentiate(features[first : first + batch_size], TARGETS[target])
            activations, gradients, logit = (tensor.numpy() for tensor in tensors)
            maps.extend(np.maximum(METHODS[method](activations, gradients), 0))
            logits.extend(logit[:, 0])
    logits = np.array(logits, np.float32)
    p_ai = expit(logits)
    height, width = images.shape[1:3]
    heatmaps = np.array([_resized(cells, height, width) for cells in maps], np.float32)
    return logits, p_ai, heatmaps.reshape(-1, height, width)  # also where there are no images


def default_layer(detector: keras.Model) -> str:
    """Name the last layer whose map has at least seven cells a side.

    So many has the very last layer where the network sees 224 pixels. With 128 pixels it is the
    one before the last halving, with 96 and 64 the one before the last two.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.

    Returns
    -------
    str
        The layer's name.
    """
    fine = [layer for layer in _maps(detector) if layer.output.shape[1] >= MIN_CELLS]
    return [layer.name for layer in fine if not isinstance(layer, keras.layers.ZeroPadding2D)][-1]


def is_empty(heatmap: np.ndarray) -> bool:
    """Say whether a heatmap is zero everywhere: scaling it up to draw it would show noise.

    Parameters
    ----------
    heatmap : float array (H, W)
        A heatmap; pixels that are NaN do not count.

    Returns
    -------
    bool
        True if there is nothing to draw.
    """
    return not np.any(heatmap > 0)


def place_heatmap(heatmap: np.ndarray, height: int, width: int) -> np.ndarray:
    """Put the heatmap of a thumbnail where it belongs in the image that was scaled down to it.

    Parameters
    ----------
    heatmap : float32 array (h, w)
        The heatmap of the thumbnail, which shows the centre square of the image.
    height, width : int
        Size of the image in pixels.

    Returns
    -------
    float32 array (height, width)
        NaN outside the centre square, which the detector was not shown.
    """
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    whole = np.full((height, width), np.nan, np.float32)
    whole[top : top + side, left : left + side] = _resized(heatmap, side, side)
    return whole


def _maps(detector):
    """List the layers whose output is a map, the input left out."""
    return [layer for layer in detector.layers[1:] if len(layer.output.shape) == 4]


def _resized(cells, height, width):
    """Stretch a map linearly or, where it has more cells than pixels, average: none is left out."""
    interpolation = cv2.INTER_AREA if len(cells) > height else cv2.INTER_LINEAR
    return cv2.resize(cells, (width, height), interpolation=interpolation)


@lru_cache(maxsize=2)  # `prepare` knows a trunk again by its being the same object
def _parts(detector, layer):
    """Divide the detector into a trunk and a function that differentiates what lies above it.

    The network can be cut only where nothing runs past, so the cut may lie below `layer`.
    """
    names = [known.name for known in detector.layers]
    maps = [known.name for known in _maps(detector)]
    if layer not in maps:
        flat = "has no map, as a layer between input and pooling has"
        fault = flat if layer in names else "is no layer"
        raise TruthPixelError(
            f'layer "{layer}" {fault} of this detector: "{maps[-1]}" is its last map.'
        )
    cut = boundary(detector, names.index(layer))
    outputs = [detector.get_layer(name).output for name in (layer, "logit")]
    return keras.Model(detector.input, cut), _differentiator(keras.Model(cut, outputs))


def _differentiator(above):
    """Make the function that computes gradients in the network `above` the trunk.

    It takes what goes in there (N, ...) and a side: 1 for AI-generated, -1 for real, 0 for the one
    that each verdict falls on. It returns the layer's activations and that side's gradient in them,
    (N, h, w, C) each, and the logits (N, 1), all as tensors. It is the one thing here that needs
    TensorFlow.
    """
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(above.input.shape), tf.TensorSpec([])])
    def differentiate(inputs, side):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            activations, logit = above(inputs, training=False)
            speaks_for = tf.where(side == 0, tf.abs(logit), side * logit)
        return activations, tape.gradient(speaks_for, activations), logit

    # It is traced here, once: TensorFlow would warn of a function that is traced in a loop.
    return differentiate.get_concrete_function()
