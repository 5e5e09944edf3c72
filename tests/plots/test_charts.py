import numpy as np
import pandas as pd
import pytest
from matplotlib import pyplot as plt
from matplotlib.backends.backend_agg import FigureCanvasAgg

from truthpixel_utils import evaluate, plots


@pytest.fixture
def predictions():
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 500)
    return pd.DataFrame(
        {"label": label, "p_ai": 1 / (1 + np.exp(-rng.normal(3 * label - 1.5, 1.5)))}
    )


def words(figure):
    return " ".join(text.get_text() for text in figure.findobj(plt.Text))


def test_every_figure_says_what_its_table_says(predictions):
    figures = evaluate.compute_metrics(predictions)
    table = evaluate.risk_coverage_table(predictions)
    headlines = pd.Series({name: figures[name] for name in evaluate.HEADLINES})
    drawn = {
        f"{figures['accuracy']:.1%}": plots.confusion_matrix(figures),
        f"{figures['roc_auc']:.2f}": plots.roc_curve(predictions),
        "precision": plots.precision_recall_curve(predictions),
        "after": plots.reliability_diagram(
            {"after": evaluate.reliability_table(predictions)}, "title"
        ),
        f"all: {table['risk'].iloc[-1]:.1%}": plots.risk_coverage_curve(
            table, {"all": (1.0, table["risk"].iloc[-1])}
        ),
        "at 1 % false positives": plots.roc_curve(predictions),
        "false-positive rate": plots.roc_curve(predictions),
        f"{figures['f1']:.3f}": plots.interval_chart(
            headlines, evaluate.bootstrap_intervals(predictions), "title"
        ),
    }
    for expected, figure in drawn.items():
        assert expected in words(figure)
    assert not plt.get_fignums()  # pyplot holds none: a notebook shows the value, and only once


def test_every_spectrum_is_drawn_however_many_there_are():
    power = pd.DataFrame(np.ones((3, 9)), index=[1, 2, 3], columns=list("abcdefghi"))
    lines = plots.spectra(power, "title").axes[0].lines
    assert len(lines) == 9
    assert len({line.get_linestyle() for line in lines[:4]}) == 4


def classes_drawn(figure):
    """The classes whose colour some pixel of a figure has."""
    drawn = FigureCanvasAgg(figure)
    drawn.draw()
    pixels = np.asarray(drawn.buffer_rgba())[..., :3].reshape(-1, 3)
    pixels = {tuple(pixel) for pixel in np.unique(pixels, axis=0).tolist()}
    of_class = {key: tuple(bytes.fromhex(colour[1:])) for key, colour in plots.COLOURS.items()}
    return {key for key, colour in of_class.items() if colour in pixels}


def test_the_colours_of_the_classes_mean_nothing_else():
    power = pd.DataFrame(np.ones((3, 3)), index=[1, 2, 3], columns=["camera", "vae", "gan"])
    both = plots.spectra(power * [1, 2, 3], "title")
    assert classes_drawn(both) == {"real", "ai"}
    assert classes_drawn(plots.spectra(power[["vae", "gan"]], "title")) == {"ai"}
    table = pd.DataFrame({"images": [2, 2], "mean_p_ai": [0.2, 0.8], "share_ai": [0.3, 0.7]})
    table = table.assign(coverage=[0.5, 1], risk=[0.1, 0.2])
    epochs = pd.DataFrame(0.5, [1, 2], ["loss", "val_loss", "accuracy", "val_accuracy", "stage"])
    predictions = pd.DataFrame({"label": [0, 0, 1, 1], "p_ai": [0.1, 0.4, 0.3, 0.9]})
    controls = [
        {
            "map": name,
            "control": control,
            "measure": "m",
            "better_by": 0,
            "low": -1,
            "high": 1,
            "p_value": 0.01,
        }
        for name in ("a", "b")
        for control in ("x", "y", "z")
    ]
    of_no_class = (
        plots.training_curves(epochs, 1, "title"),
        plots.reliability_diagram({"before": table, "after": table}, "title"),
        plots.risk_coverage_curve(table, {"all": (1.0, 0.2)}),
        plots.roc_curve(predictions),
        plots.faithfulness_chart(pd.DataFrame(controls)),
    )
    for figure in of_no_class:
        assert not classes_drawn(figure)


def test_a_matrix_has_its_numbers_in_its_cells_and_none_where_there_is_none():
    table = pd.DataFrame({"all": [0.9, 0.61], "all but this": [0.3, np.nan]}, index=["gan", "vae"])
    figure = plots.matrix(table, "title", "trained on", "tested on")
    numbers = [text.get_text() for text in figure.axes[0].texts]
    assert numbers == ["0.90", "0.30", "0.61", ""]
    for expected in ("trained on", "tested on", "all but this", "gan"):
        assert expected in words(figure)


def test_training_curves_mark_the_epoch_that_is_kept_and_part_the_stages():
    history = pd.DataFrame({"stage": [1, 1, 2, 2, 2]}, index=pd.RangeIndex(1, 6))
    for what in ("loss", "accuracy"):
        history[what], history[f"val_{what}"] = 0.5, [0.1, 0.2, 0.5, 0.3, 0.4]
    lines = plots.training_curves(history, 4, "title").axes[0].lines
    upright = {line.get_xdata()[0] for line in lines if line.get_xdata()[0] == line.get_xdata()[-1]}
    assert upright == {4, 2.5}  # the epoch that was kept, and where the last stage began


@pytest.mark.parametrize("kinds", [1, 3, 5])
def test_robustness_has_a_panel_for_each_kind_of_change(kinds):
    columns = (
        "accuracy",
        "accuracy_low",
        "accuracy_high",
        "roc_auc",
        "roc_auc_low",
        "roc_auc_high",
    )
    rows = [{"corruption": f"kind {k}", "strength": s, "unit": "px", **dict.fromkeys(columns, 0.9)}
            for k in range(kinds) for s in (1, 2)]  # fmt: skip
    figure = plots.robustness_curves(
        pd.DataFrame(rows), {"accuracy": 0.95, "roc_auc": 0.99}, "title"
    )
    assert sum(axis.axison for axis in figure.axes) == kinds


def test_the_same_figure_is_the_same_file(predictions, tmp_path):
    for name in ("one", "two"):
        plots.save_figure(
            plots.roc_curve(predictions), tmp_path / f"{name}.png", tmp_path / f"{name}.svg"
        )
    for suffix in ("png", "svg"):
        assert (tmp_path / f"one.{suffix}").read_bytes() == (
            tmp_path / f"two.{suffix}"
        ).read_bytes()


def test_the_outer_intervals_stand_clear_of_the_frame():
    values = pd.Series({"first": 0.5, "last": 0.7})
    ranges = pd.DataFrame({"low": values - 0.1, "high": values + 0.1})
    [axis] = plots.interval_chart(values, ranges, "title").axes
    assert sorted(axis.get_ylim()) == [-0.5, 1.5]
    one = {"map": "map", "measure": "ROAD", "p_value": 0.01, "better_by": 0.5, "low": 0, "high": 1}
    marks = pd.DataFrame([{**one, "control": control} for control in ("random", "edges", "centre")])
    [axis] = plots.faithfulness_chart(marks).axes
    assert sorted(axis.get_ylim()) == [-0.5, 0.5]


def test_bars_show_their_values_to_the_same_digit():
    [axis] = plots.bars(pd.Series({"chance": 0.5, "map": 0.00708}), "title", "label").axes
    assert [text.get_text() for text in axis.texts] == ["0.500", "0.007"]


def test_multiples_are_labelled_by_plain_numbers():
    shares = pd.DataFrame({"camera": [1.0, 1.0], "vae": [1.2, 0.4]}, index=[1, 2])
    figure = plots.spectra(shares, "title")
    FigureCanvasAgg(figure).draw()
    labels = [tick.get_text() for tick in figure.axes[0].get_yticklabels(which="both")]
    assert {"0.6", "0.8", "1", "1.2"} <= set(labels) and not any("$" in label for label in labels)
