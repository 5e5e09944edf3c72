import pytest
from sklearn.metrics import log_loss, roc_auc_score

from truthpixel_utils import data, evaluate, model


@pytest.fixture(scope="module")
def rows(pictures):
    return data.load_all(pictures)


@pytest.fixture(scope="module")
def alone():
    return [
        model.build_detector("lite0", image_size=64, view=view, seed=0)
        for view in ("windows", "whole")
    ]


def test_together_detectors_fit_the_validation_images_better_than_each_alone(rows, alone):
    fused = evaluate.fit_fusion(alone, rows)
    together = evaluate.predict_rows(fused, rows)
    for member in model.members(fused):
        of_member = evaluate.predict_rows(member, rows)
        better = log_loss(together["label"], together["p_ai"])
        assert better < log_loss(of_member["label"], of_member["p_ai"])
    assert roc_auc_score(together["label"], together["logit"]) > 0.5


def test_one_detector_is_left_as_it_was(rows, alone):
    before = model.fingerprint(alone[1])
    assert evaluate.fit_fusion(alone[1:], rows) is alone[1]
    assert model.fingerprint(alone[1]) == before


def test_a_fused_detector_knows_how_far_pictures_lie_from_its_own(rows, alone):
    fused = evaluate.fit_fusion(alone, rows)
    splits = {"train": rows, "validation": rows}
    known = evaluate.fit_ood(fused, splits)
    assert known == evaluate.fit_ood(model.members(fused)[0], splits)
    share = (evaluate.ood_distances_of_rows(fused, rows, known) <= known["limit"]).mean()
    assert share == pytest.approx(0.95, abs=0.02)
