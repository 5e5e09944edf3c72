"""The forward pass, by the fastest engine the machine has: OpenVINO on a CPU, Keras on a GPU.

OpenVINO is given the network layer by layer, channels first, with every shape fixed: whole-graph converters leave
transpositions behind that cost more than the layers they stand between.
"""

from functools import lru_cache
from threading import Lock

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model.detector import fingerprint

ENGINES = ("auto", "openvino", "keras")
PIXELS_PER_REQUEST = (
    110_000  # pixels in a request, as the network sees them: the fastest at 64 to 224 a side (benchmarks/README.md)
)
KERAS_BATCH = 64
# A CPU that has bfloat16 would use it, and logits would be off in the second decimal.
HINTS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}


def prepare(network, engine="auto"):
    """Prepare a network for inference.

    Parameters
    ----------
    network : keras.Model with one input, such as a detector or the trunk that `model.cut` returns
    engine : {"auto", "openvino", "keras"}
        ``"auto"``: OpenVINO where Keras computes on a CPU, else Keras. If OpenVINO cannot serve, Keras does, and one
        line says why.

    Returns
    -------
    function : array (N, ...) as the network's input, uint8 or float32 -> list of float32 arrays (N, ...), one an
    output, equal to Keras's within rounding. It holds the weights that the network has now.

    Raises
    ------
    TruthPixelError if `engine` is not one of the three.
    """
    if engine not in ENGINES:
        raise TruthPixelError(f'engine is "{engine}": expected "auto", "openvino" or "keras".')
    return _prepared(network, engine, fingerprint(network))


@lru_cache(maxsize=4)  # preparing takes longer than an answer, which asks three; other weights make another `state`
def _prepared(network, engine, state):
    if engine == "keras" or (engine == "auto" and _on_accelerator()):
        return _keras(network)
    try:
        return _openvino(network)
    except ImportError:
        why = "is not installed (pip install openvino)"
    except NotImplementedError as error:
        why = f"was not taught {error}"
    except RuntimeError as error:
        why = f"does not run here ({str(error).splitlines()[0]})"
    _say_once(f"OpenVINO {why}: Keras computes, at less than half the speed.")
    return _keras(network)


def _keras(network):
    def forward(inputs):
        outputs = network.predict(inputs, batch_size=KERAS_BATCH, verbose=0)
        return [np.asarray(output, np.float32) for output in keras.tree.flatten(outputs)]

    return forward


def _openvino(network):
    import openvino

    translated = to_openvino(network)
    images = images_per_request(network)
    one_at_a_time = Lock()  # a queue hands its results to the one callback it has

    @lru_cache
    def queue_for(size):
        model = translated.clone()
        model.reshape([size, *network.input.shape[1:]])
        hints = HINTS | {"PERFORMANCE_HINT": "LATENCY"} if size == 1 else HINTS
        return openvino.AsyncInferQueue(openvino.compile_model(model, "CPU", hints))

    def forward(inputs):
        size = 1 if len(inputs) == 1 else images
        results = [np.empty((len(inputs), *output.shape[1:]), np.float32) for output in network.outputs]

        def keep(request, start):
            for result, tensor in zip(results, request.output_tensors):
                result[start : start + size] = tensor.data[: len(result) - start]

        with one_at_a_time:
            queue = queue_for(size)
            queue.set_callback(keep)
            for start in range(0, len(inputs), size):
                batch = inputs[start : start + size].astype(np.float32)
                if len(batch) < size:  # the last one: shapes are fixed
                    batch = np.concatenate([batch, np.zeros((size - len(batch), *batch.shape[1:]), np.float32)])
                queue.start_async({0: batch}, start)
            queue.wait_all()
        return results

    queue_for(1)  # a machine on which OpenVINO does not run is found out here, not among the images
    return forward


def images_per_request(network):
    """The number of images (int, 1 to 32) to give OpenVINO at once: fewer, the larger the network's first tensors."""
    pixels = max(np.prod(layer.output.shape[1:3]) for layer in network.layers if len(layer.output.shape) == 4)
    return int(np.clip(round(PIXELS_PER_REQUEST / pixels), 1, 32))


def to_openvino(network):
    """Build the network from OpenVINO's operations; channels come first inside, last at input and outputs.

    Parameters
    ----------
    network : see `prepare`

    Returns
    -------
    openvino.Model with a free number of images and one float32 input

    Raises
    ------
    NotImplementedError if it meets a layer that it does not know.
    """
    import openvino
    from openvino import opset13 as ops

    parameter = ops.parameter([-1, *network.input.shape[1:]], np.float32)
    tensors = {id(network.input): _turned(parameter, (0, 3, 1, 2))}
    for layer in network.layers:
        if not isinstance(layer, keras.layers.InputLayer):
            inputs = [tensors.get(id(tensor)) for tensor in keras.tree.flatten(layer.input)]
            if any(tensor is None for tensor in inputs):
                raise NotImplementedError("a network that begins in the middle of another")
            tensors[id(layer.output)] = _node(layer, inputs)
    results = [_turned(tensors[id(output)], (0, 2, 3, 1)) for output in network.outputs]
    return openvino.Model(results, [parameter])


def _turned(tensor, order):
    from openvino import opset13 as ops

    return ops.transpose(tensor, order) if len(tensor.get_output_partial_shape(0)) == 4 else tensor


def _node(layer, inputs):
    """What one Keras layer computes in inference, in OpenVINO's operations."""
    from openvino import opset13 as ops

    def constant(values):
        return ops.constant(np.array(values, np.float32, order="C"))

    def channels(values):
        return constant(np.reshape(keras.ops.convert_to_numpy(values), (1, -1, 1, 1)))

    def activated(tensor):
        name = keras.activations.serialize(layer.activation)
        known = {"linear": lambda same: same, "relu": ops.relu, "silu": ops.swish, "sigmoid": ops.sigmoid}
        if name not in known:
            raise NotImplementedError(f"the activation {name}")
        return known[name](tensor)

    def convolved(convolution, order):
        kernel = weights[0].transpose(order)
        if convolution is ops.group_convolution:
            kernel = kernel[:, :, None]  # a channel is a group with one input
        padding = {"same": "same_upper", "valid": "valid"}[layer.padding]
        x = convolution(inputs[0], constant(kernel), layer.strides, [0, 0], [0, 0], layer.dilation_rate, padding)
        return activated(ops.add(x, channels(weights[1])) if layer.use_bias else x)

    layers = keras.layers
    x = inputs[0]
    weights = layer.get_weights()
    match layer:
        case layers.Resizing() if layer.interpolation == "bilinear" and not layer.crop_to_aspect_ratio:
            # As two products with a matrix: OpenVINO's own interpolation took a tenth of the whole forward pass.
            _, _, height, width = x.get_output_partial_shape(0)
            rows = constant(_bilinear(height.get_length(), layer.height))
            columns = constant(_bilinear(width.get_length(), layer.width).T)
            return ops.matmul(rows, ops.matmul(x, columns, False, False), False, False)
        case layers.Rescaling():
            return ops.add(ops.multiply(x, channels(layer.scale)), channels(layer.offset))
        case layers.Normalization():
            return ops.divide(ops.subtract(x, channels(layer.mean)), channels(keras.ops.sqrt(layer.variance)))
        case layers.ZeroPadding2D():
            (top, bottom), (left, right) = layer.padding
            return ops.pad(x, [0, 0, top, left], [0, 0, bottom, right], "constant", constant(0))
        case layers.DepthwiseConv2D():
            return convolved(ops.group_convolution, (2, 3, 0, 1))
        case layers.Conv2D() if layer.groups == 1:
            return convolved(ops.convolution, (3, 2, 0, 1))
        case layers.BatchNormalization() if layer.scale and layer.center:
            gamma, beta, mean, variance = weights
            scale = gamma / np.sqrt(variance + layer.epsilon)
            return ops.add(ops.multiply(x, channels(scale)), channels(beta - mean * scale))
        case layers.GlobalAveragePooling2D() if not layer.keepdims:
            return ops.reduce_mean(x, [2, 3])
        case layers.Reshape() if len(layer.target_shape) == 3:
            height, width, depth = layer.target_shape
            return ops.reshape(x, [0, depth, height, width], True)
        case layers.Dense() if layer.use_bias:
            return activated(ops.add(ops.matmul(x, constant(weights[0]), False, False), constant(weights[1])))
        case layers.Multiply():
            return ops.multiply(*inputs)
        case layers.Add():
            return ops.add(*inputs)
        case layers.Activation():
            return activated(x)
        case layers.Dropout():
            return x
    raise NotImplementedError(f"the layer {type(layer).__name__}")


def _bilinear(size, new_size):
    """The matrix that interpolates `size` samples linearly at the centres of `new_size` pixels, as Keras resizes."""
    centres = np.clip((np.arange(new_size) + 0.5) * size / new_size - 0.5, 0, size - 1)
    return np.maximum(0, 1 - np.abs(centres[:, None] - np.arange(size)))


def _on_accelerator():
    """True if Keras, whatever its backend, puts its tensors anywhere but in the memory of a CPU."""
    return "cpu" not in str(keras.ops.ones(1).device).lower()


@lru_cache
def _say_once(words):
    print(words)
