import json

import keras
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import log_loss, roc_auc_score

from conftest import RULE
from truthpixel_utils import data, evaluate, model


@pytest.mark.parametrize(("factor", "lean"), [(0.3, 0.0), (1.0, 0.7), (4.0, -2.0)])
def test_scaling_finds_how_far_logits_lean_and_are_too_sure(factor, lean):
    rng = np.random.default_rng(0)
    logits = rng.normal(0, 2, 200_000)
    labels = rng.random(200_000) < 1 / (1 + np.exp(-logits))
    table = pd.DataFrame(
        {"label": labels.astype(int), "logit": (factor * logits + lean).astype("float32")}
    )
    shift, temperature = evaluate.platt_scaling(table)
    assert temperature == pytest.approx(factor, rel=0.02) and shift == pytest.approx(
        lean, abs=0.02 * factor
    )


def test_no_other_shift_and_temperature_fit_better():
    rng = np.random.default_rng(0)
    logits = rng.normal(1, 6, 600)
    labels = rng.random(600) < 1 / (1 + np.exp(1 - logits / 3))

    def loss(shift, temperature):
        return log_loss(labels, 1 / (1 + np.exp((shift - logits) / temperature)))

    table = pd.DataFrame({"label": labels.astype(int), "logit": logits})
    shift, temperature = evaluate.platt_scaling(table)
    least = loss(shift, temperature)
    for step in (-1e-3, 1e-3):
        assert loss(shift + step, temperature) > least
        assert loss(shift, temperature + step) > least


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("far", [1e-3, 0.3, 5.0, 1000.0])
def test_classes_that_do_not_overlap_are_scaled_all_the_same(far):
    """However steep the sigmoid, a steeper one would fit better."""
    table = pd.DataFrame({"label": [0] * 30 + [1] * 50})
    table["logit"] = np.where(table["label"] == 1, far, -far) * np.linspace(1, 2, 80)
    shift, temperature = evaluate.platt_scaling(table)
    assert -far < shift < far
    assert 0.05 <= temperature <= 20


@pytest.mark.filterwarnings("error")
def test_logits_in_reverse_order_are_flattened_and_stay_in_their_order():
    table = pd.DataFrame({"label": [1] * 50 + [0] * 50, "logit": np.linspace(-5, 5, 100)})
    shift, temperature = evaluate.platt_scaling(table)
    assert temperature == 20 and shift == pytest.approx(0)


def said(real, ai):
    return pd.DataFrame({"label": [0] * len(real) + [1] * len(ai), "p_ai": [*real, *ai]})


def test_thresholds_leave_the_share_that_may_be_wrong_beyond_them():
    rng = np.random.default_rng(0)
    table = said(rng.beta(2, 3, 5000), rng.beta(3, 2, 5000))
    rule = evaluate.choose_thresholds(table)
    real, ai = table["p_ai"][table["label"] == 0], table["p_ai"][table["label"] == 1]
    assert (real >= rule["upper_threshold"]).mean() == pytest.approx(0.01, abs=0.001)
    assert (ai < rule["lower_threshold"]).mean() == pytest.approx(0.01, abs=0.001)
    assert (real >= rule["upper_threshold"]).mean() <= 0.01 and (
        ai < rule["lower_threshold"]
    ).mean() <= 0.01


def test_thresholds_bound_what_a_new_source_has_to_expect():
    """Sources differ: one photographer's pictures all look alike, and a little generated."""
    rng = np.random.default_rng(0)

    def drawn(sources):
        shift = rng.normal(0, 1, (2, sources, 1))
        logit = rng.normal(shift + np.array([-1, 1])[:, None, None], 1, (2, sources, 30))
        names = np.broadcast_to(np.arange(sources)[:, None], logit.shape).ravel().astype(str)
        label = np.repeat([0, 1], sources * 30)
        return pd.DataFrame({"label": label, "p_ai": expit(logit.ravel()), "source": names})

    accused, missed = [], []
    for _ in range(200):
        rule = evaluate.choose_thresholds(drawn(100))
        new = drawn(10)
        verdict = evaluate.verdicts(new["p_ai"].to_numpy(), rule)
        accused.append((verdict[new["label"] == 0] == "AI-generated").mean())
        missed.append((verdict[new["label"] == 1] == "real").mean())
    assert 0.005 < np.mean(accused) <= 0.02 and 0.06 < np.mean(missed) <= 0.10
    few = drawn(40)
    upper = evaluate.choose_thresholds(few)["upper_threshold"]
    assert upper > few["p_ai"][few["label"] == 0].max()


def test_many_equal_scores_of_real_images_are_not_accused():
    rule = evaluate.choose_thresholds(said([0.9] * 50, [0.2] * 50))
    assert evaluate.verdicts(np.array([0.9, 0.2]), rule).tolist() == ["cannot tell", "cannot tell"]


def test_a_flawless_detector_still_needs_more_than_half_to_accuse():
    rule = evaluate.choose_thresholds(said([0.0] * 50, [1.0] * 50))
    assert rule == {"lower_threshold": 0.5, "upper_threshold": 0.5}


def test_youdens_threshold_parts_the_classes_best():
    table = said([0.1, 0.2, 0.3, 0.9], [0.25, 0.6, 0.7, 0.8])
    assert evaluate.youden_threshold(table) == 0.6  # finds three of four, accuses one of four
    assert (
        evaluate.youden_threshold(said([0.4] * 3, [0.4] * 3)) == 0.4
    )  # never infinity: some threshold must be named


def test_verdicts_change_at_the_thresholds():
    rule = {"lower_threshold": 0.25, "upper_threshold": 0.75}
    found = evaluate.verdicts(np.array([0.0, 0.24, 0.25, 0.74, 0.75, 1.0]), rule)
    assert found.tolist() == ["real"] * 2 + ["cannot tell"] * 2 + ["AI-generated"] * 2
    assert str(evaluate.verdicts(np.nan, rule)) == "cannot tell"


def test_calibration_changes_no_order_and_lowers_the_loss(tiny, home):
    keras.utils.set_random_seed(0)
    detector = model.build_detector("lite0", image_size=32)
    kernel, bias = detector.get_layer("logit").get_weights()
    detector.get_layer("logit").set_weights([kernel * 50, bias])  # far too sure
    rows = data.load_splits(tiny)["validation"]
    before = evaluate.predict_rows(detector, rows)
    rule = evaluate.calibrate(detector, before)
    after = evaluate.predict_rows(detector, rows)
    assert rule["temperature"] > 2
    moved = (before["logit"] - rule["shift"]) / rule["temperature"]
    np.testing.assert_allclose(after["logit"], moved, rtol=1e-3, atol=1e-3)
    assert log_loss(after["label"], after["p_ai"]) < log_loss(before["label"], before["p_ai"])
    assert roc_auc_score(after["label"], after["logit"]) == roc_auc_score(
        before["label"], before["logit"]
    )
    rule["out_of_distribution"] = RULE["out_of_distribution"]
    path = evaluate.save_finished(detector, rule)
    assert evaluate.load_rule() == rule == json.loads(path.with_suffix(".json").read_text())
    np.testing.assert_allclose(
        evaluate.predict_rows(model.load_detector(), rows)["p_ai"], after["p_ai"], atol=1e-6
    )


def test_a_detector_that_leans_to_one_side_is_set_upright(tiny, home):
    detector = model.build_detector("lite0", image_size=32)
    rows = data.load_splits(tiny)["validation"]
    kernel, bias = detector.get_layer("logit").get_weights()
    detector.get_layer("logit").set_weights(
        [kernel, bias - evaluate.predict_rows(detector, rows)["logit"].min() + 1]
    )
    leaning = evaluate.predict_rows(detector, rows)
    assert (leaning["p_ai"] > 0.5).all()  # every photograph accused
    evaluate.calibrate(detector, leaning)
    upright = evaluate.predict_rows(detector, rows)
    assert upright["p_ai"].mean() == pytest.approx(upright["label"].mean(), abs=0.01)


def test_calibration_error_of_three_hand_made_bins():
    """Three groups of ten: said 0.05, 0.5 and 0.95; found 0, 0.3 and 1."""
    labels = [0] * 10 + [1] * 3 + [0] * 7 + [1] * 10
    table = pd.DataFrame({"label": labels, "p_ai": np.repeat([0.05, 0.5, 0.95], 10)})
    assert evaluate.expected_calibration_error(table) == pytest.approx((0.05 + 0.2 + 0.05) / 3)


def test_what_was_said_and_what_was_found_stand_side_by_side():
    table = evaluate.reliability_table(said([0.05, 0.05, 0.95], [0.95, 0.95, 0.95]))
    assert table["images"].tolist() == [2, 4]
    assert table["share_ai"].tolist() == [0.0, 0.75]


def test_the_surest_answers_come_first_and_risk_ends_at_the_error_rate():
    table = evaluate.risk_coverage_table(said([0.01, 0.1, 0.8], [0.99, 0.4, 0.7]))
    assert table["coverage"].tolist() == pytest.approx([1 / 6, 2 / 6, 3 / 6, 4 / 6, 5 / 6, 1])
    assert table["risk"].tolist() == pytest.approx([0, 0, 0, 1 / 4, 1 / 5, 2 / 6])
