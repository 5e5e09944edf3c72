import sys

import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate.predictions import predict_images
from truthpixel_utils.model import inference

PIXELS = np.random.default_rng(0).integers(0, 256, (1000, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    """A detector whose answers differ from image to image as much as a trained one's."""
    keras.utils.set_random_seed(0)
    made = model.build_detector("lite0", image_size=96)
    logits = predict_images(made, PIXELS[:200], "keras")[0]
    head = made.get_layer("logit")
    kernel, bias = head.get_weights()
    head.set_weights([kernel * 4 / logits.std(), bias - logits.mean() * 4 / logits.std()])
    return made


def test_engines_agree_on_a_thousand_images(detector, capsys):
    logits, p_ai = predict_images(detector, PIXELS, "openvino")
    expected, expected_p_ai = predict_images(detector, PIXELS, "keras")
    assert logits.std() > 2
    assert np.abs(logits - expected).max() < 1e-3
    assert np.abs(p_ai - expected_p_ai).max() < 1e-3
    assert capsys.readouterr().out == ""  # both did what was asked


def test_an_image_is_answered_alike_alone_and_in_any_number(detector):
    together = predict_images(detector, PIXELS[:20])[0]
    for count in (1, 7, 12, 13):  # twelve go to OpenVINO at once
        np.testing.assert_allclose(
            predict_images(detector, PIXELS[:count])[0], together[:count], atol=1e-4
        )


def test_a_trunk_gives_the_features_that_keras_gives(detector, capsys):
    model.unfreeze_top(detector, 20)
    trunk, _ = model.split_trunk(detector)
    [features] = model.prepare(trunk, "openvino")(PIXELS[:10])
    assert features.shape == (10, 3, 3, 192)
    np.testing.assert_allclose(
        features, trunk.predict(PIXELS[:10], verbose=0), rtol=1e-4, atol=1e-3
    )
    assert capsys.readouterr().out == ""


def test_new_weights_give_new_answers(detector):
    before = predict_images(detector, PIXELS[:8])[0]
    [kernel, bias] = detector.get_layer("logit").get_weights()
    detector.get_layer("logit").set_weights([kernel, bias + 1])
    np.testing.assert_allclose(predict_images(detector, PIXELS[:8])[0], before + 1, atol=1e-5)
    detector.get_layer("logit").set_weights([kernel, bias])


def test_a_prepared_network_keeps_the_weights_it_had(detector):
    expected = predict_images(detector, PIXELS[:8])[0]
    forward = model.prepare(detector)
    [kernel, bias] = detector.get_layer("logit").get_weights()
    detector.get_layer("logit").set_weights([kernel, bias + 1])
    [p_ai] = forward(PIXELS[:8])
    np.testing.assert_allclose(p_ai[:, 0], 1 / (1 + np.exp(-expected)), atol=1e-5)
    detector.get_layer("logit").set_weights([kernel, bias])


def test_without_openvino_keras_serves_and_says_so_once(detector, monkeypatch, capsys):
    expected = predict_images(detector, PIXELS[:8], "keras")[0]
    monkeypatch.setitem(sys.modules, "openvino", None)
    for cached in (inference._prepared, inference._say_once):
        cached.cache_clear()
    for _ in range(2):
        assert (predict_images(detector, PIXELS[:8])[0] == expected).all()
    assert (
        capsys.readouterr().out.count(
            "OpenVINO is not installed (pip install openvino): Keras computes"
        )
        == 1
    )


def test_where_openvino_does_not_run_keras_serves_and_says_why(detector, monkeypatch, capsys):
    def refuse(*arguments):
        raise RuntimeError("unsupported instruction set")

    expected = predict_images(detector, PIXELS[:8], "keras")[0]
    monkeypatch.setattr("openvino.compile_model", refuse)
    for cached in (inference._prepared, inference._say_once):
        cached.cache_clear()
    assert (predict_images(detector, PIXELS[:8])[0] == expected).all()
    assert (
        "OpenVINO does not run here (unsupported instruction set): Keras" in capsys.readouterr().out
    )


def test_a_gpu_is_given_large_batches_and_answers_the_same(detector, monkeypatch):
    model.freeze_backbone(detector)
    _, top = model.split_trunk(detector)  # without a map
    expected = predict_images(detector, PIXELS, "keras")[0]
    monkeypatch.setattr(inference, "_on_accelerator", lambda: True)
    assert inference.keras_batch(detector) > 4 * inference.KERAS_BATCH
    assert inference.keras_batch(top) >= inference.KERAS_BATCH
    answers = predict_images(detector, PIXELS, "keras")[0]
    np.testing.assert_allclose(answers, expected, rtol=1e-4, atol=1e-4)


def test_a_network_that_openvino_was_not_taught_is_left_to_keras(capsys):
    pixels = keras.Input((32, 32, 3))
    network = keras.Model(pixels, keras.layers.GlobalMaxPooling2D()(pixels))
    [largest] = model.prepare(network, "openvino")(PIXELS[:3])
    assert (largest == PIXELS[:3].max(axis=(1, 2))).all()
    assert "was not taught the layer GlobalMaxPooling2D: Keras computes" in capsys.readouterr().out


def test_the_upper_half_of_a_divided_network_is_left_to_keras(detector, capsys):
    model.freeze_backbone(detector)
    _, top = model.split_trunk(detector)
    features = np.random.default_rng(0).random((3, 1280), np.float32)
    [p_ai] = model.prepare(top, "openvino")(features)
    np.testing.assert_allclose(p_ai, top.predict(features, verbose=0), atol=1e-6)
    assert "begins in the middle of another: Keras computes" in capsys.readouterr().out


def test_unknown_engine_is_told_in_one_sentence(detector):
    with pytest.raises(
        TruthPixelError, match='engine is "cuda": expected "auto", "openvino" or "keras"'
    ):
        predict_images(detector, PIXELS[:1], "cuda")
