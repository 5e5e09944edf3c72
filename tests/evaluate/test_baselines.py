import datasets
import keras
import numpy as np
import pytest
from PIL import Image

from conftest import picture
from truthpixel_utils import data, evaluate, model
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


@pytest.fixture
def three_makers():
    """Features of three generators and a camera: one's trace is the opposite of another's.

    The third is not in training; it leaves the trace of the first.
    """
    traces = {"camera": [0, 0, 0], "a": [3, 0, 0], "b": [-3, 3, 0], "new": [3, 0, 3]}
    rng = np.random.default_rng(0)

    def split(**counts):
        names = np.repeat(list(counts), list(counts.values()))
        features = np.array([traces[name] for name in names]) + rng.normal(size=(len(names), 3))
        columns = {"generator": names, "label": names != "camera", "features": features}
        return datasets.Dataset.from_dict(columns).cast_column("label", datasets.Value("int64"))

    held_out = {"camera": 60, "a": 40, "b": 30, "new": 20}
    return {
        "train": split(camera=200, a=150, b=150),
        "validation": split(**held_out),
        "test": split(**held_out),
    }


def test_across_generators_leaves_each_out_and_trains_on_each_alone(three_makers):
    table = baselines.across_generators(three_makers, lambda rows: np.array(rows["features"]))
    assert table["images"].to_dict() == {"a": 80, "b": 60, "new": 40}
    assert list(table.columns[1:]) == ["all", "all but this", "only a", "only b"]
    assert table.loc["a", "only a"] > 0.95 > 0.5 > table.loc["a", "only b"]
    assert table.loc["a", "all but this"] == table.loc["a", "only b"]  # there are but two
    assert table.loc["new", "all but this"] == table.loc["new", "all"]
    assert table.loc["new", "only a"] > 0.9


def test_of_an_only_generator_nothing_is_left_to_learn_from(splits):
    table = baselines.across_generators(splits, baselines.spectrum)
    [row] = table.to_dict("records")
    assert row["all"] == 1 and np.isnan(row["all but this"])


def test_frozen_features_look_as_the_detector_does_and_know_nothing_of_it(splits):
    detector = model.build_detector("lite0", 32)
    rows = splits["test"].take(10)
    before = baselines.frozen_features(detector)(rows)
    assert before.shape == (10, 1280)
    detector.set_weights([weight * 0 for weight in detector.get_weights()])
    assert (baselines.frozen_features(detector)(rows) == before).all()


def test_of_a_picture_the_middle_window_is_described(pictures):
    detector = model.build_detector("lite0", 64, "windows")
    rows = data.load_splits(pictures)["test"].take(3)
    features = baselines.frozen_features(detector)
    described = features(rows)
    images, _ = evaluate.images_for(detector, rows)
    fresh = model.build_detector("auto", 64, "windows")
    backbone = keras.Model(fresh.input, fresh.get_layer(model.POOLED).output)
    assert described == pytest.approx(backbone.predict(images, verbose=0), abs=1e-2)
