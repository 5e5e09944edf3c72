import keras
import numpy as np
import pandas as pd
import pytest
from networks import COLUMNS, Killed, kill_after, same_weights

from truthpixel_utils import train
from truthpixel_utils.train import loop
from truthpixel_utils.train.batches import Examples
from truthpixel_utils.train.settings import Settings


def test_an_epoch_of_an_earlier_stage_is_not_kept_however_well_it_did():
    history = {"val_loss": [0.1, 0.4, 0.3, 0.5], "stage": [1, 2, 2, 2]}
    assert train.best_epoch(pd.DataFrame(history, index=[1, 2, 3, 4])) == 3


def new_top():
    keras.utils.set_random_seed(3)
    layers = keras.layers
    return keras.Sequential(
        [keras.Input((4,)), layers.Dense(8), layers.Dropout(0.5), layers.Dense(1, "sigmoid")]
    )


def fit(network, folder):
    rng = np.random.default_rng(0)
    labels = np.arange(40, dtype=np.float32) % 2
    examples = Examples(rng.normal(labels[:, None], 1, (2, 40, 4)), labels)
    settings = Settings(((32, 4),), 1e-2, 16, 2, "gentle", 42)
    return loop.fit_stage(network, examples, examples, settings, 1, folder, epochs_before=10)


@pytest.mark.parametrize(
    "killed_at, resumed_after", [("best.keras", 11), ("history.csv", 11), ("last.keras", 12)]
)
def test_a_stage_that_is_killed_between_any_two_files_ends_with_the_same_weights(
    tmp_path, monkeypatch, capsys, killed_at, resumed_after
):
    whole = new_top()
    history = fit(whole, tmp_path / "whole")
    assert list(history.index) == [11, 12, 13, 14] and list(history.columns) == COLUMNS
    with monkeypatch.context() as patch:
        kill_after(patch, 2, killed_at)
        with pytest.raises(Killed):
            fit(new_top(), tmp_path / "killed")
    resumed = new_top()
    pd.testing.assert_frame_equal(fit(resumed, tmp_path / "killed"), history)
    assert same_weights(resumed, whole)
    assert f"Resumed after epoch {resumed_after}." in capsys.readouterr().out


def test_the_table_of_epochs_fits_a_page_of_text(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(loop, "display", lambda table, display_id: shown.append(table))
    history = fit(new_top(), tmp_path)
    fit(new_top(), tmp_path)  # there is nothing left to train: the whole table is shown at once
    with pd.option_context("display.width", 80):
        heading = repr(shown[-1]).splitlines()[0]
    assert heading.split() == list(history.columns.drop("stage"))  # neither cut nor wrapped
    assert list(shown[-1].index) == list(history.index)
