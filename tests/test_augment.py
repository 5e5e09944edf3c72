import numpy as np

from truthpixel_utils import augment

IMAGE = np.random.default_rng(0).integers(0, 256, (32, 32, 3), dtype=np.uint8)
SMOOTH = np.broadcast_to(np.linspace(40, 200, 32)[:, None, None], (32, 32, 3)).astype(np.uint8)


def test_a_travelled_image_is_an_image_and_the_original_stays():
    before = IMAGE.copy()
    changed = augment.travelled(IMAGE, np.random.default_rng(0))
    assert changed.shape == IMAGE.shape and changed.dtype == np.uint8 and (changed != IMAGE).any()
    assert (IMAGE == before).all()


def test_a_journey_follows_from_the_seed_and_half_of_them_keep_every_pixel_value():
    same = [augment.travelled(IMAGE, np.random.default_rng(i)) for i in (1, 1, 2)]
    assert (same[0] == same[1]).all() and (same[0] != same[2]).any()
    values = np.sort(SMOOTH[:, 0, 0])
    rng = np.random.default_rng(0)
    kept = [np.isin(augment.travelled(SMOOTH, rng), values).all() for _ in range(400)]
    assert 0.4 < np.mean(kept) < 0.6


def test_the_label_of_a_patched_image_is_the_mean_label_of_its_pixels():
    labels = np.arange(400) % 2
    images = np.broadcast_to(labels[:, None, None, None] * 255, (400, 32, 32, 3)).astype(np.uint8)
    mixed, shares = augment.patched(images, labels, np.random.default_rng(0))
    assert mixed.dtype == np.uint8 and (images.mean(axis=(1, 2, 3)) == labels * 255).all()
    np.testing.assert_allclose(shares, mixed.mean(axis=(1, 2, 3)) / 255, atol=1e-6)
    assert 0.15 < np.mean(shares != labels) < 0.35  # of the half that is patched, half get a patch of the other class


def test_views_keep_the_first_image_and_change_the_others_the_same_way_every_time():
    images = np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3), dtype=np.uint8)
    views = augment.augmented_views(images, 3, seed=1)
    assert views.shape == (3, 5, 32, 32, 3) and views.dtype == np.uint8
    assert (views[0] == images).all()
    assert (views[1] != images).any() and (views[1] != views[2]).any()
    assert (augment.augmented_views(images, 3, seed=1) == views).all()
    assert (augment.augmented_views(images, 3, seed=2) != views).any()
