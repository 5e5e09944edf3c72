"""Where in the image the verdict comes from: class activation maps, Grad-CAM and its kin."""

from functools import lru_cache

import cv2
import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model.detector import boundary
from truthpixel_utils.model.inference import prepare

CELLS = 7  # a side, at least, of the map that is weighed unless a layer is named: coarser ones are less faithful
CHUNK = 16_000_000  # numbers that the engine computes at a time: its pauses cost, and so does memory
TARGETS = {"predicted": 0.0, "ai": 1.0, "real": -1.0}


def gradcam(activations, gradients):
    """Selvaraju et al., 2017: a channel weighs as much as its gradient, averaged over the map."""
    return np.einsum("nhwc,nc->nhw", activations, gradients.mean(axis=(1, 2)))


def gradcam_plus_plus(activations, gradients):
    """Chattopadhay et al., 2018: the average leaves out negative gradients and weighs cells, so that of several spots
    each counts."""
    square, cube = gradients**2, gradients**3
    below = 2 * square + activations.sum(axis=(1, 2), keepdims=True) * cube
    alpha = np.divide(square, below, out=np.zeros_like(square), where=below != 0)
    return np.einsum("nhwc,nc->nhw", activations, (alpha * np.maximum(gradients, 0)).sum(axis=(1, 2)))


def hirescam(activations, gradients):
    """Draelos and Carin, 2020: each cell by its own gradient, nothing averaged."""
    return np.einsum("nhwc,nhwc->nhw", activations, gradients)


def layercam(activations, gradients):
    """Jiang et al., 2021: each cell by its own gradient where that is positive."""
    return np.einsum("nhwc,nhwc->nhw", activations, np.maximum(gradients, 0))


def eigencam(activations, gradients):
    """Muhammad and Yeasin, 2020: the activations along their first principal direction; it asks for no gradient, so for
    no target either."""
    cells = activations.reshape(len(activations), -1, activations.shape[-1])
    _, _, directions = np.linalg.svd(cells, full_matrices=False)
    along = np.einsum("ncd,nd->nc", cells, directions[:, 0])
    along *= np.sign(along.sum(axis=1, keepdims=True) + 1e-30)  # a direction has no sign of its own
    return along.reshape(activations.shape[:3])


METHODS = {
    "gradcam": gradcam,
    "gradcam++": gradcam_plus_plus,
    "hirescam": hirescam,
    "layercam": layercam,
    "eigencam": eigencam,
}


def compute_heatmaps(detector, images, method="gradcam", layer=None, target="predicted"):
    """Compute heatmaps; see `judge` for the parameters.

    Returns
    -------
    float32 array (N, H, W), in the images' own size, 0 or more, not normalised: a map of zeros says that nothing in
    this layer speaks for the target, and two maps by one method can be compared.
    """
    return predict_and_explain(detector, images, method, layer, target)[2]


def predict_and_explain(detector, images, method="gradcam", layer=None, target="predicted", batch_size=16):
    """Score images and explain the verdicts in one pass.

    What lies below `layer` is computed by the engine, once for both; only what lies above is differentiated. The
    gradient is the logit's, not the probability's, which vanishes where the detector is sure.

    Parameters
    ----------
    detector : keras.Model from `model.build_detector` or `model.load_detector`
    images : uint8 array (N, H, W, 3), RGB, at the detector's input size
    method : str, a key of `METHODS`; negative sums are cut to 0 in all of them
    layer : str, name of the layer whose output map is weighed; by default that of `last_fine_map`
    target : {"predicted", "ai", "real"}
        What the heat speaks for: the side the verdict fell on, or always one side (real: the logit's negative).
    batch_size : int, images to differentiate at a time; each takes up to 0.2 GB at 224 pixels where `layer` lies far down

    Returns
    -------
    logits, p_ai : float32 arrays (N,)
    heatmaps : float32 array (N, H, W), see `explain`

    Raises
    ------
    TruthPixelError if the method, the target or the layer does not exist, or the layer's output is no map.
    """
    if method not in METHODS:
        raise TruthPixelError(f'method is "{method}": expected {", ".join(METHODS)}.')
    if target not in TARGETS:
        raise TruthPixelError(f'target is "{target}": expected {", ".join(TARGETS)}.')
    layer = layer or default_layer(detector)
    trunk, differentiate = _parts(detector, layer)
    forward = prepare(trunk)
    logits, maps = [], []
    chunk = max(batch_size, CHUNK // int(np.prod(trunk.output.shape[1:])))
    for start in range(0, len(images), chunk):
        below = forward(images[start : start + chunk])[0]
        for some in range(0, len(below), batch_size):
            found = differentiate(below[some : some + batch_size], TARGETS[target])
            activations, gradients, logit = (part.numpy() for part in found)
            maps.extend(np.maximum(METHODS[method](activations, gradients), 0))
            logits.extend(logit[:, 0])
    logits = np.array(logits, np.float32)
    heatmaps = [_resized(cells, *images.shape[1:3]) for cells in maps]
    p_ai = 1 / (1 + np.exp(-logits))
    return logits, p_ai, np.array(heatmaps, np.float32).reshape(-1, *images.shape[1:3])


def default_layer(detector):
    """Name the last layer whose map has at least seven cells a side, as many as the very last has with 224 pixels
    inside; with 128 it is the one before the last halving, with 96 and 64 the one before the last two."""
    maps = [layer for layer in _maps(detector) if not isinstance(layer, keras.layers.ZeroPadding2D)]
    return [layer.name for layer in maps if layer.output.shape[1] >= CELLS][-1]


def is_empty(heatmap):
    """True if a heatmap is zero everywhere: there is nothing to draw, and scaling it up would show noise."""
    return not np.any(heatmap > 0)


def place_heatmap(heatmap, height, width):
    """Put the heatmap of a thumbnail where it belongs in the image that the thumbnail was made of.

    Returns
    -------
    float32 array (height, width); not a number outside the centre square, which the detector was not shown
    """
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    whole = np.full((height, width), np.nan, np.float32)
    whole[top : top + side, left : left + side] = _resized(heatmap, side, side)
    return whole


def _maps(detector):
    """The layers whose output is a map, the input left out."""
    return [layer for layer in detector.layers[1:] if len(layer.output.shape) == 4]


def _resized(cells, height, width):
    """Stretched linearly, or averaged where there are more cells than pixels: none is left out."""
    larger = len(cells) > height
    return cv2.resize(cells, (width, height), interpolation=cv2.INTER_AREA if larger else cv2.INTER_LINEAR)


@lru_cache(maxsize=2)  # a prepared trunk is known again by being the same
def _parts(detector, layer):
    """The network that computes what the differentiated part is given, and that part, see `_differentiator`."""
    names = [known.name for known in detector.layers]
    maps = [known.name for known in _maps(detector)]
    if layer not in maps:
        found = "has no map, as a layer between input and pooling has" if layer in names else "is no layer"
        raise TruthPixelError(f'layer "{layer}" {found} of this detector: "{maps[-1]}" is its last map.')
    below = boundary(detector, names.index(layer))
    outputs = [detector.get_layer(name).output for name in (layer, "logit")]
    return keras.Model(detector.input, below), _differentiator(keras.Model(below, outputs))


def _differentiator(above):
    """A function of what goes in at `above` (N, ...) and of a side (1, -1, or 0: the one each verdict falls on).

    It returns the layer's activations, that side's gradient in them, (N, h, w, C) each, and the logits (N, 1). The one
    place that needs `tf`.
    """
    import tensorflow as tf

    @tf.function(input_signature=[tf.TensorSpec(above.input.shape), tf.TensorSpec([])])
    def differentiate(inputs, side):
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            activations, logit = above(inputs, training=False)
            speaks_for = tf.where(side == 0, tf.abs(logit), side * logit)
        return activations, tape.gradient(speaks_for, activations), logit

    return differentiate.get_concrete_function()  # traced here once: TensorFlow warns of functions traced in a loop
