"""The forward pass, by the fastest engine the machine has: OpenVINO on a CPU, Keras on a GPU."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import lru_cache, partial
from threading import Lock

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model.detector import fingerprint

ENGINES = ("auto", "openvino", "keras")
# Pixels in a request, as the network sees them: the fastest at sizes of 64 to 224 pixels a side
# (benchmarks/README.md).
PIXELS_PER_REQUEST = 110_000
KERAS_BATCH = 64  # images, on a CPU
# Pixels in a batch on a GPU, as the network sees them: six times as fast on CIFAKE's thumbnails as
# batches of 64 (benchmarks/README.md).
PIXELS_PER_KERAS_BATCH = 512 * 96 * 96
# A CPU that has bfloat16 would use it, and logits would be off in the second decimal.
HINTS = {"INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "THROUGHPUT"}

Forward = Callable[[np.ndarray], list[np.ndarray]]


def prepare(network: keras.Model, engine: str = "auto") -> Forward:
    """Prepare a network for inference.

    Parameters
    ----------
    network : keras.Model
        A network with one input, such as a detector or the trunk that `split_trunk` returns.
    engine : {"auto", "openvino", "keras"}
        ``"auto"``: OpenVINO where Keras computes on a CPU, else Keras. If OpenVINO cannot compute
        the network, Keras does, and one line says why.

    Returns
    -------
    function
        From an array (N, ...) shaped as the network's input, uint8 or float32, to a list of float32
        arrays (N, ...), one an output, which are equal to Keras's within rounding. The function
        keeps the weights that the network has now.

    Raises
    ------
    TruthPixelError
        If `engine` is not one of the three.

    Examples
    --------
    ::

        forward = prepare(detector)
        [p_ai] = forward(images)  # float32 (N, 1)
    """
    if engine not in ENGINES:
        raise TruthPixelError(f'engine is "{engine}": expected "auto", "openvino" or "keras".')
    return _prepared(network, engine, fingerprint(network))


# Preparing takes longer than an answer of the demo, which asks three networks of a detector, and of
# a fused one five. The network's fingerprint is a part of the key: new weights are prepared anew.
@lru_cache(maxsize=8)
def _prepared(network: keras.Model, engine: str, state: str) -> Forward:
    by_keras = partial(_predict, network)
    if engine == "keras" or (engine == "auto" and _on_accelerator()):
        return by_keras
    try:
        return _OpenVINO(network)
    except ImportError:
        why = "is not installed (pip install openvino)"
    except NotImplementedError as error:
        why = f"was not taught {error}"
    except RuntimeError as error:
        why = f"does not run here ({str(error).splitlines()[0]})"
    _say_once(f"OpenVINO {why}: Keras computes, at less than half the speed.")
    return by_keras


def _predict(network: keras.Model, inputs: np.ndarray) -> list[np.ndarray]:
    """Compute the network's outputs by Keras."""
    outputs = network.predict(inputs, batch_size=keras_batch(network), verbose=0)
    return [np.asarray(output, np.float32) for output in keras.tree.flatten(outputs)]


class _OpenVINO:
    """A network in OpenVINO's hands: called with inputs, it returns the network's outputs.

    Images go through in requests of a fixed size, several of them at once; one image alone goes
    through in a request of its own. OpenVINO plans better for fixed shapes, so that the network is
    compiled for either size when it is first needed.
    """

    def __init__(self, network: keras.Model) -> None:
        from truthpixel_utils.model.openvino_graph import to_openvino

        self.translated = to_openvino(network)
        self.input_shape = network.input.shape[1:]
        self.output_shapes = [output.shape[1:] for output in network.outputs]
        self.images_per_request = images_per_request(network)
        self.queues = {}  # by the number of images in a request
        self.one_at_a_time = Lock()  # a queue hands its results to the one callback it has
        self._compile(1)  # where OpenVINO does not run, it fails here, not among the images

    def _compile(self, size: int) -> None:
        """Compile the network for requests of `size` images."""
        import openvino

        model = self.translated.clone()
        model.reshape([size, *self.input_shape])
        hints = dict(HINTS)
        if threads := threads_given():
            hints["INFERENCE_NUM_THREADS"] = threads
        if size == 1:
            hints["PERFORMANCE_HINT"] = "LATENCY"
        self.queues[size] = openvino.AsyncInferQueue(openvino.compile_model(model, "CPU", hints))

    def __call__(self, inputs: np.ndarray) -> list[np.ndarray]:
        size = 1 if len(inputs) == 1 else self.images_per_request
        results = [np.empty((len(inputs), *shape), np.float32) for shape in self.output_shapes]
        with self.one_at_a_time:
            if size not in self.queues:
                self._compile(size)
            queue = self.queues[size]
            queue.set_callback(partial(_keep, results))
            for start in range(0, len(inputs), size):
                batch = inputs[start : start + size].astype(np.float32)
                missing = size - len(batch)
                if missing:  # in the last request, whose shape is fixed as well
                    batch = np.concatenate(
                        [batch, np.zeros((missing, *batch.shape[1:]), np.float32)]
                    )
                queue.start_async({0: batch}, start)
            queue.wait_all()
        return results


def threads_given() -> int | None:
    """Tell how many threads this process may use, where somebody has said so.

    Returns
    -------
    int or None
        The environment variable OMP_NUM_THREADS, by which Ray and others share a machine out among
        processes.
    """
    threads = os.environ.get("OMP_NUM_THREADS", "")
    return int(threads) if threads.isdigit() else None


def _keep(results: list[np.ndarray], request, start: int) -> None:
    """Copy the outputs of a request, whose first image is number `start`, into the results."""
    for result, tensor in zip(results, request.output_tensors, strict=True):
        size = len(tensor.data)
        result[start : start + size] = tensor.data[: len(result) - start]


def images_per_request(network: keras.Model) -> int:
    """Choose how many images to give OpenVINO at once: fewer, the larger the network's maps are.

    Parameters
    ----------
    network : keras.Model
        A network with at least one map (N, height, width, channels) in it.

    Returns
    -------
    int
        1 to 32 images.
    """
    return int(np.clip(round(PIXELS_PER_REQUEST / _pixels(network)), 1, 32))


def keras_batch(network: keras.Model) -> int:
    """Choose how many images to give Keras at once: a GPU wants many, a CPU is content with few.

    Parameters
    ----------
    network : keras.Model
        Any network; what counts are its maps (N, height, width, channels).

    Returns
    -------
    int
        64 images or, on a GPU, as many more as make up `PIXELS_PER_KERAS_BATCH`.
    """
    if not _on_accelerator():
        return KERAS_BATCH
    return max(KERAS_BATCH, PIXELS_PER_KERAS_BATCH // _pixels(network))


def _pixels(network: keras.Model) -> int:
    """Count the pixels of the network's largest map; one without maps counts as a large one."""
    maps = [layer.output.shape for layer in network.layers if len(layer.output.shape) == 4]
    return max((height * width for _, height, width, _ in maps), default=224 * 224)


def _on_accelerator() -> bool:
    """Tell whether Keras, whatever its backend, keeps its tensors elsewhere than a CPU does."""
    return "cpu" not in str(keras.ops.ones(1).device).lower()


@lru_cache
def _say_once(words: str) -> None:
    print(words)
