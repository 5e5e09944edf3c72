import gc
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest

from truthpixel_utils import data, model, train
from truthpixel_utils.files import TruthPixelError


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
    save, seen = train._save, []

    def save_and_die(network, path):
        save(network, path)
        seen.append(path.name == name)
        if sum(seen) == count:
            raise Killed

    monkeypatch.setattr(train, "_save", save_and_die)


def test_training_learns_and_leaves_its_files(splits, home):
    detector = new_detector()
    before = detector.get_layer("top_conv").get_weights()[0]
    history = train.train(detector, splits, phase=1, epochs=4, learning_rate=1e-3)
    assert history["val_accuracy"].max() > 0.9  # noise against gradients: easy
    assert (detector.get_layer("top_conv").get_weights()[0] == before).all()
    assert same(model.load_detector(home / "outputs/models/phase1.keras"), detector)
    saved = pd.read_csv(home / "outputs/training_history_phase1.csv", index_col="epoch")
    pd.testing.assert_frame_equal(saved, history)
    assert list(saved.columns) == ["accuracy", "auc", "loss", "val_accuracy", "val_auc", "val_loss", "learning_rate"]


def test_the_best_epoch_is_kept_and_patience_ends_training(splits, home):
    detector = new_detector()
    history = train.train(detector, splits, phase=1, epochs=30, learning_rate=0.5)  # a learning rate that cannot settle
    best = history["val_loss"].idxmin()
    assert len(history) == min(30, best + train.PATIENCE)
    assert history["learning_rate"].iloc[-1] < 0.5
    detector.compile(loss="binary_crossentropy")
    loss = detector.evaluate(*data.thumbnails(splits["validation"]), verbose=0)
    assert loss == pytest.approx(history["val_loss"].min(), rel=0.02)  # features are kept in half precision


@pytest.mark.parametrize("killed_at", ["best.keras", "last.keras"])
@pytest.mark.parametrize("phase", [1, 2])
def test_a_killed_training_ends_with_the_weights_it_would_have_had(splits, home, monkeypatch, capsys, killed_at, phase):
    def detector():
        made = new_detector()
        model.unfreeze_top(made, 0 if phase == 1 else 20)
        return made

    whole = detector()
    history = train.train(whole, splits, phase=phase, epochs=4, learning_rate=3e-3, output_dir="whole")
    with monkeypatch.context() as patch:
        kill_after(patch, 2, killed_at)
        with pytest.raises(Killed):
            train.train(detector(), splits, phase=phase, epochs=4, learning_rate=3e-3, output_dir="killed")
    capsys.readouterr()
    resumed = detector()
    again = train.train(resumed, splits, phase=phase, epochs=4, learning_rate=3e-3, output_dir="killed")
    assert f"Resumed after epoch {2 if killed_at == 'last.keras' else 1}" in capsys.readouterr().out
    pd.testing.assert_frame_equal(again, history)
    assert same(resumed, whole)


def test_a_training_killed_after_it_ran_out_of_patience_does_not_go_on(splits, home, monkeypatch):
    whole = train.train(new_detector(), splits, phase=1, epochs=30, learning_rate=0.5, output_dir="whole")
    with monkeypatch.context() as patch:
        kill_after(patch, len(whole), "last.keras")
        with pytest.raises(Killed):
            train.train(new_detector(), splits, phase=1, epochs=30, learning_rate=0.5, output_dir="killed")
    pd.testing.assert_frame_equal(
        train.train(new_detector(), splits, phase=1, epochs=30, learning_rate=0.5, output_dir="killed"), whole
    )


def test_the_same_training_is_reused_and_another_is_not(splits, home, capsys):
    first = new_detector()
    history = train.train(first, splits, phase=1, epochs=2, learning_rate=1e-3)
    again = new_detector()
    pd.testing.assert_frame_equal(train.train(again, splits, phase=1, epochs=2, learning_rate=1e-3), history)
    assert "Reused: phase 1" in capsys.readouterr().out
    assert same(first, again)
    train.train(new_detector(), splits, phase=1, epochs=2, learning_rate=1e-2)
    assert "Reused" not in capsys.readouterr().out
    other = new_detector()
    other.get_layer("dropout_256").rate = 0.1
    train.train(other, splits, phase=1, epochs=2, learning_rate=1e-2)
    assert "Reused" not in capsys.readouterr().out


def test_a_killed_training_does_not_cost_the_finished_one_nor_what_is_known_of_it(
    splits, tiny, home, monkeypatch, capsys
):
    history = train.train(new_detector(), splits, phase=2, epochs=2, learning_rate=1e-3)
    others = data.load_splits(tiny, limit=60)
    with monkeypatch.context() as patch:
        kill_after(patch, 1, "last.keras")
        with pytest.raises(Killed):
            train.train(new_detector(), others, phase=2, epochs=2, learning_rate=1e-3)
    train.check_rows(splits)
    with pytest.raises(TruthPixelError, match="trained on other images"):
        train.check_rows(others)
    capsys.readouterr()
    pd.testing.assert_frame_equal(train.train(new_detector(), splits, phase=2, epochs=2, learning_rate=1e-3), history)
    assert "Reused" in capsys.readouterr().out


def after_an_epoch(splits, way):
    """The weights that an epoch of phase 2 trains: of the whole network, of its top on exact features, or by `train`.

    The dropout's state is set as `train` sets it; all else is Keras's own `fit` on the images in the same order.
    """
    detector = new_detector()
    model.unfreeze_top(detector, 20)
    images, labels = data.thumbnails(splits["train"])
    trunk, top = model.cut(detector)
    network, inputs = (detector, images) if way == "whole" else (top, trunk.predict(images, verbose=0))
    if way == "train":
        train.train(detector, splits, phase=2, epochs=1, learning_rate=1e-4, views=1)
    else:
        train._reseed(top, 42, 0)
        network.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy")
        network.fit(train.Batches(inputs[None], labels, 32, seed=42), shuffle=False, verbose=0)
    return np.concatenate([keras.ops.convert_to_numpy(weight).ravel() for weight in detector.trainable_weights])


def test_an_epoch_on_kept_features_gives_the_weights_of_an_epoch_of_the_whole_network(splits, home):
    whole = after_an_epoch(splits, "whole")
    np.testing.assert_allclose(after_an_epoch(splits, "top"), whole, rtol=1e-3, atol=1e-7)
    # Half precision and another engine are rounding errors, which Adam magnifies where a gradient is almost 0.
    assert np.linalg.norm(after_an_epoch(splits, "train") - whole) < 1e-3 * np.linalg.norm(whole)


@pytest.mark.skipif(not Path("/proc/self/maps").exists(), reason="this system does not list what a process has mapped")
def test_training_lets_go_of_the_features_it_mapped(splits, home):
    train.train(new_detector(), splits, phase=1, epochs=1, learning_rate=1e-3)
    gc.collect()
    assert list((home / "outputs" / "cache").glob("*.npy"))
    assert str(home) not in Path("/proc/self/maps").read_text()


def test_whole_network_can_be_trained_by_the_same_function(splits, home):
    detector = new_detector()
    model.unfreeze_top(detector, "all")
    before = detector.get_layer("stem_conv").get_weights()[0]
    train.train(detector, splits, phase=2, epochs=1, learning_rate=1e-4)
    assert (detector.get_layer("stem_conv").get_weights()[0] != before).any()
    assert not (home / "outputs/cache").exists()  # nothing is frozen, nothing worth keeping


def test_views_keep_the_first_image_and_change_the_others_the_same_way_every_time():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    views = train.augmented_views(images, 3, seed=1)
    assert views.shape == (3, 5, 32, 32, 3) and views.dtype == np.uint8
    assert (views[0] == images).all()
    assert (views[1] != images).any() and (views[1] != views[2]).any()
    assert (train.augmented_views(images, 3, seed=1) == views).all()
    assert (train.augmented_views(images, 3, seed=2) != views).any()


def test_bad_numbers_are_told_in_one_sentence(splits, home):
    with pytest.raises(TruthPixelError, match="epochs is 0: expected a number above 0"):
        train.train(new_detector(), splits, phase=1, epochs=0, learning_rate=1e-3)
