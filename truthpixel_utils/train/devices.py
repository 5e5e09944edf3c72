"""Training on all GPUs of a machine: each computes a share of every batch."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError

STRATEGIES = ("auto", "one", "mirrored")


@contextmanager
def on_devices(network: keras.Model, strategy: str = "auto") -> Iterator[keras.Model]:
    """Train a network on one device or on several, as a copy that every device has.

    A batch is divided among the devices, and the mean of their gradients moves all copies alike
    (synchronous data parallelism: Chen et al., *Revisiting distributed synchronous SGD*, 2016).
    This is TensorFlow's MirroredStrategy; Keras's own `keras.distribution` knows only JAX.

    Parameters
    ----------
    network : keras.Model
        What is to be trained; not compiled yet.
    strategy : {"auto", "one", "mirrored"}
        ``"auto"``: on all GPUs where there are several and Keras computes with TensorFlow, else on
        the device that Keras would take by itself. ``"one"``: on that one in any case.
        ``"mirrored"``: on all GPUs, or where there are none on all that TensorFlow takes for a CPU,
        which is how it is tested.

    Yields
    ------
    keras.Model
        `network` itself, or a copy on the devices: compile and fit it in this block. What a copy
        has learned is given to `network` when the block ends well.

    Raises
    ------
    TruthPixelError
        If there is no such strategy, or `mirrored` is asked of another backend than TensorFlow.
    """
    if strategy not in STRATEGIES:
        raise TruthPixelError(f'strategy is "{strategy}": expected {", ".join(STRATEGIES)}.')
    if strategy == "mirrored" and keras.backend.backend() != "tensorflow":
        raise TruthPixelError(
            f'strategy is "mirrored", and Keras computes with {keras.backend.backend()}: set '
            "KERAS_BACKEND=tensorflow."
        )
    mirrored = _mirrored(strategy)
    if mirrored is None:
        yield network
        return
    with mirrored.scope():
        copy = keras.models.clone_model(network)
        copy.set_weights(network.get_weights())
        for layer in copy.layers:
            if isinstance(layer, keras.layers.Normalization):
                layer.finalize_state()  # it computes with copies of its weights
        yield copy
    network.set_weights(copy.get_weights())


def steps_at_once(steps: int) -> int:
    """Choose how many steps to start at once: more than one only on a single device.

    On cached features a step is so short that starting it takes longer, and TensorFlow and JAX
    start several at once. Torch cannot, and Keras fails to on several devices.

    Parameters
    ----------
    steps : int
        How many would be best.

    Returns
    -------
    int
        `steps`, or 1.
    """
    if keras.config.backend() == "torch":
        return 1
    if keras.config.backend() == "tensorflow":
        import tensorflow as tf

        return 1 if tf.distribute.has_strategy() else steps
    return steps


def _mirrored(strategy):
    """Choose TensorFlow's strategy for the devices there are; None where one device is to do."""
    if strategy == "one" or keras.backend.backend() != "tensorflow":
        return None
    import tensorflow as tf

    devices = tf.config.list_logical_devices("GPU")
    if strategy == "auto" and len(devices) < 2:
        return None
    devices = devices or tf.config.list_logical_devices("CPU")
    return _mirrored_on(tuple(device.name for device in devices))


@cache
def _mirrored_on(devices):
    """Build the strategy, once in a process.

    A second one would number its reductions from the beginning again, and TensorFlow would take
    those of another shape for a mistake: "Shape mismatch in the collective instance".
    """
    import tensorflow as tf

    return tf.distribute.MirroredStrategy(devices)
