import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.model.trunk import boundary

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


@pytest.mark.parametrize(
    ("count", "name"),
    [(1, "input"), (2, "stem"), (3, "stem"), (4, "stem"), (5, "add"), (6, "head")],
)
def test_no_cut_lies_beside_a_skip_connection(count, name):
    """The worked example of `boundary`."""
    pixels = keras.Input((8, 8, 3), name="input")
    stem = keras.layers.Conv2D(4, 1, name="stem")(pixels)
    expanded = keras.layers.Conv2D(8, 1, name="expand")(stem)
    projected = keras.layers.Conv2D(4, 1, name="project")(expanded)
    added = keras.layers.Add(name="add")([projected, stem])
    network = keras.Model(pixels, keras.layers.Conv2D(2, 1, name="head")(added))
    names = [layer.name for layer in network.layers]
    assert names == ["input", "stem", "expand", "project", "add", "head"]
    assert boundary(network, count) is network.get_layer(name).output


@pytest.mark.parametrize(
    ("unfreeze", "shape"), [(0, (1280,)), (20, (2, 2, 192)), ("all", (32, 32, 3))]
)
def test_cut_divides_without_changing_the_answer(detector, unfreeze, shape):
    model.unfreeze_top(detector, unfreeze)
    trunk, top = model.split_trunk(detector)
    assert trunk.output.shape[1:] == shape
    assert not any(w is v for w in trunk.weights for v in detector.trainable_weights)
    halves = top.predict(trunk.predict(PIXELS, verbose=0), verbose=0)
    np.testing.assert_allclose(halves, detector.predict(PIXELS, verbose=0), atol=1e-6)
