"""Where a network can be divided: into a trunk that training leaves alone, and the top above it."""

from __future__ import annotations

from truthpixel_utils.backend import keras


def split_trunk(detector: keras.Model) -> tuple[keras.Model, keras.Model]:
    """Divide the detector where its frozen part ends: that part needs computing only once.

    The two meet at the `boundary` below the first layer that is trained: at ``pooled`` with a
    frozen backbone, at the end of block 6c with 20 layers unfrozen, and at the input itself where
    no convolution is frozen.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it, with at least one layer that is trained.

    Returns
    -------
    trunk, top : keras.Model
        ``top(trunk(pixels))`` is ``detector(pixels)``; both share the detector's layers, so that
        training `top` trains the detector.
    """
    first_trained = next(i for i, layer in enumerate(detector.layers) if layer.trainable_weights)
    between = boundary(detector, first_trained)
    trunk = keras.Model(detector.input, between, name="trunk")
    top = keras.Model(between, detector.output, name="top")
    return trunk, top


def boundary(network: keras.Model, count: int) -> keras.KerasTensor:
    """Find the highest place below layer `count` at which the network can be cut in two.

    It can be cut after a layer if no layer above reads anything from below that layer, but its
    output alone. Inside a block, the skip connection runs past every such place. Take a block that
    adds its own input to what it has computed::

        layer  name     reads the outputs of layers
        0      input
        1      stem     0
        2      expand   1
        3      project  2
        4      add      3 and 1 (the skip connection)
        5      head     4

    With `count` = 5, the cut lies after layer 4: layer 5 reads layer 4 and nothing below it. With
    `count` = 4, it lies after layer 1. A cut after layer 3 or 2 would leave the add without its
    second input, which comes from layer 1.

    Parameters
    ----------
    network : keras.Model
        A network with one input, such as a detector; its layers come in an order in which each
        reads only from those before it, as Keras keeps them.
    count : int
        The cut lies after one of the first `count` layers; at least 1.

    Returns
    -------
    keras.KerasTensor
        The output of the layer below the cut. It is the network's input if there is no convolution
        below, since so little work is not worth dividing off.
    """
    layers = network.layers
    made_by = {id(layer.output): i for i, layer in enumerate(layers)}
    lowest_read = len(layers)  # the lowest layer that any layer above the cut reads
    for cut in reversed(range(len(layers))):
        if cut < count and lowest_read >= cut:
            break
        for tensor in keras.tree.flatten(layers[cut].input):
            lowest_read = min(lowest_read, made_by[id(tensor)])
    below = layers[: cut + 1]
    saves_work = any(isinstance(layer, keras.layers.Conv2D) for layer in below)
    return layers[cut].output if saves_work else layers[0].output
