import numpy as np
import pytest
from PIL import Image

from conftest import picture
from truthpixel_utils import data, evaluate
from truthpixel_utils.evaluate import baselines


@pytest.fixture(scope="module")
def splits(tiny):
    return data.load_splits(tiny)  # gradients are real, noise is not


@pytest.mark.parametrize("name", ["colours", "spectrum", "file size"])
def test_what_a_child_could_compute_tells_noise_from_gradients(splits, name):
    predictions = baselines.linear_baseline(splits, baselines.FEATURES[name])
    assert predictions["id"].tolist() == splits["test"]["id"][:]
    assert evaluate.compute_metrics(predictions)["accuracy"] > 0.9


def test_the_spectrum_of_a_wave_lies_at_its_frequency(tmp_path):
    wave = 127 + 100 * np.sin(2 * np.pi * 5 * np.arange(32) / 32)
    for folder, pixels in (
        ("REAL", np.tile(wave[None, :, None], (32, 1, 3))),
        ("FAKE", picture(0, True)),
    ):
        (tmp_path / folder).mkdir()
        Image.fromarray(pixels.astype(np.uint8)).save(tmp_path / folder / "a.png")
    power = baselines.spectrum(data.load_all(tmp_path))
    labels = data.load_all(tmp_path)["label"][:]
    assert power.shape == (2, 17)
    assert power[labels.index(0)].argmax() == 5


def test_the_papers_small_network_is_trained_by_the_same_code(splits, home):
    network = baselines.train_small_cnn(splits, epochs=5, seed=0, output_dir="outputs")
    assert (
        evaluate.compute_metrics(evaluate.predict_rows(network, splits["test"]))["accuracy"] > 0.9
    )
    assert (home / "outputs/small_cnn/models/phase1.keras").exists()
    assert not (home / "outputs/models").exists()


def test_size_and_format_part_pictures_that_only_differ_in_them(pictures):
    splits = data.load_splits(pictures)
    features = evaluate.baselines.size_and_format(splits["test"])
    assert features.shape == (len(splits["test"]), 6)
    assert (features[:, 3] == 1 - np.array(splits["test"]["label"])).all()  # photographs are JPEG
    table = evaluate.baselines.linear_baseline(splits, evaluate.baselines.size_and_format)
    assert evaluate.compute_metrics(table)["roc_auc"] == 1
