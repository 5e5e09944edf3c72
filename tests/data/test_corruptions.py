import numpy as np
import pytest

from truthpixel_utils.data import corruptions

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
SMOOTH = np.broadcast_to(np.linspace(40, 200, 32)[:, None, None], (32, 32, 3)).astype(np.uint8)


@pytest.mark.parametrize(
    "change",
    [
        lambda image: corruptions.jpeg(image, 40),
        lambda image: corruptions.blur(image, 1.0),
        lambda image: corruptions.noise(image, 0.1, np.random.default_rng(0)),
        lambda image: corruptions.rescale(image, 24),
        lambda image: corruptions.relight(image, 1.2, 0.1),
        lambda image: corruptions.shift(image, 2, -3),
        lambda image: corruptions.crop_and_pad(image, 2),
        lambda image: corruptions.repost(image, 1),
    ],
)
def test_a_changed_image_is_an_image_and_the_original_stays(change):
    before = IMAGE.copy()
    changed = change(IMAGE)
    assert changed.shape == IMAGE.shape and changed.dtype == np.uint8 and (changed != IMAGE).any()
    assert (before == IMAGE).all()


def test_red_stays_red_through_jpeg():
    red = np.zeros((32, 32, 3), np.uint8)
    red[..., 0] = 250
    assert corruptions.jpeg(red, 90).mean((0, 1)) == pytest.approx([250, 0, 0], abs=4)


def test_noise_has_the_strength_it_was_asked_for():
    noisy = corruptions.noise(np.full((256, 256, 3), 127, np.uint8), 0.1, np.random.default_rng(0))
    assert noisy.astype(float).std() == pytest.approx(25.5, rel=0.02)


def test_blur_and_rescaling_take_detail_away_and_keep_the_mean():
    for changed in (corruptions.blur(IMAGE, 1.0), corruptions.rescale(IMAGE, 16)):
        assert changed.std() < 0.7 * IMAGE.std()
        assert changed.mean() == pytest.approx(IMAGE.mean(), abs=3)
    assert np.abs(corruptions.rescale(SMOOTH, 24).astype(int) - SMOOTH).max() <= 4


def test_shift_moves_by_whole_pixels():
    moved = corruptions.shift(IMAGE, 3, -2)
    assert (moved[:-2, 3:] == IMAGE[2:, :-3]).all()


def test_light_is_changed_about_mid_grey():
    assert (corruptions.relight(np.full((2, 2, 3), 127, np.uint8), 2.0, 0.0) == 126).all()
    assert (corruptions.relight(np.full((2, 2, 3), 100, np.uint8), 1.0, 0.1) == 126).all()


def test_a_cropped_image_keeps_its_middle_and_has_a_black_border():
    cut = corruptions.crop_and_pad(IMAGE, 3)
    assert (cut[3:-3, 3:-3] == IMAGE[3:-3, 3:-3]).all()
    assert cut.sum() == IMAGE[3:-3, 3:-3].sum()


def test_each_repost_takes_more_away():
    losses = [
        np.abs(corruptions.repost(IMAGE, times).astype(int) - IMAGE).mean() for times in (1, 2, 3)
    ]
    assert 0 < losses[0] < losses[1] < losses[2]
