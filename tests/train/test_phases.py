import gc
import json
import os
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from conftest import RULE
from truthpixel_utils import cli, data, evaluate, model, train
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.train import augment, loop, phases

COLUMNS = "accuracy auc loss val_accuracy val_auc val_loss learning_rate stage".split()
RESTLESS = {"phase": 1, "epochs": 30, "learning_rate": 0.5}


@pytest.fixture(scope="module")
def splits(tiny):
    return data.load_splits(tiny)


def new_detector():
    keras.utils.set_random_seed(3)
    detector = model.build_detector("lite0", image_size=32)
    model.freeze_backbone(detector)
    return detector


def same(one, other):
    return all((a == b).all() for a, b in zip(one.get_weights(), other.get_weights()))


class Killed(Exception):
    pass


def kill_after(monkeypatch, count, name):
    """Stop the process, as it were, after the `count`-th time that a file called `name` was saved."""
    save, seen = loop.save_detector, []

    def save_and_die(network, path):
        save(network, path)
        seen.append(path.name == name)
        if sum(seen) == count:
            raise Killed

    for module in (loop, phases):
        monkeypatch.setattr(module, "save_detector", save_and_die)


def test_training_learns_and_leaves_its_files(splits, home):
    detector = new_detector()
    before = detector.get_layer("top_conv").get_weights()[0]
    history = train.train_phase(detector, splits, phase=1, epochs=4, learning_rate=1e-3)
    assert history["val_accuracy"].max() > 0.9  # noise against gradients: easy
    assert (detector.get_layer("top_conv").get_weights()[0] == before).all()
    assert same(model.load_detector(home / "outputs/models/phase1.keras"), detector)
    saved = pd.read_csv(home / "outputs/training_history_phase1.csv", index_col="epoch")
    pd.testing.assert_frame_equal(saved, history)
    assert list(saved.columns) == COLUMNS


@pytest.fixture(scope="module")
def restless(splits, tmp_path_factory):
    """A detector trained at a learning rate that cannot settle, and its history."""
    detector = new_detector()
    return detector, train.train_phase(detector, splits, **RESTLESS, output_dir=tmp_path_factory.mktemp("restless"))


def test_the_best_epoch_is_kept_and_patience_ends_training(splits, restless):
    detector, history = restless
    best = history["val_loss"].idxmin()
    assert len(history) == min(30, best + loop.EARLY_STOPPING_PATIENCE)
    assert (history["learning_rate"].iloc[:3] == 0.5).all()  # the rate an epoch had, not the one it left
    assert history["learning_rate"].iloc[-1] < 0.5
    detector.compile(loss="binary_crossentropy")
    loss = detector.evaluate(*data.thumbnails(splits["validation"]), verbose=0)
    assert loss == pytest.approx(history["val_loss"].min(), rel=0.02)  # features are kept in half precision


@pytest.mark.parametrize("killed_at", ["best.keras", "last.keras"])
@pytest.mark.parametrize("count", [0, 20])
def test_a_killed_training_ends_with_the_weights_it_would_have_had(splits, home, monkeypatch, capsys, killed_at, count):
    def detector():
        made = new_detector()
        model.unfreeze_top(made, count)
        return made

    options = {"phase": 1, "epochs": 4, "learning_rate": 3e-3}
    whole = detector()
    history = train.train_phase(whole, splits, **options, output_dir="whole")
    with monkeypatch.context() as patch:
        kill_after(patch, 2, killed_at)
        with pytest.raises(Killed):
            train.train_phase(detector(), splits, **options, output_dir="killed")
    capsys.readouterr()
    resumed = detector()
    again = train.train_phase(resumed, splits, **options, output_dir="killed")
    assert f"Resumed after epoch {2 if killed_at == 'last.keras' else 1}" in capsys.readouterr().out
    pd.testing.assert_frame_equal(again, history)
    assert same(resumed, whole)


def test_a_training_killed_after_it_ran_out_of_patience_does_not_go_on(splits, restless, home, monkeypatch):
    _, whole = restless
    with monkeypatch.context() as patch:
        kill_after(patch, len(whole), "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_detector(), splits, **RESTLESS)
    pd.testing.assert_frame_equal(train.train_phase(new_detector(), splits, **RESTLESS), whole)


def test_evaluate_refuses_images_that_the_detector_may_have_been_trained_on(splits, tiny, home, capsys):
    detector = new_detector()
    train.train_phase(detector, splits, phase=2, epochs=1, learning_rate=1e-3)
    evaluate.save_finished(detector, RULE)
    assert cli.main(["evaluate", "--source", str(tiny), "--split", "official"]) == 1
    assert "was trained on other images" in capsys.readouterr().err


def test_the_same_training_is_reused_and_another_is_not(splits, home, capsys):
    first = new_detector()
    history = train.train_phase(first, splits, phase=1, epochs=2, learning_rate=1e-3)
    again = new_detector()
    pd.testing.assert_frame_equal(train.train_phase(again, splits, phase=1, epochs=2, learning_rate=1e-3), history)
    assert "Reused: phase 1" in capsys.readouterr().out
    assert same(first, again)
    train.train_phase(new_detector(), splits, phase=1, epochs=2, learning_rate=1e-2)
    assert "Reused" not in capsys.readouterr().out
    other = new_detector()
    other.get_layer("dropout_256").rate = 0.1
    train.train_phase(other, splits, phase=1, epochs=2, learning_rate=1e-2)
    assert "Reused" not in capsys.readouterr().out


def test_files_of_an_older_version_are_not_taken_for_todays(splits, home, capsys):
    options = {"phase": 1, "epochs": 1, "learning_rate": 1e-3}
    train.train_phase(new_detector(), splits, **options)
    record = home / "outputs/checkpoints/phase1/finished.json"
    record.write_text(json.dumps({**json.loads(record.read_text()), "format": 1}))
    train.train_phase(new_detector(), splits, **options)
    assert "Reused" not in capsys.readouterr().out


def test_a_killed_training_does_not_cost_the_finished_one_nor_what_is_known_of_it(
    splits, tiny, home, monkeypatch, capsys
):
    detector = new_detector()
    history = train.train_phase(detector, splits, phase=2, epochs=2, learning_rate=1e-3)
    evaluate.save_finished(detector, {"temperature": 1.0, "lower_threshold": 0.2, "upper_threshold": 0.8})
    others = data.load_splits(tiny, limit=60)
    with monkeypatch.context() as patch:
        kill_after(patch, 1, "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_detector(), others, phase=2, epochs=2, learning_rate=1e-3)
    train.check_unseen(splits)
    with pytest.raises(TruthPixelError, match="trained on other images"):
        train.check_unseen(others)
    capsys.readouterr()
    pd.testing.assert_frame_equal(train.train_phase(new_detector(), splits, phase=2, epochs=2, learning_rate=1e-3), history)
    assert "Reused" in capsys.readouterr().out


def after_an_epoch(splits, way):
    """The weights that an epoch of phase 2 trains: of the whole network, of its top on exact features, or by `train`.

    The dropout's state is set as `train` sets it; all else is Keras's own `fit` on the images in the same order.
    """
    detector = new_detector()
    model.unfreeze_top(detector, 20)
    images, labels = data.thumbnails(splits["train"])
    trunk, top = model.split_trunk(detector)
    network, inputs = (detector, images) if way == "whole" else (top, trunk.predict(images, verbose=0))
    if way == "train":
        train.train_phase(detector, splits, phase=2, epochs=1, learning_rate=1e-4, views=1)
    else:
        augment.reseed(top, 42, 0)
        network.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy")
        network.fit(loop.Batches(inputs[None], labels, 32, seed=42), shuffle=False, verbose=0)
    return np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in detector.trainable_weights])


def test_an_epoch_on_kept_features_gives_the_weights_of_an_epoch_of_the_whole_network(splits, home):
    whole = after_an_epoch(splits, "whole")
    np.testing.assert_allclose(after_an_epoch(splits, "top"), whole, rtol=1e-3, atol=1e-7)
    # Half precision and another engine are rounding errors, which Adam magnifies where a gradient is almost 0.
    assert np.linalg.norm(after_an_epoch(splits, "train") - whole) < 1e-3 * np.linalg.norm(whole)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list what a process has mapped")
def test_training_lets_go_of_the_features_it_mapped(splits, home):
    train.train_phase(new_detector(), splits, phase=1, epochs=1, learning_rate=1e-3)
    gc.collect()
    assert list((home / "outputs" / "cache").glob("*.npy"))
    assert str(home) not in Path("/proc/self/maps").read_text()


def test_whole_network_can_be_trained_by_the_same_function(splits, home):
    detector = new_detector()
    model.unfreeze_top(detector, "all")
    before = detector.get_layer("stem_conv").get_weights()[0]
    train.train_phase(detector, splits, phase=2, epochs=1, learning_rate=1e-4)
    assert (detector.get_layer("stem_conv").get_weights()[0] != before).any()
    assert not (home / "outputs/cache").exists()  # nothing is frozen, nothing worth keeping


STAGES = {
    "epochs": [[32, 1], [64, 2]],
    "learning_rate": 1e-3,
    "batch_size": 16,
    "views": 1,
    "recipe": "strong",
}


def new_whole_detector():
    """A network in the shape of a detector, all of it trained, that is built in no time."""
    keras.utils.set_random_seed(3)
    layers = keras.layers
    pixels = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(layers.Resizing(64, 64, name="resize")(pixels))
    for i in range(2):
        x = layers.Conv2D(8, 3, strides=2, activation="relu", name=f"conv{i}")(x)
        x = layers.BatchNormalization(name=f"bn{i}")(x)
    x = layers.Dropout(0.3)(layers.GlobalAveragePooling2D(name=model.POOLED)(x))
    detector = keras.Model(pixels, layers.Activation("sigmoid", name="p_ai")(layers.Dense(1, name="logit")(x)))
    model.unfreeze_top(detector, "all", batch_norm=True)
    return detector


@pytest.fixture(scope="module")
def strong(splits, tmp_path_factory):
    """A detector trained by the strong recipe in three epochs, and its history."""
    detector = new_whole_detector()
    return detector, train.train_phase(detector, splits, phase=2, output_dir=tmp_path_factory.mktemp("strong"), **STAGES)


def test_the_strong_recipe_trains_everything_and_leaves_batch_norm_at_rest(splits, strong):
    detector, history = strong
    start = new_whole_detector()
    for name in ("conv0", "bn1", "logit"):
        assert (detector.get_layer(name).get_weights()[0] != start.get_layer(name).get_weights()[0]).any()
    assert not detector.get_layer("bn1").trainable
    assert list(history.columns) == COLUMNS
    assert list(history["stage"]) == [1, 2, 2] and list(history.index) == [1, 2, 3]
    rates = history["learning_rate"]
    assert rates[2] > rates[1] and rates[3] < 1e-5  # it begins anew,
    assert rates[2] < STAGES["learning_rate"] / 2  # half as high: by then it has fallen to 0.6 of where it began


@pytest.mark.parametrize("after", [1, 2])  # between two sizes, and within one
def test_a_killed_strong_training_ends_with_the_weights_it_would_have_had(splits, home, monkeypatch, strong, after):
    whole, history = strong
    with monkeypatch.context() as patch:
        kill_after(patch, after, "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_whole_detector(), splits, phase=2, **STAGES)
    resumed = new_whole_detector()
    pd.testing.assert_frame_equal(train.train_phase(resumed, splits, phase=2, **STAGES), history)
    assert same(resumed, whole)


def test_the_strong_recipe_is_of_the_average_and_what_is_watched_is_what_is_kept(splits, strong):
    detector, history = strong
    images, labels = data.thumbnails(splits["validation"])
    detector.compile(loss=keras.losses.BinaryCrossentropy(label_smoothing=loop.STRONG["label_smoothing"]))
    assert detector.evaluate(images, labels, verbose=0) == pytest.approx(
        history["val_loss"][train.best_epoch(history)], rel=1e-3
    )


def test_the_average_answers_by_statistics_of_its_own(splits, tmp_path):
    """With a fast average of slow weights, those that training gathers belong to other weights: chance."""
    detector = new_whole_detector()
    options = {**STAGES, "epochs": 2, "learning_rate": 0.1}
    train.train_phase(detector, splits, phase=2, output_dir=tmp_path, **options)
    images, _ = data.thumbnails(splits["train"])
    below = keras.Model(detector.input, detector.get_layer("conv1").output)
    found = below.predict(images, verbose=0).mean(axis=(0, 1, 2))
    spread = below.predict(images, verbose=0).std(axis=(0, 1, 2))
    said = detector.get_layer("bn1").moving_mean.numpy()
    assert (np.abs(found - said) <= 0.25 * spread + 1e-3).all()


def test_an_epoch_of_an_earlier_stage_is_not_kept_however_well_it_did():
    history = pd.DataFrame({"val_loss": [0.1, 0.4, 0.3, 0.5], "stage": [1, 2, 2, 2]}, index=[1, 2, 3, 4])
    assert train.best_epoch(history) == 3


@pytest.mark.parametrize("backend", ["tensorflow", "jax", "torch"])
def test_two_steps_train_under_every_backend(tiny, tmp_path, backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    code = f"""
from truthpixel_utils import data, model, train
from truthpixel_utils.backend import keras
detector = model.build_detector("lite0", image_size=32, seed=3)
model.unfreeze_top(detector, "all", batch_norm=True)
splits = data.load_splits({str(tiny)!r})
splits["train"] = splits["train"].select(range(32))
options = {{"epochs": 1, "learning_rate": 1e-3, "batch_size": 16, "views": 1, "recipe": "strong"}}
history = train.train_phase(detector, splits, phase=2, output_dir={str(tmp_path)!r}, **options)
print(keras.config.backend(), float(history["loss"].iloc[0]) > 0)
"""
    environment = {**os.environ, "KERAS_BACKEND": backend}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.endswith(f"{backend} True\n"), done.stderr[-2000:]
    again = model.load_detector(tmp_path / "models" / "phase2.keras")
    assert np.isfinite(again.predict(data.thumbnails(data.load_splits(tiny)["test"])[0], verbose=0)).all()


def test_sizes_and_recipes_that_do_not_fit_are_told_in_one_sentence(splits, home):
    frozen, whole = new_detector(), new_whole_detector()
    for detector, options, words in (
        (whole, {"epochs": [[64, 1], [32, 1]]}, "the detector's own size, 64"),
        (whole, {"epochs": [64, 10]}, "expected a number, or stages as in"),
        (whole, {"epochs": []}, "expected a number, or stages as in"),
        (frozen, {"recipe": "strong"}, 'unfreeze_layers="all"'),
        (whole, {"recipe": "wild"}, "expected gentle or strong"),
        (frozen, {"epochs": [[64, 1], [32, 1]]}, 'unfreeze_layers="all"'),
    ):
        with pytest.raises(TruthPixelError, match=words):
            train.train_phase(detector, splits, phase=2, **{"epochs": 1, "learning_rate": 1e-3, **options})


def test_bad_numbers_are_told_in_one_sentence(splits, home):
    with pytest.raises(TruthPixelError, match="epochs is 0: expected a number above 0"):
        train.train_phase(new_detector(), splits, phase=1, epochs=0, learning_rate=1e-3)
