import numpy as np
import pytest

from truthpixel_utils.explain import imputation


@pytest.mark.parametrize("share", [0.001, 0.3, 0.9])
def test_removed_pixels_of_a_smooth_image_are_filled_as_they_were(share):
    """A ramp is the mean of its neighbours everywhere, so the equations give it back."""
    down, right = np.mgrid[0:32, 0:32]
    ramp = np.repeat((20 + 3 * down + 2 * right)[..., None], 3, axis=2).astype(np.uint8)
    removed = np.zeros((32, 32), bool)
    inside = np.random.default_rng(0).random((30, 30)) < share
    removed[1:-1, 1:-1] = inside | (np.indices((30, 30)).sum(axis=0) == 0)
    filled = imputation.noisy_linear_imputation(ramp, removed, np.random.default_rng(0))
    assert np.abs(filled.astype(int) - ramp)[removed].max() <= 5 * imputation.NOISE
    assert (filled == ramp)[~removed].all()
