import pytest

from conftest import RULE
from truthpixel_utils import data, evaluate, model
from truthpixel_utils.errors import TruthPixelError


@pytest.mark.parametrize("name", ["shift", "out_of_distribution"])
def test_the_rule_of_an_older_version_is_refused_in_one_sentence(home, name):
    rule = {key: value for key, value in RULE.items() if key != name}
    evaluate.save_finished(model.build_detector("lite0", image_size=32), rule)
    with pytest.raises(
        TruthPixelError, match=f"older version \\(it lacks {name}\\): run notebooks/04"
    ):
        evaluate.load_rule()


def test_what_is_finished_is_on_disk_and_says_what_was_chosen_on_validation(home, tiny):
    splits = data.load_splits(tiny, split="official")
    detector = model.build_detector("lite0", image_size=32)
    before = evaluate.predict_rows(detector, splits["validation"])
    rule = evaluate.finish(detector, splits)
    assert evaluate.load_rule() == rule
    assert (rule["shift"], rule["temperature"]) == evaluate.platt_scaling(before)
    after = evaluate.predict_rows(model.load_detector("course"), splits["validation"])
    expected = (before["logit"] - rule["shift"]) / rule["temperature"]
    assert after["logit"].to_numpy() == pytest.approx(expected.to_numpy(), abs=1e-3)
    assert evaluate.choose_thresholds(after)["upper_threshold"] == pytest.approx(
        rule["upper_threshold"], abs=1e-3
    )
    assert rule["out_of_distribution"]["limit"] > 0
