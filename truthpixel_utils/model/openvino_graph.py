"""A Keras network, rebuilt layer by layer from OpenVINO's operations.

OpenVINO has a converter for whole networks, and so has Keras. For this detector, the translation by
hand is faster where it counts. With 96 pixels a side inside, a CPU answers 176 images a second by
it, 126 by `openvino.convert_model` on a SavedModel, and 58 by Keras's own export; at 224 pixels
there is no difference. And it takes less than a second, where the converters take 18 to 86, which
one would wait for in the notebooks again and again.

Keras keeps an image's channels last, OpenVINO keeps them first. So the input is turned once, and
everything between input and outputs works on tensors (N, channels, height, width).
"""

from __future__ import annotations

from collections.abc import Callable
from functools import reduce

import numpy as np
import openvino
from openvino import Node
from openvino import opset13 as ops

from truthpixel_utils.backend import keras
from truthpixel_utils.model.statistics import SpatialDeviation

layers = keras.layers


def to_openvino(network: keras.Model) -> openvino.Model:
    """Build a network from OpenVINO's operations, with the weights that it has now.

    Parameters
    ----------
    network : keras.Model
        A network with one input, such as a detector or its trunk.

    Returns
    -------
    openvino.Model
        One input, float32, shaped as the network's, with a free number of images. Channels come
        last at the input and the outputs, as in Keras.

    Raises
    ------
    NotImplementedError
        If there is a layer, a setting of a layer, or an activation that was not taught to this
        module; the message names it.
    """
    pixels = ops.parameter([-1, *network.input.shape[1:]], np.float32)
    tensors = {id(network.input): _channels_first(pixels)}  # by Keras's tensor of the same place
    for layer in network.layers:
        if isinstance(layer, layers.InputLayer):
            continue
        inputs = [tensors.get(id(tensor)) for tensor in keras.tree.flatten(layer.input)]
        if any(tensor is None for tensor in inputs):
            raise NotImplementedError("a network that begins in the middle of another")
        if type(layer) not in TRANSLATIONS:
            raise NotImplementedError(f"the layer {type(layer).__name__}")
        translate = TRANSLATIONS[type(layer)]
        tensors[id(layer.output)] = translate(layer, *inputs)
    results = [_channels_last(tensors[id(output)]) for output in network.outputs]
    return openvino.Model(results, [pixels])


# One function for each kind of layer: it takes the layer and its inputs as OpenVINO has them, and
# returns what the layer computes of them in inference.


def _resizing(layer: layers.Resizing, x: Node) -> Node:
    """Resize by two products with a matrix, of which one makes the rows and the other the columns.

    OpenVINO's own interpolation took a tenth of the whole forward pass.
    """
    _insist_on(layer, layer.interpolation == "bilinear")
    _insist_on(layer, not layer.crop_to_aspect_ratio and not layer.pad_to_aspect_ratio)
    _, _, height, width = x.get_output_partial_shape(0)
    rows = _constant(_interpolation(height.get_length(), layer.height))
    columns = _constant(_interpolation(width.get_length(), layer.width).T)
    return ops.matmul(rows, ops.matmul(x, columns, False, False), False, False)


def _interpolation(size: int, new_size: int) -> np.ndarray:
    """Make the matrix (new_size, size) that interpolates linearly between samples.

    The new samples lie at the centres of `new_size` pixels of equal width, as Keras has it.
    """
    centres = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    distances = np.abs(centres[:, None] - np.arange(size))
    return np.maximum(0, 1 - distances)


def _rescaling(layer: layers.Rescaling, x: Node) -> Node:
    return ops.add(ops.multiply(x, _per_channel(layer.scale, x)), _per_channel(layer.offset, x))


def _normalization(layer: layers.Normalization, x: Node) -> Node:
    deviation = keras.ops.sqrt(layer.variance)
    return ops.divide(ops.subtract(x, _per_channel(layer.mean, x)), _per_channel(deviation, x))


def _zero_padding(layer: layers.ZeroPadding2D, x: Node) -> Node:
    (top, bottom), (left, right) = layer.padding
    return ops.pad(x, [0, 0, top, left], [0, 0, bottom, right], "constant", _constant(0))


def _convolution(layer: layers.Conv2D, x: Node) -> Node:
    _insist_on(layer, layer.groups == 1)
    kernel = layer.get_weights()[0].transpose(3, 2, 0, 1)  # (outputs, inputs, height, width)
    return _convolved(layer, x, ops.convolution, kernel)


def _depthwise_convolution(layer: layers.DepthwiseConv2D, x: Node) -> Node:
    """Convolve each channel by itself: for OpenVINO it is a group with one input."""
    kernel = layer.get_weights()[0].transpose(2, 3, 0, 1)  # (groups, outputs, height, width)
    return _convolved(layer, x, ops.group_convolution, kernel[:, :, None])


def _convolved(layer: layers.Layer, x: Node, operation: Callable, kernel: np.ndarray) -> Node:
    padding = {"same": "same_upper", "valid": "valid"}[layer.padding]
    no_pixels = [0, 0]  # of padding beside what `padding` says
    x = operation(
        x, _constant(kernel), layer.strides, no_pixels, no_pixels, layer.dilation_rate, padding
    )
    if layer.use_bias:
        x = ops.add(x, _per_channel(layer.get_weights()[1], x))
    return _activation(layer, x)


def _batch_normalization(layer: layers.BatchNormalization, x: Node) -> Node:
    _insist_on(layer, layer.scale and layer.center)
    gamma, beta, mean, variance = layer.get_weights()
    scale = gamma / np.sqrt(variance + layer.epsilon)
    return ops.add(ops.multiply(x, _per_channel(scale, x)), _per_channel(beta - mean * scale, x))


def _global_average_pooling(layer: layers.GlobalAveragePooling2D, x: Node) -> Node:
    _insist_on(layer, not layer.keepdims)
    return ops.reduce_mean(x, [2, 3])


def _spatial_deviation(layer: SpatialDeviation, x: Node) -> Node:
    from_mean = ops.subtract(x, ops.reduce_mean(x, [2, 3], True))
    return ops.sqrt(ops.reduce_mean(ops.multiply(from_mean, from_mean), [2, 3]))


def _concatenate(layer: layers.Concatenate, *inputs: Node) -> Node:
    _insist_on(layer, layer.axis == -1)
    return ops.concat(list(inputs), 1)


def _reshape(layer: layers.Reshape, x: Node) -> Node:
    """Make a vector a map of one pixel; other shapes would ask for the channels in other places."""
    _insist_on(layer, len(layer.input.shape) == 2 and layer.output.shape[1:-1] == (1, 1))
    depth = layer.output.shape[3]
    return ops.reshape(x, [0, depth, 1, 1], True)


def _dense(layer: layers.Dense, x: Node) -> Node:
    _insist_on(layer, layer.use_bias and len(layer.input.shape) == 2)
    kernel, bias = layer.get_weights()
    product = ops.matmul(x, _constant(kernel), False, False)
    return _activation(layer, ops.add(product, _constant(bias)))


def _multiply(layer: layers.Multiply, *inputs: Node) -> Node:
    return reduce(ops.multiply, inputs)


def _add(layer: layers.Add, *inputs: Node) -> Node:
    return reduce(ops.add, inputs)


def _activation(layer: layers.Layer, x: Node) -> Node:
    """Apply a layer's activation; a layer of type `Activation` has nothing else."""
    name = layer.activation.__name__
    if name not in ACTIVATIONS:
        raise NotImplementedError(f"the activation {name}")
    return ACTIVATIONS[name](x)


def _as_it_is(x: Node) -> Node:
    return x


def _relu6(x: Node) -> Node:
    return ops.clamp(x, 0, 6)


def _dropout(layer: layers.Dropout, x: Node) -> Node:
    """Do nothing: dropout is for training."""
    return x


ACTIVATIONS = {
    "linear": _as_it_is,
    "relu": ops.relu,
    "relu6": _relu6,
    "sigmoid": ops.sigmoid,
    "silu": ops.swish,
    "sqrt": ops.sqrt,
}

TRANSLATIONS = {
    layers.Activation: _activation,
    layers.Add: _add,
    layers.BatchNormalization: _batch_normalization,
    layers.Concatenate: _concatenate,
    layers.Conv2D: _convolution,
    layers.Dense: _dense,
    layers.DepthwiseConv2D: _depthwise_convolution,
    layers.Dropout: _dropout,
    layers.GlobalAveragePooling2D: _global_average_pooling,
    layers.Multiply: _multiply,
    layers.Normalization: _normalization,
    layers.Rescaling: _rescaling,
    layers.Reshape: _reshape,
    layers.Resizing: _resizing,
    layers.ZeroPadding2D: _zero_padding,
    SpatialDeviation: _spatial_deviation,
}


def _insist_on(layer: layers.Layer, known: bool) -> None:
    """Raise a `NotImplementedError` unless the layer has the settings that are known here."""
    if not known:
        raise NotImplementedError(f"these settings of the layer {type(layer).__name__}")


def _constant(values: np.ndarray | float) -> Node:
    return ops.constant(np.array(values, np.float32, order="C"))


def _per_channel(values: object, x: Node) -> Node:
    """Make values, one a channel or one for all, a constant that fits the tensor `x`.

    Channels come second in `x`, be it images (N, channels, height, width) or vectors (N, channels).
    """
    behind = _rank(x) - 2
    return _constant(np.reshape(keras.ops.convert_to_numpy(values), (1, -1) + (1,) * behind))


def _channels_first(x: Node) -> Node:
    return ops.transpose(x, (0, 3, 1, 2)) if _rank(x) == 4 else x


def _channels_last(x: Node) -> Node:
    return ops.transpose(x, (0, 2, 3, 1)) if _rank(x) == 4 else x


def _rank(x: Node) -> int:
    return len(x.get_output_partial_shape(0))
