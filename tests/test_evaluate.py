import json
import math

import numpy as np
import pandas as pd
import pytest
from scipy.stats import norm
from sklearn import metrics as sk

from truthpixel_utils import evaluate
from truthpixel_utils.files import TruthPixelError


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
    evaluate.save(predictions, evaluate.evaluate(predictions))
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
    figures = evaluate.evaluate(table)
    assert figures["precision"] == pytest.approx(2 / 3) and figures["recall"] == pytest.approx(2 / 3)
    assert figures["confusion"] == [[0, 1], [1, 2]]


def test_by_generator_counts_accusations_of_the_camera(predictions):
    table = evaluate.by_generator(predictions)
    real = predictions[predictions["label"] == 0]
    assert table.loc["camera", "called AI-generated"] == pytest.approx((real["p_ai"] >= 0.5).mean())
    assert table.loc["camera", "accuracy"] == pytest.approx((real["p_ai"] < 0.5).mean())
    assert table["images"].sum() == 500


def test_meaningless_input_is_refused(predictions):
    with pytest.raises(TruthPixelError, match="2 of 500 predictions are not numbers"):
        evaluate.evaluate(predictions.assign(p_ai=predictions["p_ai"].mask(predictions.index < 2)))
    with pytest.raises(TruthPixelError, match="all 500 images are of one class"):
        evaluate.evaluate(predictions.assign(label=1))


def test_classes_are_read_from_the_numbers_in_cifakes_ids():
    ids = ["test/REAL/0001.jpg", "test/REAL/0001 (10).jpg", "test/FAKE/1 (10).jpg", "test/FAKE/1 (4).jpg"]
    table = evaluate.by_class(pd.DataFrame({"id": ids, "label": [0, 0, 1, 1], "p_ai": [0.1, 0.1, 0.1, 0.9]}))
    assert table["images"].to_dict() == {"airplane": 1, "cat": 1, "truck": 2}
    assert table.loc["truck", ["real", "AI-generated"]].to_list() == [1.0, 0.0]


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
        table = evaluate.intervals(answers(rng, 500), resamples=500, seed=run)
        held.append([table.loc[name, "low"] <= value <= table.loc[name, "high"] for name, value in true.items()])
    assert (np.abs(np.mean(held, axis=0) - 0.95) < 0.015).all()


def test_interval_figures_are_scikit_learns_draw_by_draw():
    table = answers(np.random.default_rng(0), 300).round({"p_ai": 1})  # many ties
    found = evaluate.intervals(table, resamples=400)
    rng, drawn = np.random.default_rng(1), []
    for _ in range(400):
        draw = table.iloc[rng.integers(0, 300, 300)]
        drawn.append([evaluate.evaluate(draw)[name] for name in evaluate.HEADLINES])
    expected = np.quantile(drawn, (0.025, 0.975), axis=0).T
    np.testing.assert_allclose(found.to_numpy(), expected, atol=0.012)


def test_intervals_of_one_class_leave_open_what_it_cannot_say():
    table = evaluate.intervals(pd.DataFrame({"label": [1, 1, 1], "p_ai": [0.9, 0.8, 0.2]}))
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
