import io
import re

import numpy as np
import pytest
from PIL import Image
from sklearn.metrics import roc_auc_score

from conftest import photographs
from truthpixel_utils import data, demo, evaluate, model
from truthpixel_utils.files import PRETRAINED

CARD = PRETRAINED / "MODEL_CARD_PICTURES.md"


@pytest.fixture(scope="module")
def analyze():
    return demo.load_analyzer(model_file="pictures")


def as_jpeg(pixels):
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def test_it_looks_in_two_ways_and_both_detectors_are_small():
    assert model.views_of(model.load_detector("pictures")) == (("whole", 224), ("windows", 128))
    assert sum(path.stat().st_size for path in model.PACKAGED.values()) <= 30e6


def test_it_answers_for_those_who_ask_for_it_and_accuses_no_photograph_of_the_libraries(analyze):
    for name, pixels in photographs().items():
        report = analyze(as_jpeg(pixels), f"{name}.jpg")
        assert report.detector == "pictures, from the package"
        assert report.verdict != "AI-generated", name
        shows_heat = report.heatmap is not None and np.isfinite(report.heatmap).any()
        says_that_it_is_empty = any("heatmap is empty" in warning for warning in report.warnings)
        assert (shows_heat or says_that_it_is_empty) == (report.verdict == "real")


def test_nobody_else_gets_an_answer_of_it(home):
    [pixels] = [pixels for name, pixels in photographs().items() if name == "coffee"]
    report = demo.load_analyzer()(as_jpeg(pixels), "coffee.jpg")
    assert report.verdict == "cannot tell" and report.detector == "cifake, from the package"
    assert "--model pictures" in report.advice


def test_its_card_says_what_it_does_on_sources_it_never_saw(shared):
    detector = model.load_detector("pictures")
    table = evaluate.predict_rows(detector, data.load_splits(shared / "pictures")["test"])
    found = re.search(r"all kinds, ROC-AUC (\.\d+)", CARD.read_text())
    assert roc_auc_score(table["label"], table["p_ai"]) == pytest.approx(float(found[1]), abs=0.002)
