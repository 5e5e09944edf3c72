import pytest

from conftest import RULE
from truthpixel_utils import evaluate, model
from truthpixel_utils.errors import TruthPixelError


@pytest.mark.parametrize("name", ["shift", "out_of_distribution"])
def test_the_rule_of_an_older_version_is_refused_in_one_sentence(home, name):
    rule = {key: value for key, value in RULE.items() if key != name}
    evaluate.save_finished(model.build_detector("lite0", image_size=32), rule)
    with pytest.raises(
        TruthPixelError, match=f"older version \\(it lacks {name}\\): run notebooks/04"
    ):
        evaluate.load_rule()
