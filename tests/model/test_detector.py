import hashlib
import http.server
import threading

import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


def batch_norms(detector):
    return [layer for layer in detector.layers if isinstance(layer, keras.layers.BatchNormalization)]


def test_raw_pixels_in_one_probability_out(detector):
    p_ai = detector.predict(PIXELS, verbose=0)
    assert p_ai.shape == (4, 1) and p_ai.dtype == np.float32
    assert ((p_ai > 0) & (p_ai < 1)).all()
    assert not any(isinstance(layer, keras.Model) for layer in detector.layers)  # flat: every layer by name
    logit = keras.Model(detector.inputs, detector.get_layer("logit").output).predict(PIXELS, verbose=0)
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
    one, other = (keras.ops.convert_to_numpy(features(x, training=True))[0] for x in (PIXELS, bright))
    np.testing.assert_allclose(one, other, atol=1e-4)


def test_calling_a_new_detector_changes_nothing_and_agrees_with_predict():
    """Keras takes a call without `training` for one in training, because of the resizing layer inside."""
    detector = model.build_detector("lite0", image_size=64)
    before = detector.get_weights()
    called = keras.ops.convert_to_numpy(detector(PIXELS.astype(np.float32)))
    assert all((a == b).all() for a, b in zip(before, detector.get_weights()))
    np.testing.assert_allclose(called, detector.predict(PIXELS, verbose=0), atol=1e-4)


@pytest.mark.parametrize("unfreeze, boundary", [(0, (1280,)), (20, (2, 2, 192)), ("all", (32, 32, 3))])
def test_cut_divides_without_changing_the_answer(detector, unfreeze, boundary):
    model.unfreeze_top(detector, unfreeze)
    trunk, top = model.split_trunk(detector)
    assert trunk.output.shape[1:] == boundary
    assert not any(w is v for w in trunk.weights for v in detector.trainable_weights)
    halves = top.predict(trunk.predict(PIXELS, verbose=0), verbose=0)
    np.testing.assert_allclose(halves, detector.predict(PIXELS, verbose=0), atol=1e-6)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_saved_and_reloaded_predictions_are_equal_bit_for_bit(detector, tmp_path, suffix):
    detector.save(tmp_path / f"detector.{suffix}")
    again = model.load_detector(tmp_path / f"detector.{suffix}")
    assert (again.predict(PIXELS, verbose=0) == detector.predict(PIXELS, verbose=0)).all()


def test_start_weights_know_more_than_random_ones(detector):
    """Transferred features tell a photograph from noise and noise from a flat image; random ones hardly move."""
    flat = np.full_like(PIXELS, 128)
    spreads = []
    for net in (detector, model.build_detector(None, image_size=64)):
        features = keras.Model(net.input, net.get_layer(model.POOLED).output)
        spreads.append(features.predict(np.concatenate([PIXELS, flat]), verbose=0).std(axis=0).mean())
    assert spreads[0] > 10 * spreads[1]


def normalization(network):
    return next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))


@pytest.fixture
def keras_mirror(tmp_path, monkeypatch):
    """A local server in the place of Keras's, with a weights file of the same layout; yields the network behind it."""
    from keras.src.applications import efficientnet

    keras.utils.set_random_seed(1)
    original = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=(64, 64, 3))
    normalization(original).set_weights([np.array([0.5, 0.5, 0.5]), np.array([0.2, 0.2, 0.2]), np.array(0)])
    site = tmp_path / "site"
    site.mkdir()
    save_legacy(original, site / "efficientnetb0_notop.h5")
    handler = lambda *a, **k: http.server.SimpleHTTPRequestHandler(*a, directory=str(site), **k)  # noqa: E731
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digest = hashlib.md5((site / "efficientnetb0_notop.h5").read_bytes()).hexdigest()
    monkeypatch.setattr(efficientnet, "BASE_WEIGHTS_PATH", f"http://127.0.0.1:{server.server_port}/")
    monkeypatch.setitem(efficientnet.WEIGHTS_HASHES, "b0", ("", digest))
    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", cached_in(tmp_path / "cache"))
    yield original
    server.shutdown()


def save_legacy(network, path):
    """Keras's published weights have the layout of old HDF5 files."""
    import h5py
    from keras.src.legacy.saving import legacy_h5_format

    with h5py.File(path, "w") as file:
        legacy_h5_format.save_weights_to_hdf5_group(file, network)


def cached_in(folder):
    """Keras's own `get_file`, with a cache that is empty."""
    from keras.src.utils.file_utils import get_file

    return lambda *args, **kwargs: get_file(*args, **kwargs, cache_dir=str(folder))


def test_imagenet_weights_are_fetched_by_kerass_own_loader(keras_mirror, capsys):
    detector = model.build_detector("auto", image_size=64)
    assert "ImageNet weights from Keras" in capsys.readouterr().out
    for pick in (normalization, *(lambda net, name=name: net.get_layer(name) for name in ("stem_conv", "top_conv"))):
        for got, want in zip(pick(detector).get_weights(), pick(keras_mirror).get_weights()):
            np.testing.assert_array_equal(got, want)
    # Keras's published file needs one more rescaling, by 1/sqrt(std), which its loader adds; ours must pass it on.
    rescalings = [layer for layer in model.backbone_layers(detector) if isinstance(layer, keras.layers.Rescaling)]
    assert len(rescalings) == 2
    detector.predict(PIXELS, verbose=0)


@pytest.fixture(params=["refused", "silent"])
def no_network(request, monkeypatch, tmp_path, silent_server):
    from keras.src.applications import efficientnet

    address = "http://127.0.0.1:9/" if request.param == "refused" else f"{silent_server}/"
    monkeypatch.setattr(efficientnet, "BASE_WEIGHTS_PATH", address)
    monkeypatch.setattr(keras.src.utils.file_utils, "get_file", cached_in(tmp_path))


def test_without_network_the_start_weights_serve_and_say_so(no_network, capsys):
    detector = model.build_detector("auto", image_size=64)
    assert "the package's start weights" in capsys.readouterr().out
    stem = model.build_detector("lite0", image_size=64).get_layer("stem_conv").get_weights()[0]
    assert (detector.get_layer("stem_conv").get_weights()[0] == stem).all()
    with pytest.raises(TruthPixelError, match='weights="auto" or "lite0" works without'):
        model.build_detector("imagenet", image_size=64)


def test_bad_input_is_told_in_one_sentence(detector, tmp_path):
    with pytest.raises(TruthPixelError, match="image_size is 16"):
        model.build_detector(None, image_size=16)
    with pytest.raises(TruthPixelError, match="unfreeze_layers is 999: expected 0 to"):
        model.unfreeze_top(detector, 999)
    with pytest.raises(TruthPixelError, match="missing: run notebooks/04_finetune.ipynb first"):
        model.load_detector(tmp_path / "none.keras")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(TruthPixelError, match="cut.keras is not a Keras model"):
        model.load_detector(tmp_path / "cut.keras")
    with pytest.raises(TruthPixelError, match='weights is "imagnet": expected "auto", "imagenet", "lite0", None, or'):
        model.build_detector("imagnet")


def test_describe_counts_every_parameter_once(detector):
    model.freeze_backbone(detector)
    table = model.describe(detector)
    assert table["parameters"].sum() == detector.count_params()
    assert table["trainable"].sum() == table.loc["head", "parameters"]


def test_another_size_inside_is_the_same_network(detector):
    other = model.with_image_size(detector, 96)
    assert other.get_layer("resize").height == 96 and detector.get_layer("resize").height == 64
    assert [layer.trainable for layer in other.layers] == [layer.trainable for layer in detector.layers]
    assert (other.predict(PIXELS, verbose=0) != detector.predict(PIXELS, verbose=0)).any()
    back = model.with_image_size(other, 64)
    np.testing.assert_allclose(back.predict(PIXELS, verbose=0), detector.predict(PIXELS, verbose=0), rtol=1e-5)
    with pytest.raises(TruthPixelError, match="multiples of 32"):
        model.with_image_size(detector, 80)


def test_trained_batch_norm_rests_when_told(detector):
    model.unfreeze_top(detector, "all", batch_norm=True)
    assert all(layer.trainable for layer in batch_norms(detector))
    model.freeze_batch_norm(detector)
    assert not any(layer.trainable for layer in batch_norms(detector)) and detector.get_layer("top_conv").trainable
