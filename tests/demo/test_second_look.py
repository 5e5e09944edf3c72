"""The second look shows what was pasted in, and stays dark where there is nothing to see."""

import numpy as np
import pytest
from skimage.data import chelsea

from truthpixel_utils.data.corruptions import jpeg
from truthpixel_utils.demo.second_look import LOOKS, error_level, noise, second_look

CAT = chelsea()


def test_every_look_has_the_picture_s_size_and_a_sentence():
    looks = second_look(CAT)
    assert looks.keys() == LOOKS.keys()
    assert all(look.shape == CAT.shape and look.dtype == np.uint8 for look in looks.values())


def test_error_level_shows_a_square_that_was_pasted_into_a_saved_picture():
    saved = jpeg(CAT, 90)
    pasted = saved.copy()
    pasted[100:200, 100:200] = CAT[180:280, 300:400]  # never saved as JPEG before
    level = error_level(pasted).astype(float)
    inside = level[104:196, 104:196].mean()
    level[100:200, 100:200] = np.nan
    assert inside > 2 * np.nanmean(level)


def test_noise_shows_a_square_of_other_grain():
    grained = CAT.astype(float)
    grained[50:150, 50:150] += np.random.default_rng(0).normal(0, 12, (100, 100, 3))
    found = noise(grained.clip(0, 255).astype(np.uint8)).astype(float)
    assert found[55:145, 55:145].mean() > 2 * found[170:, 200:].mean()


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (64, 64)])
def test_one_colour_of_any_size_is_dark(size):
    for look in second_look(np.full((*size, 3), 120, np.uint8)).values():
        assert look.max() == 0
