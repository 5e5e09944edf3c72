import numpy as np

from truthpixel_utils import train
from truthpixel_utils.train import augment

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
SMOOTH = np.broadcast_to(np.linspace(40, 200, 32)[:, None, None], (32, 32, 3)).astype(np.uint8)


def test_a_corrupted_image_is_an_image_and_the_original_stays():
    before = IMAGE.copy()
    changed = train.corrupt_at_random(IMAGE, np.random.default_rng(0))
    assert changed.shape == IMAGE.shape and changed.dtype == np.uint8 and (changed != IMAGE).any()
    assert (before == IMAGE).all()


def test_a_corruption_follows_from_the_seed_and_half_of_them_keep_every_pixel_value():
    same = [train.corrupt_at_random(IMAGE, np.random.default_rng(i)) for i in (1, 1, 2)]
    assert (same[0] == same[1]).all() and (same[0] != same[2]).any()
    values = np.sort(SMOOTH[:, 0, 0])
    rng = np.random.default_rng(0)
    kept = [np.isin(train.corrupt_at_random(SMOOTH, rng), values).all() for _ in range(400)]
    assert 0.4 < np.mean(kept) < 0.6


def test_there_is_a_probability_for_every_number_and_kind_of_corruption():
    numbers, kinds = augment.RANDOM_CORRUPTIONS["times"], augment.RANDOM_CORRUPTIONS["kinds"]
    assert len(numbers) == 3 and np.isclose(sum(numbers), 1)
    assert len(kinds) == len(augment._KINDS) and np.isclose(sum(kinds), 1)


def test_views_keep_the_first_image_and_change_the_others_the_same_way_every_time():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    views = train.augmented_views(images, 3, seed=1)
    assert views.shape == (3, 5, 32, 32, 3) and views.dtype == np.uint8
    assert (views[0] == images).all()
    assert (views[1] != images).any() and (views[1] != views[2]).any()
    assert (train.augmented_views(images, 3, seed=1) == views).all()
    assert (train.augmented_views(images, 3, seed=2) != views).any()
