import gc
import json
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
from networks import (
    COLUMNS,
    Killed,
    kill_after,
    new_detector,
    new_whole_detector,
    same_weights,
)

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.locks import alone_in
from truthpixel_utils.train import augment
from truthpixel_utils.train.batches import Batches, Examples
from truthpixel_utils.train.recipes import GENTLE

RESTLESS = {"phase": 1, "epochs": 30, "learning_rate": 0.5}


@pytest.fixture(scope="module")
def splits(tiny):
    return data.load_splits(tiny)


def test_training_learns_and_leaves_its_files(splits, home):
    detector = new_detector()
    before = detector.get_layer("top_conv").get_weights()[0]
    history = train.train_phase(detector, splits, phase=1, epochs=4, learning_rate=1e-3)
    assert history["val_accuracy"].max() > 0.9  # noise against gradients: easy
    assert (detector.get_layer("top_conv").get_weights()[0] == before).all()
    assert same_weights(model.load_detector(home / "outputs/models/phase1.keras"), detector)
    saved = pd.read_csv(home / "outputs/training_history_phase1.csv", index_col="epoch")
    pd.testing.assert_frame_equal(saved, history)
    assert list(saved.columns) == COLUMNS
    left = (home / "outputs/checkpoints/phase1").iterdir()
    assert [path.name for path in left] == ["finished.json"]


@pytest.fixture(scope="module")
def restless(splits, tmp_path_factory):
    """A detector trained at a learning rate that cannot settle, and its history."""
    detector = new_detector()
    return detector, train.train_phase(
        detector, splits, **RESTLESS, output_dir=tmp_path_factory.mktemp("restless")
    )


def test_the_best_epoch_is_kept_and_patience_ends_training(splits, restless):
    detector, history = restless
    best = history["val_loss"].idxmin()
    assert len(history) == min(30, best + GENTLE.early_stopping_patience)
    assert (
        history["learning_rate"].iloc[:3] == 0.5
    ).all()  # the rate an epoch had, not the one it left
    assert history["learning_rate"].iloc[-1] < 0.5
    detector.compile(loss="binary_crossentropy")
    loss = detector.evaluate(*data.thumbnails(splits["validation"]), verbose=0)
    assert loss == pytest.approx(
        history["val_loss"].min(), rel=0.02
    )  # features are kept in half precision


@pytest.mark.parametrize(("count", "killed_at"), [(0, "best.keras"), (20, "last.keras")])
def test_a_killed_training_ends_with_the_weights_it_would_have_had(
    splits, home, monkeypatch, capsys, count, killed_at
):
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
    assert same_weights(resumed, whole)


def test_a_training_killed_after_it_ran_out_of_patience_does_not_go_on(
    splits, restless, home, monkeypatch
):
    _, whole = restless
    with monkeypatch.context() as patch:
        kill_after(patch, len(whole), "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_detector(), splits, **RESTLESS)
    pd.testing.assert_frame_equal(train.train_phase(new_detector(), splits, **RESTLESS), whole)


def test_the_same_training_is_reused_and_another_is_not(splits, home, capsys):
    first = new_detector()
    history = train.train_phase(first, splits, phase=1, epochs=2, learning_rate=1e-3)
    again = new_detector()
    reused = train.train_phase(again, splits, phase=1, epochs=2, learning_rate=1e-3)
    pd.testing.assert_frame_equal(reused, history, check_exact=True)
    assert "Reused: phase 1" in capsys.readouterr().out
    assert same_weights(first, again)
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
    evaluate.save_finished(
        detector, {"temperature": 1.0, "lower_threshold": 0.2, "upper_threshold": 0.8}
    )
    others = data.load_splits(tiny, limit=60)
    with monkeypatch.context() as patch:
        kill_after(patch, 1, "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_detector(), others, phase=2, epochs=2, learning_rate=1e-3)
    train.check_unseen(splits)
    with pytest.raises(TruthPixelError, match="trained on other images"):
        train.check_unseen(others)
    capsys.readouterr()
    pd.testing.assert_frame_equal(
        train.train_phase(new_detector(), splits, phase=2, epochs=2, learning_rate=1e-3), history
    )
    assert "Reused" in capsys.readouterr().out


@pytest.mark.parametrize("file", ["best.keras", "phase1.keras"])
def test_a_training_killed_while_it_writes_its_result_is_not_taken_for_the_one_before(
    splits, home, monkeypatch, capsys, file
):
    one, other = ({"phase": 1, "epochs": 1, "learning_rate": rate} for rate in (1e-3, 1e-2))
    train.train_phase(new_detector(), splits, **one)
    with monkeypatch.context() as patch:
        kill_after(patch, 1, file)
        with pytest.raises(Killed):
            train.train_phase(new_detector(), splits, **other)
    capsys.readouterr()
    again = new_detector()
    train.train_phase(again, splits, **one)
    assert ("Reused" in capsys.readouterr().out) == (file == "best.keras")
    fresh = new_detector()
    train.train_phase(fresh, splits, **one, output_dir="fresh")
    assert same_weights(again, fresh)


def after_an_epoch(splits, way):
    """The weights that an epoch of phase 2 trains, put in a row.

    It trains the ``"whole"`` network, its ``"top"`` on exact features, or by `train_phase`, for
    ``"train"``. The dropout's state is set as `train_phase` sets it; all else is Keras's own `fit`
    on the images in the same order.
    """
    detector = new_detector()
    model.unfreeze_top(detector, 20)
    images, labels = data.thumbnails(splits["train"])
    if way == "train":
        train.train_phase(detector, splits, phase=2, epochs=1, learning_rate=1e-4, views=1)
    else:
        network, inputs = detector, images
        trunk, top = model.split_trunk(detector)
        if way == "top":
            network, inputs = top, trunk.predict(images, verbose=0)
        augment.reseed(top, 42, 0)
        network.compile(keras.optimizers.Adam(1e-4), "binary_crossentropy")
        network.fit(Batches(Examples(inputs[None], labels), 32, seed=42), shuffle=False, verbose=0)
    weights = [keras.ops.convert_to_numpy(weight) for weight in detector.trainable_weights]
    return np.concatenate([weight.ravel() for weight in weights])


def test_an_epoch_on_kept_features_gives_the_weights_of_an_epoch_of_the_whole_network(splits, home):
    whole = after_an_epoch(splits, "whole")
    np.testing.assert_allclose(after_an_epoch(splits, "top"), whole, rtol=1e-3, atol=1e-7)
    # Half precision and another engine are rounding errors; Adam magnifies them where a gradient
    # is almost 0.
    assert np.linalg.norm(after_an_epoch(splits, "train") - whole) < 1e-3 * np.linalg.norm(whole)


@pytest.mark.skipif(
    not Path("/proc/self/maps").exists(),
    reason="this system does not list what a process has mapped",
)
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


def test_recipes_and_stages_that_need_the_whole_network_are_told_in_one_sentence(splits, home):
    detector = new_detector()
    for options in ({"recipe": "strong"}, {"epochs": [[64, 1], [32, 1]]}):
        options = {"epochs": 1, "learning_rate": 1e-3, **options}
        with pytest.raises(TruthPixelError, match='unfreeze_layers="all"'):
            train.train_phase(detector, splits, phase=2, **options)


def test_bad_settings_are_told_in_one_sentence(splits, home):
    detector = new_whole_detector()
    for options, words in (
        ({"epochs": 0}, "epochs is 0: expected a number above 0"),
        ({"epochs": [[64, 1], [32, 1]]}, "the detector's own size, 64"),
        ({"recipe": "wild"}, "expected gentle or strong"),
    ):
        options = {"epochs": 1, "learning_rate": 1e-3, **options}
        with pytest.raises(TruthPixelError, match=words):
            train.train_phase(detector, splits, phase=1, **options)


def test_two_trainings_do_not_share_a_folder(splits, home):
    words = "another training is at work in .*outputs: wait until it has ended, or name another out"
    with alone_in("outputs", "training"), pytest.raises(TruthPixelError, match=words):
        train.train_phase(new_detector(), splits, phase=1, epochs=1, learning_rate=1e-3)
    assert not (home / "outputs" / "cache").exists()
