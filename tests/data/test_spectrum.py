import numpy as np

from truthpixel_utils import data


def test_a_wave_has_its_power_at_its_own_frequency():
    across = np.cos(2 * np.pi * 5 * np.arange(32) / 32)
    wave = np.broadcast_to(128 + 100 * across[:, None], (32, 32, 3))[None].astype(np.uint8)
    spectrum = data.log_spectrum(np.concatenate([wave, wave.transpose(0, 2, 1, 3)]))
    assert spectrum.shape == (2, 17)
    assert spectrum.argmax(axis=1).tolist() == [5, 5]  # whichever way it runs
    assert np.allclose(spectrum[0], spectrum[1])


def test_one_colour_has_no_detail():
    assert not data.log_spectrum(np.full((1, 32, 32, 3), 90, np.uint8)).any()
