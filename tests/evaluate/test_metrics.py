import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn import metrics as sk

from truthpixel_utils import evaluate
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 500)
    logit = rng.normal(label * 2 - 1, 1.5)
    generator = np.where(label, rng.choice(["vae", "gan"], 500), "camera")
    p_ai = 1 / (1 + np.exp(-logit))
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(500)],
            "label": label,
            "generator": generator,
            "logit": logit.astype("float32"),
            "p_ai": p_ai.astype("float32"),
        }
    )


def test_saved_figures_equal_scikit_learns_recomputed_from_the_saved_predictions(predictions, home):
    evaluate.save_metrics(predictions, evaluate.compute_metrics(predictions))
    saved = pd.read_parquet(home / "outputs/predictions.parquet")
    figures = json.loads((home / "outputs/metrics.json").read_text())
    assert list(saved.columns) == ["id", "label", "generator", "logit", "p_ai"]
    verdict = saved["p_ai"] >= figures["threshold"]
    for name, function in {
        "accuracy": sk.accuracy_score,
        "precision": sk.precision_score,
        "recall": sk.recall_score,
        "f1": sk.f1_score,
    }.items():
        assert figures[name] == pytest.approx(function(saved["label"], verdict), abs=1e-12)
    assert figures["roc_auc"] == pytest.approx(sk.roc_auc_score(saved["label"], saved["p_ai"]), abs=1e-12)
    assert figures["confusion"] == sk.confusion_matrix(saved["label"], verdict).tolist()
    assert f"{figures['accuracy']:.4f}" in (home / "outputs/metrics.txt").read_text()


def test_positive_class_is_ai_generated():
    """One real image accused, one AI-generated missed, two found."""
    table = pd.DataFrame({"label": [0, 1, 1, 1], "p_ai": [0.9, 0.9, 0.8, 0.1]})
    figures = evaluate.compute_metrics(table)
    assert figures["precision"] == pytest.approx(2 / 3) and figures["recall"] == pytest.approx(2 / 3)
    assert figures["confusion"] == [[0, 1], [1, 2]]


def test_by_generator_counts_accusations_of_the_camera(predictions):
    table = evaluate.by_generator(predictions)
    real = predictions[predictions["label"] == 0]
    assert table.loc["camera", "called AI-generated"] == pytest.approx((real["p_ai"] >= 0.5).mean())
    assert table.loc["camera", "accuracy"] == pytest.approx((real["p_ai"] < 0.5).mean())
    assert table["images"].sum() == 500
    gan_or_real = predictions[predictions["generator"].isin(["gan", "camera"])]
    assert table.loc["gan", "roc_auc"] == pytest.approx(sk.roc_auc_score(gan_or_real["label"], gan_or_real["p_ai"]))
    assert math.isnan(table.loc["camera", "roc_auc"])
    assert evaluate.by_generator(real).loc["camera", "images"] == len(real)  # of one class: no order, no error


HOSTILE = {
    "1 of 500 predictions are not numbers": lambda table: table.assign(p_ai=table["p_ai"].mask(table.index == 7)),
    "expected probabilities": lambda table: table.assign(p_ai=table["logit"]),
    "expected 0 .real. and 1": lambda table: table.assign(label=table["label"].replace({0: -1})),
    "labels are FAKE, REAL": lambda table: table.assign(label=table["label"].map({0: "REAL", 1: "FAKE"})),
    "no predictions": lambda table: table.head(0),
}


@pytest.mark.parametrize("words", HOSTILE)
@pytest.mark.parametrize(
    "figure",
    [
        evaluate.compute_metrics,
        evaluate.classification_report,
        evaluate.by_generator,
        evaluate.by_class,
        evaluate.bootstrap_intervals,
        lambda table: evaluate.mcnemar(table, table),
        evaluate.choose_thresholds,
        evaluate.youden_threshold,
        evaluate.reliability_table,
        evaluate.expected_calibration_error,
        evaluate.risk_coverage_table,
    ],
)
def test_no_figure_is_made_of_a_table_that_means_nothing(predictions, figure, words):
    with pytest.raises(TruthPixelError, match=words):
        figure(HOSTILE[words](predictions))


@pytest.mark.parametrize("p_ai", [0.0, 0.5, 1.0])
def test_a_detector_that_always_says_the_same_is_a_coin(predictions, p_ai):
    table = predictions.assign(p_ai=p_ai)
    figures, likely = evaluate.compute_metrics(table), evaluate.bootstrap_intervals(table)
    assert figures["roc_auc"] == 0.5 and likely.loc["roc_auc"].tolist() == [0.5, 0.5]
    assert figures["accuracy"] == (predictions["label"] == (p_ai >= 0.5)).mean()


def test_the_order_of_rows_and_their_index_change_nothing(predictions):
    shuffled = predictions.sample(frac=1, random_state=1)
    for figure in (evaluate.compute_metrics, evaluate.classification_report, evaluate.by_generator, evaluate.reliability_table, evaluate.youden_threshold):
        one, other = figure(predictions), figure(shuffled)
        assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other
    assert evaluate.mcnemar(predictions, shuffled)["p_value"] == 1.0


def test_three_rows_are_enough_for_a_figure_and_too_few_for_an_interval():
    table = pd.DataFrame({"label": [0, 1, 1], "p_ai": [0.2, 0.4, 0.9]})
    assert evaluate.compute_metrics(table)["roc_auc"] == 1.0
    likely = evaluate.bootstrap_intervals(table)
    assert likely.loc["accuracy", "low"] == 0.0 and likely.loc["accuracy", "high"] == 1.0


def test_meaningless_input_is_refused(predictions):
    with pytest.raises(TruthPixelError, match="2 of 500 predictions are not numbers"):
        evaluate.compute_metrics(predictions.assign(p_ai=predictions["p_ai"].mask(predictions.index < 2)))
    with pytest.raises(TruthPixelError, match="all 500 images are of one class"):
        evaluate.compute_metrics(predictions.assign(label=1))


def test_classes_are_read_from_the_numbers_in_cifakes_ids():
    ids = ["test/REAL/0001.jpg", "test/REAL/0001 (10).jpg", "test/FAKE/1 (10).jpg", "test/FAKE/1 (4).jpg"]
    table = evaluate.by_class(pd.DataFrame({"id": ids, "label": [0, 0, 1, 1], "p_ai": [0.1, 0.1, 0.1, 0.9]}))
    assert table["images"].to_dict() == {"airplane": 1, "cat": 1, "truck": 2}
    assert table.loc["truck", ["real", "AI-generated"]].to_list() == [1.0, 0.0]


@pytest.mark.parametrize("name", ["photo (11).jpg", "holiday (2021).jpg", "copy (1).jpg"])
def test_numbers_in_the_names_of_other_images_are_no_classes(name):
    ids = ["test/REAL/a (2).jpg", f"test/FAKE/{name}"]
    assert evaluate.by_class(pd.DataFrame({"id": ids, "label": [0, 1], "p_ai": [0.1, 0.9]})).empty


def answers(rng, count, apart=2.0):
    """Scores of a detector whose accuracy at 0.5 is Φ(apart / 2) and whose ROC-AUC is Φ(apart / √2)."""
    labels = rng.integers(0, 2, count)
    logits = rng.normal(apart * (labels - 0.5), 1)
    return pd.DataFrame({"id": np.arange(count), "label": labels, "p_ai": 1 / (1 + np.exp(-logits))})


def test_ninety_five_of_a_hundred_intervals_hold_the_true_value():
    rng = np.random.default_rng(0)
    true = {"accuracy": norm.cdf(1.0), "roc_auc": norm.cdf(2**0.5)}
    held = []
    for run in range(1000):
        table = evaluate.bootstrap_intervals(answers(rng, 500), resamples=500, seed=run)
        held.append([table.loc[name, "low"] <= value <= table.loc[name, "high"] for name, value in true.items()])
    assert (np.abs(np.mean(held, axis=0) - 0.95) <= 0.01).all()


def test_interval_figures_are_scikit_learns_draw_by_draw():
    table = answers(np.random.default_rng(0), 300).round({"p_ai": 1})  # many ties
    found = evaluate.bootstrap_intervals(table, resamples=400)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(400):
        draw = table.iloc[rng.integers(0, 300, 300)]
        drawn.append([evaluate.compute_metrics(draw)[name] for name in evaluate.HEADLINES])
    expected = np.quantile(drawn, (0.025, 0.975), axis=0).T
    np.testing.assert_allclose(found.to_numpy(), expected, atol=0.012)


def test_intervals_of_one_class_leave_open_what_it_cannot_say():
    table = evaluate.bootstrap_intervals(pd.DataFrame({"label": [1, 1, 1], "p_ai": [0.9, 0.8, 0.2]}))
    assert table.loc["roc_auc"].isna().all() and (table.loc["accuracy"] == [0.0, 1.0]).all()


def test_mcnemar_counts_what_only_one_of_two_gets_right():
    rng = np.random.default_rng(0)
    one = pd.DataFrame({"id": np.arange(100), "label": 1, "p_ai": [0.9] * 90 + [0.1] * 10})
    other = one.assign(p_ai=[0.1] * 5 + [0.9] * 87 + [0.1] * 8)
    shuffled = other.sample(frac=1, random_state=rng.integers(100))
    found = evaluate.mcnemar(one, shuffled)
    assert found["only one right"] == 5 and found["only other right"] == 2
    assert found["p_value"] == pytest.approx(2 * sum(math.comb(7, k) for k in (5, 6, 7)) / 2**7)
    assert evaluate.mcnemar(one, one)["p_value"] == 1.0
    with pytest.raises(TruthPixelError, match="different images"):
        evaluate.mcnemar(one, other.head(99))
