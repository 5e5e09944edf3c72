"""The detector whose only fitted layer is linear, on the statistics of the backbone's maps."""

import keras
import numpy as np
import pytest

from truthpixel_utils import explain, model
from truthpixel_utils.evaluate import predict_images

PIXELS = np.random.default_rng(0).integers(0, 256, (12, 64, 64, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    made = model.build_statistics_detector("efficientnet_lite0", image_size=64, view="windows")
    coefficients = np.random.default_rng(1).normal(size=3168) / 50
    model.set_linear(made, coefficients, -0.5)
    return made


def test_its_statistics_are_means_and_deviations_of_the_maps(detector):
    maps = [detector.get_layer(name).output for name in model.MAPS]
    both = keras.Model(detector.input, [*maps, detector.get_layer(model.STATISTICS).output])
    *maps, statistics = both.predict(PIXELS, verbose=0)
    by_hand = [take(values, axis=(1, 2)) for values in maps for take in (np.mean, np.std)]
    np.testing.assert_allclose(statistics, np.concatenate(by_hand, axis=1), atol=1e-4)


def test_its_logit_is_linear_in_them(detector):
    network = keras.Model(detector.input, detector.get_layer(model.STATISTICS).output)
    coefficients = np.random.default_rng(1).normal(size=3168) / 50
    expected = network.predict(PIXELS, verbose=0) @ coefficients - 0.5
    logits, p_ai = predict_images(detector, PIXELS, "keras")
    np.testing.assert_allclose(logits, expected, atol=1e-3)
    np.testing.assert_allclose(p_ai, 1 / (1 + np.exp(-expected)), atol=1e-3)


def test_engines_agree_on_statistics(detector, capsys):
    fast, slow = (predict_images(detector, PIXELS, engine)[0] for engine in ("openvino", "keras"))
    np.testing.assert_allclose(fast, slow, atol=1e-3)
    assert capsys.readouterr().out == ""


def test_it_can_be_saved_fused_and_explained(detector, tmp_path):
    whole = model.build_statistics_detector("efficientnet_lite0", image_size=64, view="whole")
    model.save_detector(model.fuse([whole, detector]), tmp_path / "both.keras")
    fused = model.load_detector(tmp_path / "both.keras")
    assert [view.kind for view in model.views_of(fused)] == ["whole", "windows"]
    of_windows = model.members(fused)[1]
    logits = [predict_images(network, PIXELS)[0] for network in (of_windows, detector)]
    np.testing.assert_allclose(*logits, atol=1e-4)
    heatmaps = explain.compute_heatmaps(of_windows, PIXELS[:2])
    assert heatmaps.shape == (2, 64, 64)


def test_a_heatmap_is_finite_where_a_channel_is_the_same_everywhere(detector):
    images = np.concatenate([PIXELS[:2], np.full((1, 64, 64, 3), 200, np.uint8)])
    for target in ("ai", "real"):
        heatmaps = explain.compute_heatmaps(detector, images, target=target)
        assert np.isfinite(heatmaps).all()
    assert heatmaps[:2].any()


def test_only_the_linear_layer_is_to_be_trained(detector):
    assert [layer.name for layer in detector.layers if layer.trainable_weights] == ["logit"]
