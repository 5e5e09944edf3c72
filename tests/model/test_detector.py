import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.data import View
from truthpixel_utils.errors import TruthPixelError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


def batch_norms(detector):
    return [
        layer for layer in detector.layers if isinstance(layer, keras.layers.BatchNormalization)
    ]


def test_raw_pixels_in_one_probability_out(detector):
    p_ai = detector.predict(PIXELS, verbose=0)
    assert p_ai.shape == (4, 1) and p_ai.dtype == np.float32
    assert ((p_ai > 0) & (p_ai < 1)).all()
    assert not any(
        isinstance(layer, keras.Model) for layer in detector.layers
    )  # flat: every layer by name
    logit = keras.Model(detector.inputs, detector.get_layer("logit").output).predict(
        PIXELS, verbose=0
    )
    np.testing.assert_allclose(1 / (1 + np.exp(-logit)), p_ai, rtol=1e-5)


def test_phase_1_trains_the_head_only_and_phase_2_the_top_without_batch_norm(detector):
    model.freeze_backbone(detector)
    assert detector.trainable_weights and all(
        weight.path.startswith(("dense", "logit")) for weight in detector.trainable_weights
    )
    model.unfreeze_top(detector, 20)
    trained = {weight.path.split("/")[0] for weight in detector.trainable_weights}
    assert {"top_conv", "block7a_dwconv", "block6d_project_conv", "dense_256"} <= trained
    assert "block6d_dwconv" not in trained
    for count in (20, "all"):
        model.unfreeze_top(detector, count)
        assert not any(layer.trainable for layer in batch_norms(detector))


def test_batch_norm_ignores_the_neighbours_even_in_training_mode(detector):
    model.unfreeze_top(detector, "all")
    features = keras.Model(detector.input, detector.get_layer(model.POOLED).output)
    bright = PIXELS.copy()
    bright[1:] = 255
    one, other = (
        keras.ops.convert_to_numpy(features(x, training=True))[0] for x in (PIXELS, bright)
    )
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_calling_a_new_detector_changes_nothing_and_agrees_with_predict():
    """Keras takes a call without `training` for one in training, since there is a `Resizing`."""
    detector = model.build_detector("lite0", image_size=64)
    before = detector.get_weights()
    called = keras.ops.convert_to_numpy(detector(PIXELS.astype(np.float32)))
    after = detector.get_weights()
    assert all((a == b).all() for a, b in zip(before, after, strict=True))
    np.testing.assert_allclose(called, detector.predict(PIXELS, verbose=0), atol=1e-4)


def test_bad_input_is_told_in_one_sentence(detector):
    with pytest.raises(TruthPixelError, match="image_size is 16"):
        model.build_detector(None, image_size=16)
    with pytest.raises(TruthPixelError, match="unfreeze_layers is 999: expected 0 to"):
        model.unfreeze_top(detector, 999)


def test_describe_counts_every_parameter_once(detector):
    model.freeze_backbone(detector)
    table = model.describe(detector)
    assert table["parameters"].sum() == detector.count_params()
    assert table["trainable"].sum() == table.loc["head", "parameters"]


def test_another_size_inside_is_the_same_network(detector):
    other = model.with_image_size(detector, 96)
    assert other.get_layer("resize").height == 96 and detector.get_layer("resize").height == 64
    assert [layer.trainable for layer in other.layers] == [
        layer.trainable for layer in detector.layers
    ]
    assert (other.predict(PIXELS, verbose=0) != detector.predict(PIXELS, verbose=0)).any()
    back = model.with_image_size(other, 64)
    np.testing.assert_allclose(
        back.predict(PIXELS, verbose=0), detector.predict(PIXELS, verbose=0), rtol=1e-5
    )
    with pytest.raises(TruthPixelError, match="multiples of 32"):
        model.with_image_size(detector, 80)


def test_trained_batch_norm_rests_when_told(detector):
    model.unfreeze_top(detector, "all", batch_norm=True)
    assert all(layer.trainable for layer in batch_norms(detector))
    model.freeze_batch_norm(detector)
    assert (
        not any(layer.trainable for layer in batch_norms(detector))
        and detector.get_layer("top_conv").trainable
    )


def test_a_network_of_somebody_else_is_told_in_one_sentence(detector):
    assert model.view_of(detector) == View("thumbnail", 32)
    foreign = keras.Sequential([keras.Input((32, 32, 3), name="flat"), keras.layers.Flatten()])
    with pytest.raises(TruthPixelError, match='begins with "flat": expected a detector'):
        model.view_of(foreign)
    pixels = keras.Input((32, 32, 3), name="pixels")
    foreign = keras.Model(pixels, keras.layers.Flatten()(pixels))
    with pytest.raises(TruthPixelError, match='begins with "pixels".* thumbnail, whole, windows'):
        model.view_of(foreign)
