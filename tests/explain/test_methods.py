import numpy as np
import pytest

from truthpixel_utils.explain import methods


def test_eigencam_draws_the_direction_in_which_activations_lie():
    """Two cells of four hold one pattern of channels, the second half as strongly."""
    pattern = np.array([1.0, 2.0, 0.5])
    activations = np.zeros((1, 2, 2, 3), np.float32)
    activations[0, 0, 1], activations[0, 1, 0] = pattern, pattern / 2
    [heat] = methods.eigencam(activations, None)
    assert heat == pytest.approx(np.array([[0, 1], [0.5, 0]]) * np.linalg.norm(pattern))
