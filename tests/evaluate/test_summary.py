import json

import jsonschema
import keras
import numpy as np
import pandas as pd
import pytest
from sklearn import metrics as sk

from conftest import write_class_folders
from truthpixel_utils import cli, evaluate, model, reuse


@pytest.fixture(scope="module")
def measured(tmp_path_factory):
    """A folder in which `truthpixel evaluate` has measured a detector on images with two twins."""
    home = tmp_path_factory.mktemp("measured")
    source = write_class_folders(home / "images", 30)
    for i in range(2):  # two test images stand in training, too
        twin = source / "test" / "FAKE" / f"{i:04d}.png"
        twin.write_bytes((source / "train" / "FAKE" / f"{i:04d}.png").read_bytes())
    keras.utils.set_random_seed(0)
    model.build_detector("lite0", image_size=32).save(home / "detector.keras")
    files = ["--source", str(source), "--model", str(home / "detector.keras")]
    options = ["--split", "official", "--out", str(home / "found")]
    assert cli.main(["evaluate", *files, *options]) == 0
    return home / "found"


def test_evaluate_leaves_figures_that_scikit_learn_finds_too(measured):
    figures = json.loads((measured / "metrics.json").read_text())
    schema = reuse.PACKAGE / "evaluate" / "metrics.schema.json"
    jsonschema.validate(figures, json.loads(schema.read_text()))
    table = pd.read_parquet(measured / "predictions.parquet")
    assert figures["roc_auc"] == pytest.approx(sk.roc_auc_score(table["label"], table["p_ai"]))
    assert figures["confidence"] == pytest.approx(
        np.maximum(table["p_ai"], 1 - table["p_ai"]).mean()
    )
    assert [row["corruption"] for row in figures["robustness"]] == [
        "JPEG",
        "blur",
        "noise",
        "scaled down and back",
    ]


def test_twins_are_left_out_of_the_second_figure(measured):
    figures = json.loads((measured / "metrics.json").read_text())
    assert figures["images"] == 60 and figures["without_twins"]["images"] == 58


def test_the_text_holds_every_table(measured):
    said = evaluate.format_summary(json.loads((measured / "metrics.json").read_text()))
    for words in ("without twins", "calibration error", "JPEG", "roc_auc"):
        assert words in said


def test_a_missing_detector_is_told_in_one_sentence(tiny, home, capsys):
    assert cli.main(["evaluate", "--source", str(tiny), "--model", "nowhere.keras"]) == 1
    assert "nowhere.keras is no file" in capsys.readouterr().err
