import hashlib
import http.server
import threading

import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


def test_start_weights_know_more_than_random_ones():
    """Transferred features tell noise from a flat image; random ones hardly differ."""
    images = np.concatenate([PIXELS, np.full_like(PIXELS, 128)])
    spreads = []
    for weights in ("lite0", None):
        detector = model.build_detector(weights, image_size=64, seed=0)
        features = keras.Model(detector.input, detector.get_layer(model.POOLED).output)
        spreads.append(features.predict(images, verbose=0).std(axis=0).mean())
    assert spreads[0] > 10 * spreads[1]


def test_a_name_that_is_no_file_is_told_in_one_sentence():
    expected = 'weights is "imagnet": expected "auto", "imagenet", "lite0", '
    expected += '"efficientnet_lite0", None, or'
    with pytest.raises(TruthPixelError, match=expected):
        model.build_detector("imagnet")


def normalization(network):
    return next(layer for layer in network.layers if isinstance(layer, keras.layers.Normalization))


@pytest.fixture
def keras_mirror(tmp_path, monkeypatch):
    """A server in the place of Keras's, with a file of weights; yields the network behind it."""
    from keras.src.applications import efficientnet

    keras.utils.set_random_seed(1)
    original = keras.applications.EfficientNetB0(
        include_top=False, weights=None, input_shape=(64, 64, 3)
    )
    normalization(original).set_weights(
        [np.array([0.5, 0.5, 0.5]), np.array([0.2, 0.2, 0.2]), np.array(0)]
    )
    site = tmp_path / "site"
    site.mkdir()
    save_legacy(original, site / "efficientnetb0_notop.h5")
    handler = lambda *a, **k: http.server.SimpleHTTPRequestHandler(*a, directory=str(site), **k)  # noqa: E731
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    digest = hashlib.md5((site / "efficientnetb0_notop.h5").read_bytes()).hexdigest()
    monkeypatch.setattr(
        efficientnet, "BASE_WEIGHTS_PATH", f"http://127.0.0.1:{server.server_port}/"
    )
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
    pairs = [(normalization(detector), normalization(keras_mirror))]
    for name in ("stem_conv", "top_conv"):
        pairs.append((detector.get_layer(name), keras_mirror.get_layer(name)))
    for layer, original in pairs:
        for got, want in zip(layer.get_weights(), original.get_weights(), strict=True):
            np.testing.assert_array_equal(got, want)
    # Keras's published weights need one more rescaling, by 1/sqrt(std), which its loader adds; the
    # detector must pass it on.
    kinds = [type(layer) for layer in model.backbone_layers(detector)]
    assert kinds.count(keras.layers.Rescaling) == 2
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
