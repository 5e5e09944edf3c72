"""A detector that is fitted, not trained: one linear layer on statistics of the frozen backbone.

A generator leaves its traces less in what a picture shows than in how often each pattern occurs and
how evenly it is spread. The mean and the standard deviation of a feature map over its cells say
that, and those of middle layers know more of texture than the last one's. It is the idea of style
statistics (Huang and Belongie, *Arbitrary style transfer in real-time with adaptive instance
normalization*, 2017) with the linear probe of Alain and Bengio (*Understanding intermediate layers
using linear classifier probes*, 2016).
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.model.backbone import on_backbone

layers = keras.layers

MAPS = ("block5c_add", "block6d_add", "top_activation")  # whose statistics are taken
STATISTICS = "statistics"  # the layer that holds them all
LEAST_VARIANCE = 1e-12  # of a channel: at 0 the square root has no slope, and a heatmap no value


@keras.saving.register_keras_serializable("truthpixel")
class SpatialDeviation(layers.Layer):
    """The standard deviation of each channel of a map over its cells: (N, H, W, C) to (N, C)."""

    def call(self, maps: keras.KerasTensor) -> keras.KerasTensor:
        variance = keras.ops.var(maps, axis=(1, 2))
        return keras.ops.sqrt(keras.ops.maximum(variance, LEAST_VARIANCE))

    def compute_output_shape(self, input_shape: tuple) -> tuple:
        return (input_shape[0], input_shape[-1])


def build_statistics_detector(
    weights: str | Path | None = "auto", image_size: int = 224, view: str = "whole"
) -> keras.Model:
    """Build a detector whose only layer to fit is a linear one on its backbone's statistics.

    Parameters
    ----------
    weights : str or Path or None
        Of the backbone, see `build_detector`.
    image_size : int
        Pixels a side at which the backbone sees the image, 32 or more.
    view : {"thumbnail", "whole", "windows"}
        How it looks at a picture, see `build_detector`.

    Returns
    -------
    keras.Model
        From pixels to p_ai as `build_detector` builds it. The layer ``statistics`` holds the means
        and standard deviations of the maps in `MAPS`, float32 (N, 3168); ``logit`` is zero until
        `set_linear` sets it.

    Raises
    ------
    TruthPixelError
        As `build_detector` does.
    """
    pixels, backbone = on_backbone(weights, image_size, view)
    parts = []
    for name in MAPS:
        maps = backbone.get_layer(name).output
        parts.append(layers.GlobalAveragePooling2D(name=f"{name}_mean")(maps))
        parts.append(SpatialDeviation(name=f"{name}_deviation")(maps))
    x = layers.Concatenate(name=STATISTICS)(parts)
    logit = layers.Dense(1, name="logit", dtype="float32", kernel_initializer="zeros")(x)
    p_ai = layers.Activation("sigmoid", name="p_ai", dtype="float32")(logit)
    detector = keras.Model(pixels, p_ai, name="truthpixel")
    for layer in detector.layers:
        layer.trainable = layer.name == "logit"
    return detector


def set_linear(detector: keras.Model, coefficients: np.ndarray, intercept: float) -> None:
    """Set the linear layer of a detector, in place.

    Parameters
    ----------
    detector : keras.Model
        As `build_statistics_detector` returns it.
    coefficients : float array (D,)
        What each statistic adds to the logit.
    intercept : float
        What is added to all of that.
    """
    kernel = np.asarray(coefficients, np.float32)[:, None]
    detector.get_layer("logit").set_weights([kernel, np.array([intercept], np.float32)])
