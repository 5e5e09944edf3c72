"""The checks of chapters 5 to 7 take the right answer and name the usual mistakes."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score, roc_curve

from truthpixel_utils import evaluate, exercises


@pytest.fixture
def predictions():
    """Answers to crops of three photographs, of which `c` is accused most."""
    rng = np.random.default_rng(0)
    label, source = np.tile([0, 1], 300), np.repeat(["a", "b", "c"], 200)
    leaning = 1.5 * (source == "c")
    p_ai = 1 / (1 + np.exp(-rng.normal(3 * label - 2 + leaning, 1)))
    ids = [f"{i}.png" for i in range(600)]
    return pd.DataFrame({"id": ids, "source": source, "label": label, "p_ai": p_ai})


def said(number, answer, *given):
    return repr(exercises.check(number, answer, *given))


def test_recall_is_taken_where_one_photograph_in_a_hundred_is_accused(predictions):
    accused, recall, _ = roc_curve(predictions["label"], predictions["p_ai"])
    assert said("5.1", recall[accused <= 0.01].max(), predictions).startswith("Right")
    assert "one photograph in ten" in said("5.1", recall[accused <= 0.1].max(), predictions)


def test_the_worst_photograph_is_left_out(predictions):
    real = predictions[predictions["label"] == 0]
    without = (real[real["source"] != "c"]["p_ai"] >= 0.5).mean()
    assert said("5.2", without, predictions).startswith("Right")
    assert "of all photographs" in said("5.2", (real["p_ai"] >= 0.5).mean(), predictions)
    assert "several sources" in said("5.2", 0.1, predictions.assign(source="a"))


def test_the_area_needs_scores():
    def mended(table):
        return roc_auc_score(table["label"], table["p_ai"])

    def flawed(table):
        return roc_auc_score(table["label"], table["p_ai"] >= 0.5)

    assert said("5.3", mended).startswith("Right")
    assert "two scores are left" in said("5.3", flawed)
    assert "one number is wanted" in said("5.3", lambda table: table["p_ai"])


@pytest.mark.parametrize("number", ["5.1", "5.2", "7.1"])
def test_per_cent_are_told_from_a_share(number, predictions):
    assert "between 0 and 1" in said(number, 93.0, predictions)


def test_hires_cam_is_told_from_its_relatives():
    def hirescam(activations, gradients):
        return np.maximum((activations * gradients).sum(axis=-1), 0)

    def gradcam(activations, gradients):
        weights = gradients.mean(axis=(1, 2), keepdims=True)
        return np.maximum((activations * weights).sum(axis=-1), 0)

    assert said("6.2", hirescam).startswith("Right")
    assert "that is Grad-CAM" in said("6.2", gradcam)
    assert "below zero" in said("6.2", lambda a, g: (a * g).sum(axis=-1))
    assert "mean over the channels" in said("6.2", lambda a, g: hirescam(a, g) / a.shape[-1])
    assert "after the sum" in said("6.2", lambda a, g: np.maximum(a * g, 0).sum(axis=-1))


def test_hires_cam_may_work_in_place():
    def in_place(activations, gradients):
        activations *= gradients
        return activations.sum(axis=-1).clip(0)

    assert said("6.2", in_place).startswith("Right")


@pytest.mark.parametrize("number", ["6.2", "6.3"])
def test_what_is_no_array_of_numbers_is_told_in_one_sentence(number):
    assert "it returns a str" in said(number, lambda *arrays: "hot")
    assert "it returns a list" in said(number, lambda *arrays: [[1.0], [2.0, 3.0]])
    assert "it makes (3,): (" in said(number, lambda *arrays: np.zeros(3))


def test_a_map_brought_to_scale_invents_nothing():
    assert said("6.3", lambda heat: heat / (heat.max() or 1)).startswith("Right")
    flawed = said("6.3", lambda heat: (heat - heat.min()) / (heat.max() - heat.min()))
    assert "has to stay 0" in flawed
    shifted = said("6.3", lambda heat: (heat - heat.min()) / ((heat.max() - heat.min()) or 1))
    assert "means no evidence" in shifted
    assert "below 1 does not come up" in said("6.3", lambda heat: heat / max(heat.max(), 1))


def test_braver_thresholds_answer_more(predictions):
    real, ai = (predictions["p_ai"][predictions["label"] == label] for label in (0, 1))
    rule = {
        "lower_threshold": min(0.5, ai.quantile(0.05)),
        "upper_threshold": max(0.5, real.quantile(0.95)),
    }
    answered = (evaluate.verdicts(predictions["p_ai"], rule) != "cannot tell").mean()
    assert said("7.1", answered, predictions).startswith("Right")
    assert "gets no answer" in said("7.1", 1 - answered, predictions)


def test_the_calibration_error_weighs_its_bins():
    def gaps_and_sizes(table, bins=10):
        groups = table.groupby((table["p_ai"] * bins).clip(upper=bins - 0.01).astype(int))
        return groups["p_ai"].mean() - groups["label"].mean(), groups.size()

    def by_hand(table, weighed=True, bins=10):
        gaps, sizes = gaps_and_sizes(table, bins)
        return np.average(gaps.abs(), weights=sizes if weighed else None)

    def signed(table):
        gaps, sizes = gaps_and_sizes(table)
        return np.average(gaps, weights=sizes)

    def never_summed(table):
        gaps, sizes = gaps_and_sizes(table)
        return gaps.abs() * sizes / len(table)

    assert said("7.2", by_hand).startswith("Right")
    assert "weigh them" in said("7.2", lambda table: by_hand(table, weighed=False))
    assert "cancel out" in said("7.2", signed)
    assert "it returns a Series" in said("7.2", never_summed)
    assert "fifteen bins" in said("7.2", lambda table: by_hand(table, bins=15))


def test_a_probability_is_another_one_where_the_share_is_another():
    def odds(p_ai, share):
        return p_ai / (1 - p_ai) * share / (1 - share)

    assert said("7.3", lambda p, s: odds(p, s) / (1 + odds(p, s))).startswith("Right")
    assert "those are the odds" in said("7.3", odds)
    assert "it returns 0.1, which is wrong" in said("7.3", lambda p, s: p)
    assert "nothing may change" in said("7.3", lambda p, s: p * s)
    assert "one number is wanted" in said("7.3", lambda p, s: [p, s])
