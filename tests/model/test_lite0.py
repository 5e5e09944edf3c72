"""EfficientNet-Lite0 in EfficientNetB0's place: the same names, its own weights, no gates."""

import keras
import numpy as np
import pytest

from truthpixel_utils import explain, model
from truthpixel_utils.evaluate import predict_images

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    return model.build_detector("efficientnet_lite0", image_size=64, view="windows", seed=0)


def test_its_layers_are_those_of_b0_without_the_gates(detector):
    b0 = model.build_detector(None, image_size=64, view="windows")
    names = [layer.name for layer in detector.layers]
    only_in_b0 = (
        keras.layers.Dropout,
        keras.layers.Normalization,
        keras.layers.Rescaling,
        keras.layers.ZeroPadding2D,
    )
    ungated = [
        layer.name
        for layer in b0.layers
        if "_se_" not in layer.name and not isinstance(layer, only_in_b0)
    ]
    assert [name for name in names if not name.startswith(("dropout", "rescaling"))] == ungated
    for name in ("stem_conv", "block5c_add", "top_activation"):
        assert detector.get_layer(name).output.shape == b0.get_layer(name).output.shape


def test_it_knows_what_imagenet_taught(detector):
    """Its four strongest features of a fixed image, as they were when the weights were made."""
    features = keras.Model(detector.input, detector.get_layer(model.POOLED).output)
    ramp = np.indices((64, 64)).sum(axis=0) * 2
    image = np.stack([ramp, 255 - ramp, np.full((64, 64), 99)], axis=-1).astype(np.float32)
    [found] = features.predict(image[None], verbose=0)
    strongest = [113, 997, 995, 153]
    assert np.argsort(-found)[:4].tolist() == strongest
    assert found[strongest] == pytest.approx([5.584, 4.645, 4.224, 4.067], abs=5e-3)


def test_engines_agree_on_it(detector):
    fast, slow = (predict_images(detector, PIXELS, engine)[0] for engine in ("openvino", "keras"))
    np.testing.assert_allclose(fast, slow, atol=1e-3)


def test_gradcam_reaches_its_maps(detector):
    heatmaps = explain.compute_heatmaps(detector, PIXELS[:2])
    assert heatmaps.shape == (2, 64, 64) and heatmaps.max() <= 1
