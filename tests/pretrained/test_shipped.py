"""The detector in the package: it serves where nothing was trained, and is what its card says."""

import json
import re
import runpy
import shutil

import numpy as np
import pytest
from sklearn import metrics as sk

from conftest import RULE, only, picture
from truthpixel_utils import cli, course, data, demo, evaluate, explain, model, reuse, train
from truthpixel_utils.demo.exports import png
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED
from truthpixel_utils.model import storage

CARD = (PRETRAINED / "MODEL_CARD.md").read_text()


def test_it_serves_where_nothing_was_trained_and_says_so(home, capsys):
    detector, rule = model.load_detector(), evaluate.load_rule()
    assert "the one in the package, trained on CIFAKE" in capsys.readouterr().out
    assert 0 < rule["lower_threshold"] <= 0.5 <= rule["upper_threshold"] < 1
    _, [p_ai], [heatmap] = explain.predict_and_explain(detector, picture(1, True)[None])
    assert 0 <= p_ai <= 1 and heatmap.shape == (32, 32)


def test_a_notebook_runs_on_it_alone(home):
    course.run(first="07")
    executed = (home / "outputs/notebooks/07_demo.ipynb").read_text()
    assert "cifake, from the package" in executed


def test_a_detector_of_ones_own_comes_first(home, capsys):
    evaluate.save_finished(model.build_detector("lite0", image_size=32), RULE)
    capsys.readouterr()
    assert model.load_detector().get_layer("resize").height == 32
    assert evaluate.load_rule() == RULE and "package" not in capsys.readouterr().out


def test_it_is_small_and_loads_with_plain_keras():
    assert model.SHIPPED.stat().st_size <= 13e6
    assert storage.keras.models.load_model(model.SHIPPED).layers[-1].name == "p_ai"


def test_its_kernels_lie_in_the_file_with_sixteen_bits_of_mantissa():
    weights = model.load_detector(model.SHIPPED).get_weights()
    kernels = [weight for weight in weights if weight.ndim > 1]
    assert len(kernels) > 80
    assert all((kernel.view(np.uint32) & 0x7F == 0).all() for kernel in kernels)
    values = np.random.default_rng(0).normal(size=1_000).astype(np.float32)
    rounded = runpy.run_path(str(PRETRAINED / "ship_detector.py"))["rounded"](values, 16)
    assert 0 < np.abs(rounded / values - 1).max() <= 2**-17


def test_a_changed_file_is_refused_in_one_sentence(tmp_path, monkeypatch):
    for path in (model.SHIPPED, model.SHIPPED.with_name("SHA256SUMS")):
        shutil.copy(path, tmp_path)
    changed = tmp_path / model.SHIPPED.name
    changed.write_bytes(changed.read_bytes()[:-1] + b"\1")
    monkeypatch.setitem(storage.PACKAGED, "cifake", changed)
    with pytest.raises(TruthPixelError, match="is not the file that was shipped"):
        model.load_detector("cifake")


def test_it_is_not_tested_on_images_it_was_trained_on(tiny, home, capsys):
    splits = data.load_splits(tiny, split="truthpixel")
    with pytest.raises(TruthPixelError, match='set split="official"'):
        train.check_unseen(splits)
    train.check_unseen(data.load_splits(tiny, split="official"))
    assert cli.main(["evaluate", "--source", str(tiny), "--split", "truthpixel"]) == 1
    assert "set split=" in capsys.readouterr().err


@pytest.fixture(scope="module")
def ood_benchmark():
    """The pictures of benchmarks/out_of_distribution.py."""
    return runpy.run_path(str(reuse.PACKAGE.parent / "benchmarks" / "out_of_distribution.py"))


def test_no_photograph_is_called_ai_generated(home, ood_benchmark):
    detector, rule = model.load_detector(), evaluate.load_rule()
    photographs = ood_benchmark["photographs"]()
    assert len(photographs) == 19
    for image in photographs:
        answer = demo.analyze(png(image), "x.png", choose=only(detector, rule))
        assert answer.verdict == "cannot tell"


def test_its_rule_calls_far_fewer_pieces_of_photographs_ai_generated_than_its_probability_would(
    home, ood_benchmark
):
    detector, rule = model.load_detector(), evaluate.load_rule()
    rng = np.random.default_rng(1)
    pieces = list(ood_benchmark["crops"](ood_benchmark["photographs"](), 33, 64, rng))[::3]
    answers = [demo.analyze(png(image), "x.png", choose=only(detector, rule)) for image in pieces]
    called_ai = sum(answer.verdict == "AI-generated" for answer in answers)
    assert called_ai < sum(answer.p_ai >= rule["upper_threshold"] for answer in answers) / 2


def test_of_what_is_no_photograph_it_takes_no_side(home, ood_benchmark):
    rng = np.random.default_rng(1)
    images = [
        make(rng) for make in (ood_benchmark["word"], ood_benchmark["drawing"]) for _ in range(50)
    ]
    images += [np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8) for _ in range(20)]
    images += [picture(i, True) for i in range(20)]
    known = evaluate.load_rule()["out_of_distribution"]
    distances = evaluate.ood_distances(model.load_detector(), np.stack(images), known)
    assert (distances > known["limit"]).mean() > 0.95


@pytest.fixture(scope="module")
def scored(shared):
    """Whole official test of CIFAKE, scored with the shipped detector."""
    splits = data.load_splits(shared / "cifake", "official")
    table = evaluate.predict_rows(model.load_detector(model.SHIPPED), splits["test"])
    return table, data.seen_before(splits)


def said(words):
    """What the card's first table gives for a figure (0..1): of all test images, without twins."""
    row = re.search(rf"^\| {words} \| ([\d.]+) ?%?[^|]*\| ([\d.]+) ?%?[^|]*\|", CARD, re.MULTILINE)
    scale = 100 if "%" in row[0] else 1
    return float(row[1]) / scale, float(row[2]) / scale


@pytest.mark.parametrize("part", [0, 1], ids=["all", "without twins"])
def test_its_card_holds_the_figures_that_scikit_learn_finds(scored, part):
    table, twin = scored
    table = table[~twin] if part else table
    truth, verdict = table["label"], table["p_ai"] >= 0.5
    assert len(table) == (19_622 if part else 20_000)
    found = {
        "accuracy": sk.accuracy_score(truth, verdict),
        "precision": sk.precision_score(truth, verdict),
        "recall": sk.recall_score(truth, verdict),
        "F1": sk.f1_score(truth, verdict),
    }
    for words, value in found.items():
        # Other processors move an image or two.
        assert said(words)[part] == pytest.approx(value, abs=2e-4)
    assert said("ROC-AUC")[part] == pytest.approx(sk.roc_auc_score(truth, table["p_ai"]), abs=1e-4)


def test_its_probabilities_and_thresholds_hold_as_the_card_says(scored):
    table, _ = scored
    error = re.search(r"calibration error \(15 widths\) ([\d.]+)", CARD)
    assert float(error[1]) == pytest.approx(evaluate.expected_calibration_error(table), abs=5e-4)
    confidence = np.maximum(table["p_ai"], 1 - table["p_ai"]).mean()
    assert abs(confidence - sk.accuracy_score(table["label"], table["p_ai"] >= 0.5)) <= 0.01
    rule = json.loads(model.SHIPPED.with_suffix(".json").read_text())
    false_positive_rate = (table["p_ai"][table["label"] == 0] >= rule["upper_threshold"]).mean()
    words = re.search(r"([\d.]+) % of the real test images are called AI-generated", CARD)
    assert float(words[1]) / 100 == pytest.approx(false_positive_rate, abs=2e-4)
