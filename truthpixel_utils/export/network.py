"""The network that leaves Python: bytes of pixels in; the logit, p_ai and the distance out."""

from __future__ import annotations

from typing import Any

import numpy as np

from truthpixel_utils.backend import keras

layers = keras.layers


def with_distance(detector: keras.Model, fitted: dict[str, Any] | None) -> keras.Model:
    """Let a detector say its logit, and how far an image lies from those of training, as well.

    Parameters
    ----------
    detector : keras.Model
        One that is not fused, as `model.members` returns it.
    fitted : dict or None
        What `evaluate.fit_ood` found out about it; without it, there is no distance.

    Returns
    -------
    keras.Model
        The same layers in a flat graph, from float32 pixels (N, size, size, 3), RGB, 0..255, to a
        dict of float32 arrays (N, 1): ``logit``, ``p_ai`` (0..1, its sigmoid) and ``distance``, see
        `evaluate.ood_distances`, all for one image each.
    """
    outputs = {"logit": detector.get_layer("logit").output, "p_ai": detector.output}
    if fitted:
        outputs["distance"] = _distance(detector.get_layer(fitted["layer"]).output, fitted)
    return keras.Model(detector.input, outputs, name="truthpixel")


def plain_copy(detector: keras.Model) -> keras.Model:
    """Copy a detector; the mean and the deviation of a `Normalization` become plain numbers.

    Keras holds these two in tensors that are no weights, and its export to ONNX makes inputs of
    them: the model would ask for two arrays beside its pixels.

    Parameters
    ----------
    detector : keras.Model
        One that is not fused.

    Returns
    -------
    keras.Model
        It computes the same, within rounding.
    """
    copy = keras.models.clone_model(detector, clone_function=_copied)
    for layer, original in zip(copy.layers, detector.layers, strict=True):
        if not isinstance(original, layers.Normalization):
            layer.set_weights(original.get_weights())
    return copy


def from_bytes(network: keras.Model) -> keras.Model:
    """Let a network take bytes: what a decoder of images gives, a quarter of the size of floats.

    Parameters
    ----------
    network : keras.Model
        From `with_distance`.

    Returns
    -------
    keras.Model
        With an input ``pixels``, uint8 (N, size, size, 3), and the same outputs.
    """
    pixels = keras.Input(network.input.shape[1:], dtype="uint8", name="pixels")
    return keras.Model(pixels, network(layers.Rescaling(1.0)(pixels)), name=network.name)


def _copied(layer):
    if not isinstance(layer, layers.Normalization):
        return type(layer).from_config(layer.get_config())
    values = (keras.ops.convert_to_numpy(one).ravel() for one in (layer.mean, layer.variance))
    mean, deviation = next(values), np.sqrt(next(values))
    return layers.Rescaling((1 / deviation).tolist(), (-mean / deviation).tolist(), name=layer.name)


def _distance(feature_map, fitted):
    """Compute Mahalanobis's distance by layers: whitened features, and the length of the vector.

    The precision is symmetric, so that it is the square of its eigenvectors times the square roots
    of its eigenvalues.
    """
    precision = np.array(fitted["precision"])
    eigenvalues, eigenvectors = np.linalg.eigh((precision + precision.T) / 2)
    whitening = eigenvectors * np.sqrt(eigenvalues.clip(0))
    whiten = layers.Dense(len(whitening), name="whitened")
    total = layers.Dense(1, name="distance_squared")
    whitened = whiten(layers.GlobalAveragePooling2D(name="early_features")(feature_map))
    squared = total(layers.Multiply(name="squares")([whitened, whitened]))
    whiten.set_weights([whitening, -np.array(fitted["location"]) @ whitening])
    total.set_weights([np.ones((len(whitening), 1)), np.zeros(1)])
    return layers.Activation(keras.ops.sqrt, name="distance")(squared)
