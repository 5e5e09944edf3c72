import numpy as np
import pytest

from truthpixel_utils.data.windows import MAX_SIDE, View, at_one_scale, look, random_window, squares


def numbered(height, width):
    """A picture whose pixels say where they lie: red counts rows, green columns (modulo 256)."""
    rows, columns = np.mgrid[0:height, 0:width]
    return np.stack([rows % 256, columns % 256, rows * 0], axis=-1).astype(np.uint8)


@pytest.mark.parametrize(
    ("height", "width", "count"),
    [(1024, 1024, 9), (768, 1024, 9), (3000, 4000, 9), (500, 500, 4), (480, 321, 8), (256, 256, 9)],
)
def test_windows_are_pixels_of_the_picture_itself(height, width, count):
    picture = numbered(height, width)
    seen = look(picture, View("windows", 128))
    assert seen.shape == (count, 128, 128, 3) and seen.dtype == np.uint8
    if max(height, width) <= MAX_SIDE:
        for window in seen:  # rows and columns in order, none left out
            assert (np.diff(window[:, 0, 0].astype(int)) % 256 == 1).all()
            assert (np.diff(window[0, :, 1].astype(int)) % 256 == 1).all()
    assert len(np.unique(seen.reshape(count, -1), axis=0)) == count or max(height, width) > MAX_SIDE


def test_large_pictures_are_scaled_once_and_others_never():
    assert at_one_scale(numbered(3000, 4000)).shape == (960, 1280, 3)
    same = numbered(1000, MAX_SIDE)
    assert at_one_scale(same) is same
    flat = np.full((2000, 3000, 3), 77, np.uint8)
    assert (at_one_scale(flat) == 77).all()


@pytest.mark.parametrize(
    ("height", "width"), [(1, 1), (20, 20), (1, 30_000), (30_000, 1), (100, 2_000)]
)
def test_pictures_smaller_than_a_window_are_continued_by_their_mirror_image(height, width):
    seen = look(np.full((height, width, 3), 200, np.uint8), View("windows", 128))
    assert seen.shape[1:] == (128, 128, 3) and (seen == 200).all()


def test_the_middle_square_comes_first():
    first, *_ = squares(numbered(1000, 1000))
    assert tuple(first[144, 144, :2]) == (500 % 256, 500 % 256)


def test_the_whole_view_is_the_centre_square_scaled_down():
    picture = np.zeros((300, 900, 3), np.uint8)
    picture[:, 300:600] = 255
    [seen] = look(picture, View("whole", 224))
    assert seen.shape == (224, 224, 3) and (seen == 255).all()


def test_random_windows_lie_inside_and_follow_from_the_generator():
    square = numbered(288, 288)
    seeds = [np.random.default_rng(seed) for seed in (1, 1, 2)]
    one, same, other = (random_window(square, 128, rng) for rng in seeds)
    assert (one == same).all() and (one != other).any()
    assert (np.diff(one[:, 0, 0].astype(int)) % 256 == 1).all()
