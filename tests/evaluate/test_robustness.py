import keras
import numpy as np
import pandas as pd
import pytest

from truthpixel_utils import data, evaluate, model
from truthpixel_utils.evaluate import predictions


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=32)


def test_every_setting_of_the_battery_gets_a_row_within_its_interval(detector, tiny):
    rows = data.load_splits(tiny)["test"]
    table = evaluate.measure_robustness(detector, rows, evaluate.BATTERY)
    assert list(zip(table["corruption"], table["strength"], strict=True)) == evaluate.BATTERY
    for name in ("accuracy", "roc_auc"):
        assert table[name].between(table[f"{name}_low"], table[f"{name}_high"]).all()
    again = evaluate.measure_robustness(detector, rows, [("noise", 0.1)])
    assert (
        again.iloc[0]
        == table[(table["corruption"] == "noise") & (table["strength"] == 0.1)].iloc[0]
    ).all()


def test_a_corruption_that_changes_nothing_gives_the_figures_of_the_images_as_they_are(
    detector, tiny
):
    rows = data.load_splits(tiny)["test"]
    [row] = evaluate.measure_robustness(detector, rows, [("contrast", 1.0)]).to_dict("records")
    predictions = evaluate.predict_rows(detector, rows)
    called = predictions["p_ai"] >= 0.5
    assert row["accuracy"] == np.mean(called == (predictions["label"] == 1))
    assert row["false_positive_rate"] == called[predictions["label"] == 0].mean()


def test_images_are_decoded_once_for_all_settings(detector, tiny, monkeypatch):
    rows, seen, walks = data.load_splits(tiny)["test"], data.seen, []

    def counting(*arguments):
        walks.append(arguments)
        return seen(*arguments)

    monkeypatch.setattr(predictions, "seen", counting)
    together = evaluate.measure_robustness(detector, rows, evaluate.USUAL)
    assert len(walks) == 1
    alone = [evaluate.measure_robustness(detector, rows, [setting]) for setting in evaluate.USUAL]
    pd.testing.assert_frame_equal(together, pd.concat(alone, ignore_index=True), check_exact=True)
