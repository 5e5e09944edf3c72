import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.model.openvino_graph import to_openvino

layers = keras.layers
PIXELS = np.random.default_rng(0).integers(0, 256, (5, 24, 40, 3), dtype=np.uint8)


def stacked(*stack):
    """A network of these layers on top of each other, with random weights above zero."""
    pixels = keras.Input(PIXELS.shape[1:])
    x = pixels
    for layer in stack:
        x = layer(x)
    rng = np.random.default_rng(0)
    for layer in stack:
        if not isinstance(layer, layers.Normalization):  # its weights count what it has seen
            layer.set_weights([rng.uniform(0.1, 1, w.shape) for w in layer.get_weights()])
    return keras.Model(pixels, x)


@pytest.mark.parametrize(
    "stack",
    [
        lambda: [layers.Resizing(48, 56)],
        lambda: [layers.Resizing(16, 12)],
        lambda: [layers.Rescaling([0.5, 1, 2], [1, 2, 3])],
        lambda: [layers.Normalization(mean=[1, 2, 3], variance=[1, 4, 9])],
        lambda: [layers.ZeroPadding2D(((1, 2), (3, 4))), layers.Conv2D(5, 3, 2, "valid")],
        lambda: [layers.Conv2D(5, 3, padding="same", dilation_rate=2, use_bias=False)],
        lambda: [layers.DepthwiseConv2D(3, 2, "same", depth_multiplier=2, activation="relu")],
        lambda: [layers.BatchNormalization(), layers.Activation("silu")],
        lambda: [layers.GlobalAveragePooling2D(), layers.BatchNormalization(), layers.Dense(4)],
        lambda: [layers.GlobalAveragePooling2D(), layers.Reshape((1, 1, 3)), layers.Conv2D(6, 1)],
        lambda: [layers.Rescaling(1 / 255), layers.Activation("sigmoid"), layers.Dropout(0.5)],
    ],
)
def test_layers_compute_what_they_compute_in_keras(stack, capsys):
    network = stacked(*stack())
    to_openvino(network)  # raises where Keras would have to compute
    [outputs] = model.prepare(network, "openvino")(PIXELS)
    np.testing.assert_allclose(outputs, network.predict(PIXELS, verbose=0), rtol=1e-4, atol=1e-3)
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("merge", [layers.Add, layers.Multiply])
def test_more_than_two_tensors_are_merged(merge):
    pixels = keras.Input(PIXELS.shape[1:])
    network = keras.Model(pixels, merge()([pixels, layers.Rescaling(0.5)(pixels), pixels]))
    [outputs] = model.prepare(network, "openvino")(PIXELS)
    np.testing.assert_allclose(outputs, network.predict(PIXELS, verbose=0), rtol=1e-5)


@pytest.mark.parametrize(
    ("stack", "words"),
    [
        (lambda: [layers.GlobalMaxPooling2D()], "the layer GlobalMaxPooling2D"),
        (lambda: [layers.Activation("gelu")], "the activation gelu"),
        (lambda: [layers.Resizing(8, 8, "nearest")], "these settings of the layer Resizing"),
        (
            lambda: [layers.Resizing(8, 8, pad_to_aspect_ratio=True)],
            "these settings of the layer Resizing",
        ),
        (lambda: [layers.Conv2D(3, 3, groups=3)], "these settings of the layer Conv2D"),
        (
            lambda: [layers.BatchNormalization(scale=False)],
            "these settings of the layer BatchNormalization",
        ),
        (lambda: [layers.Dense(2)], "these settings of the layer Dense"),
        (lambda: [layers.Reshape((40, 24, 3))], "these settings of the layer Reshape"),
        (
            lambda: [layers.GlobalAveragePooling2D(), layers.Dense(48), layers.Reshape((4, 4, 3))],
            "these settings of the layer Reshape",
        ),
    ],
)
def test_what_it_was_not_taught_is_left_to_keras(stack, words):
    network = stacked(*stack())
    [outputs] = model.prepare(network, "openvino")(PIXELS)
    assert (outputs == network.predict(PIXELS, verbose=0)).all()
    with pytest.raises(NotImplementedError, match=words):
        to_openvino(network)
