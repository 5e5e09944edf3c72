"""EfficientNet-Lite0: EfficientNetB0 without gates and with ReLU6, as phones run it.

Google's networks for devices (TensorFlow TPU models, ``efficientnet/lite``) keep B0's convolutions,
take the squeeze-and-excitation gates out and put ReLU6 where B0 has swish. Layers have the names
that Keras gives B0's, so that whatever reaches a layer by its name finds it in both.
"""

from __future__ import annotations

from truthpixel_utils.backend import keras

layers = keras.layers

# Tan and Le (2019), table 1: kernel, repeats, channels out, expansion, stride of the first.
BLOCKS = (
    (3, 1, 16, 1, 1),
    (3, 2, 24, 6, 2),
    (5, 2, 40, 6, 2),
    (3, 3, 80, 6, 2),
    (5, 3, 112, 6, 1),
    (5, 4, 192, 6, 2),
    (3, 1, 320, 6, 1),
)


def efficientnet_lite0(pixels: keras.KerasTensor) -> keras.Model:
    """Build EfficientNet-Lite0 without its classifier, with random weights.

    Parameters
    ----------
    pixels : keras.KerasTensor, float32 (N, H, W, 3)
        Symbolic RGB pixels, 0..255: the network normalises them itself.

    Returns
    -------
    keras.Model
        From what `pixels` are made of to float32 (N, H / 32, W / 32, 1280).
    """
    x = layers.Rescaling(1 / 128, offset=-127 / 128, name="rescaling")(pixels)
    x = layers.Conv2D(32, 3, 2, padding="same", use_bias=False, name="stem_conv")(x)
    x = _activated(x, "stem_")
    for number, (kernel, repeats, channels, expansion, stride) in enumerate(BLOCKS, start=1):
        for repeat in range(repeats):
            name = f"block{number}{'abcd'[repeat]}_"
            x = _block(x, kernel, channels, expansion, stride if repeat == 0 else 1, name)
    x = _activated(_pointwise(x, 1280, "top_conv"), "top_")
    source = keras.utils.get_source_inputs(pixels)  # as in Keras's own: there may be a resize below
    return keras.Model(source, x, name="efficientnet_lite0")


def _block(
    x: keras.KerasTensor, kernel: int, channels: int, expansion: int, stride: int, name: str
) -> keras.KerasTensor:
    """Add an inverted bottleneck (Sandler et al., 2018): expand, look at neighbours, project."""
    before, width = x, x.shape[-1] * expansion
    if expansion > 1:
        x = _activated(_pointwise(x, width, name + "expand_conv"), name + "expand_")
    x = layers.DepthwiseConv2D(
        kernel, stride, padding="same", use_bias=False, name=name + "dwconv"
    )(x)
    x = _pointwise(_activated(x, name), channels, name + "project_conv")
    x = layers.BatchNormalization(name=name + "project_bn")(x)
    return layers.Add(name=name + "add")([x, before]) if before.shape == x.shape else x


def _pointwise(x: keras.KerasTensor, channels: int, name: str) -> keras.KerasTensor:
    return layers.Conv2D(channels, 1, use_bias=False, name=name)(x)


def _activated(x: keras.KerasTensor, name: str) -> keras.KerasTensor:
    x = layers.BatchNormalization(name=name + "bn")(x)
    return layers.Activation("relu6", name=name + "activation")(x)
