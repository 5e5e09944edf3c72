import numpy as np
import pytest
from scipy.stats import ttest_1samp

from truthpixel_utils.explain.significance import holm, mean_over_groups


def test_images_that_stand_alone_get_students_test():
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    mean, low, high, p_value = mean_over_groups(values, np.arange(20))
    expected = ttest_1samp(values, 0)
    assert p_value == pytest.approx(expected.pvalue)
    assert (low, high) == pytest.approx(tuple(expected.confidence_interval(0.95)))
    assert mean == pytest.approx(values.mean())


def test_copies_of_an_image_make_nothing_surer():
    values = np.random.default_rng(0).normal(0.3, 1, 20)
    once = mean_over_groups(values, np.arange(20))
    often = mean_over_groups(np.repeat(values, 30), np.repeat(np.arange(20), 30))
    assert often == pytest.approx(once)


def test_one_photograph_says_nothing_of_others():
    mean, *rest = mean_over_groups([1.0, 2.0], ["a", "a"])
    assert mean == 1.5 and np.isnan(rest).all()


def test_where_nothing_is_to_be_found_holm_finds_something_one_time_in_twenty():
    """In families of 18 tests of pure chance: without the correction it would be six in ten."""
    p_values = np.random.default_rng(0).random((4000, 18))
    corrected = np.array([holm(family) for family in p_values])
    assert (corrected.min(axis=1) < 0.05).mean() == pytest.approx(0.05, abs=0.01)
    assert (p_values.min(axis=1) < 0.05).mean() > 0.55


def test_holm_knows_the_textbooks_case_and_passes_over_what_is_no_number():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    found = holm([0.02, np.nan, 0.01])
    assert found[[0, 2]] == pytest.approx([0.02, 0.02]) and np.isnan(found[1])
