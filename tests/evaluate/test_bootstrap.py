import numpy as np
import pandas as pd
from scipy.stats import norm

from truthpixel_utils import evaluate


def answers(rng, count, apart=2.0):
    """Scores of a detector whose accuracy at 0.5 is Φ(apart / 2), its ROC-AUC Φ(apart / √2)."""
    labels = rng.integers(0, 2, count)
    logits = rng.normal(apart * (labels - 0.5), 1)
    return pd.DataFrame(
        {"id": np.arange(count), "label": labels, "p_ai": 1 / (1 + np.exp(-logits))}
    )


def test_ninety_five_of_a_hundred_intervals_hold_the_true_value():
    rng = np.random.default_rng(0)
    true = {"accuracy": norm.cdf(1.0), "roc_auc": norm.cdf(2**0.5)}
    held = []
    for run in range(1000):
        table = evaluate.bootstrap_intervals(answers(rng, 500), resamples=500, seed=run)
        low, high = table["low"], table["high"]
        held.append([low[name] <= value <= high[name] for name, value in true.items()])
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


def test_three_rows_are_enough_for_a_figure_and_too_few_for_an_interval():
    table = pd.DataFrame({"label": [0, 1, 1], "p_ai": [0.2, 0.4, 0.9]})
    assert evaluate.compute_metrics(table)["roc_auc"] == 1.0
    intervals = evaluate.bootstrap_intervals(table)
    assert intervals.loc["accuracy", "low"] == 0.0 and intervals.loc["accuracy", "high"] == 1.0


def test_intervals_of_one_class_leave_open_what_it_cannot_say():
    table = evaluate.bootstrap_intervals(
        pd.DataFrame({"label": [1, 1, 1], "p_ai": [0.9, 0.8, 0.2]})
    )
    assert table.loc["roc_auc"].isna().all() and (table.loc["accuracy"] == [0.0, 1.0]).all()


def test_copies_of_an_image_make_nothing_surer():
    """Each image forty times over: drawn by groups, the intervals are those of the images once."""
    once = answers(np.random.default_rng(0), 60)
    often = pd.concat([once] * 40, ignore_index=True)
    by_group = evaluate.bootstrap_intervals(often, groups=often["id"])
    expected = evaluate.bootstrap_intervals(once)
    np.testing.assert_allclose(by_group, expected, atol=0.02)
    by_image = evaluate.bootstrap_intervals(often)
    width = by_group["high"] - by_group["low"]
    assert (width > 3 * (by_image["high"] - by_image["low"])).all()
