import json

import numpy as np
import pandas as pd
import pytest
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
