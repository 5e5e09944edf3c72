import os
import subprocess
import sys

import keras
import numpy as np
import pandas as pd
import pytest
from networks import COLUMNS, Killed, kill_after, new_whole_detector, same_weights

from truthpixel_utils import data, model, train
from truthpixel_utils.train.recipes import STRONG

STAGES = {
    "epochs": [[32, 1], [64, 2]],
    "learning_rate": 1e-3,
    "batch_size": 16,
    "views": 1,
    "recipe": "strong",
}


@pytest.fixture(scope="module")
def splits(tiny):
    return data.load_splits(tiny)


@pytest.fixture(scope="module")
def strong(splits, tmp_path_factory):
    """A detector trained by the strong recipe in three epochs, and its history."""
    detector = new_whole_detector()
    folder = tmp_path_factory.mktemp("strong")
    return detector, train.train_phase(detector, splits, phase=2, output_dir=folder, **STAGES)


def test_the_strong_recipe_trains_everything_and_leaves_batch_norm_at_rest(strong):
    detector, history = strong
    start = new_whole_detector()
    for name in ("conv0", "bn1", "logit"):
        before, after = (network.get_layer(name).get_weights()[0] for network in (start, detector))
        assert (after != before).any()
    assert not detector.get_layer("bn1").trainable
    assert list(history.columns) == COLUMNS
    assert list(history["stage"]) == [1, 2, 2] and list(history.index) == [1, 2, 3]
    rates = history["learning_rate"]
    assert rates[2] > rates[1] and rates[3] < 1e-5  # it begins anew,
    assert rates[2] < STAGES["learning_rate"] / 2  # half as high: by then it has fallen to 0.6


def test_the_average_of_a_short_training_forgets_where_it_began():
    assert STRONG.momentum(6640) == 0.999  # as CIFAKE's detector was trained
    for steps in (100, 1000):
        assert STRONG.momentum(steps) ** steps < 0.01


@pytest.mark.parametrize("after", [1, 2])  # between two sizes, and within one
def test_a_killed_strong_training_ends_with_the_weights_it_would_have_had(
    splits, home, monkeypatch, strong, after
):
    whole, history = strong
    with monkeypatch.context() as patch:
        kill_after(patch, after, "last.keras")
        with pytest.raises(Killed):
            train.train_phase(new_whole_detector(), splits, phase=2, **STAGES)
    resumed = new_whole_detector()
    again = train.train_phase(resumed, splits, phase=2, **STAGES)
    pd.testing.assert_frame_equal(again, history)
    assert same_weights(resumed, whole)


def test_the_strong_recipe_is_of_the_average_and_what_is_watched_is_what_is_kept(splits, strong):
    detector, history = strong
    images, labels = data.thumbnails(splits["validation"])
    smoothed = keras.losses.BinaryCrossentropy(label_smoothing=STRONG.label_smoothing)
    detector.compile(loss=smoothed)
    kept = history["val_loss"][train.best_epoch(history)]
    assert detector.evaluate(images, labels, verbose=0) == pytest.approx(kept, rel=1e-3)


def test_the_average_answers_by_statistics_of_its_own(splits, tmp_path):
    """With a fast average of slow weights, those that training gathers belong to other weights."""
    detector = new_whole_detector()
    options = {**STAGES, "epochs": 2, "learning_rate": 0.1}
    train.train_phase(detector, splits, phase=2, output_dir=tmp_path, **options)
    images, _ = data.thumbnails(splits["train"])
    below = keras.Model(detector.input, detector.get_layer("conv1").output)
    activations = below.predict(images, verbose=0)
    found, spread = activations.mean(axis=(0, 1, 2)), activations.std(axis=(0, 1, 2))
    said = detector.get_layer("bn1").moving_mean.numpy()
    assert (np.abs(found - said) <= 0.25 * spread + 1e-3).all()


TWO_STEPS = """
import sys
import keras
from truthpixel_utils import data, model, train

source, output_dir = sys.argv[1:]
detector = model.build_detector("lite0", image_size=32, seed=3)
model.unfreeze_top(detector, "all", batch_norm=True)
splits = data.load_splits(source)
splits["train"] = splits["train"].select(range(32))
history = train.train_phase(
    detector, splits, phase=2, epochs=1, learning_rate=1e-3, batch_size=16, views=1,
    recipe="strong", output_dir=output_dir,
)
print(keras.config.backend(), float(history["loss"].iloc[0]) > 0)
"""


@pytest.mark.parametrize("backend", ["jax", "torch"])  # all other tests train under TensorFlow
def test_two_steps_train_under_another_backend(tiny, tmp_path, backend):
    pytest.importorskip(backend, reason=f"{backend} is not installed")
    done = subprocess.run(
        [sys.executable, "-c", TWO_STEPS, str(tiny), str(tmp_path)],
        env={**os.environ, "KERAS_BACKEND": backend},
        capture_output=True,
        text=True,
    )
    assert done.stdout.endswith(f"{backend} True\n"), done.stderr[-2000:]
    again = model.load_detector(tmp_path / "models" / "phase2.keras")
    images, _ = data.thumbnails(data.load_splits(tiny)["test"])
    assert np.isfinite(again.predict(images, verbose=0)).all()
