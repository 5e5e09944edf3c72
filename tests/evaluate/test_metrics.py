import json
import math

import numpy as np
import pandas as pd
import pytest
from prediction_tables import random_predictions
from sklearn import metrics as sk

from truthpixel_utils import evaluate
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture
def predictions():
    return random_predictions()


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
    assert figures["roc_auc"] == pytest.approx(
        sk.roc_auc_score(saved["label"], saved["p_ai"]), abs=1e-12
    )
    assert figures["confusion"] == sk.confusion_matrix(saved["label"], verdict).tolist()
    assert f"{figures['accuracy']:.4f}" in (home / "outputs/metrics.txt").read_text()


def test_positive_class_is_ai_generated():
    """One real image accused, one AI-generated missed, two found."""
    table = pd.DataFrame({"label": [0, 1, 1, 1], "p_ai": [0.9, 0.9, 0.8, 0.1]})
    figures = evaluate.compute_metrics(table)
    assert figures["precision"] == pytest.approx(2 / 3) and figures["recall"] == pytest.approx(
        2 / 3
    )
    assert figures["confusion"] == [[0, 1], [1, 2]]


HOSTILE = {
    "1 of 500 predictions are not numbers": lambda table: table.assign(
        p_ai=table["p_ai"].mask(table.index == 7)
    ),
    "expected probabilities": lambda table: table.assign(p_ai=table["logit"]),
    "expected 0 .real. and 1": lambda table: table.assign(label=table["label"].replace({0: -1})),
    "labels are FAKE, REAL": lambda table: table.assign(
        label=table["label"].map({0: "REAL", 1: "FAKE"})
    ),
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
    figures, intervals = evaluate.compute_metrics(table), evaluate.bootstrap_intervals(table)
    assert figures["roc_auc"] == 0.5 and intervals.loc["roc_auc"].tolist() == [0.5, 0.5]
    assert figures["accuracy"] == (predictions["label"] == (p_ai >= 0.5)).mean()


def test_the_order_of_rows_and_their_index_change_nothing(predictions):
    shuffled = predictions.sample(frac=1, random_state=1)
    for figure in (
        evaluate.compute_metrics,
        evaluate.classification_report,
        evaluate.by_generator,
        evaluate.reliability_table,
        evaluate.youden_threshold,
    ):
        one, other = figure(predictions), figure(shuffled)
        assert one.equals(other) if isinstance(one, pd.DataFrame) else one == other
    assert evaluate.mcnemar(predictions, shuffled)["p_value"] == 1.0


def test_meaningless_input_is_refused(predictions):
    with pytest.raises(TruthPixelError, match="2 of 500 predictions are not numbers"):
        evaluate.compute_metrics(
            predictions.assign(p_ai=predictions["p_ai"].mask(predictions.index < 2))
        )
    with pytest.raises(TruthPixelError, match="all 500 images are of one class"):
        evaluate.compute_metrics(predictions.assign(label=1))


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
