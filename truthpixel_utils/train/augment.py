"""Random changes of training images; none of them turns real into AI-generated."""

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.data import corruptions

# How far the strong recipe changes an image, see `travelled`.
RANDOM_CORRUPTIONS = {
    "shift": 4,  # pixels
    "times": (0.5, 0.35, 0.15),  # probability of no, one, two changes
    "kinds": (0.3, 0.15, 0.3, 0.15, 0.1),  # of JPEG, blur, noise, scaling, light: the harder the oftener
    "jpeg": (30, 95),  # quality
    "blur": (0.3, 1.2),  # standard deviation, pixels
    "noise": (0.01, 0.12),  # standard deviation, share of the range
    "rescale": (16, 30),  # pixels a side
    "contrast": (0.7, 1.3),  # factor
    "brightness": (-0.15, 0.15),  # share of the range
}


def augmentation():
    """Build the random changes that a training image undergoes; none of them turns real into AI-generated.

    Returns
    -------
    keras.Sequential : pixels (N, H, W, 3), 0..255 -> the same shape, float32: flip left to right, rotation by up to
    15 degrees, zoom to 0.8..1.2 of the size, brightness by up to 20 % of the range 0..255.
    """
    return keras.Sequential(
        [
            keras.layers.RandomFlip("horizontal"),
            keras.layers.RandomRotation(15 / 360),
            keras.layers.RandomZoom((-0.2, 0.2)),
            keras.layers.RandomBrightness(0.2, value_range=(0, 255)),
        ],
        name="augmentation",
    )


def augmented_views(images, views, seed):
    """Make the views of each image that training alternates between.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
    views : int; the first is the image itself, each further one an augmented copy
    seed : int, of the augmentation

    Returns
    -------
    uint8 array (views, N, H, W, 3)
    """
    made = np.broadcast_to(images, (views, *images.shape)).copy()
    augment = augmentation()
    for view in range(1, views):
        for start in range(0, len(images), 1024):
            reseed(augment, seed, view, start)
            changed = augment(images[start : start + 1024].astype(np.float32), training=True)
            made[view, start : start + 1024] = keras.ops.convert_to_numpy(changed).clip(0, 255).round()
    return made


def corrupt_at_random(image, rng):
    """Draw one image as it may look after a journey: mirrored, moved, and half of the time degraded once or twice.

    Degraded: JPEG, blur, noise, scaling down and back, or light, each drawn from its range in `JOURNEY`.

    Parameters
    ----------
    image : uint8 array (H, W, 3), 0..255
    rng : numpy.random.Generator

    Returns
    -------
    uint8 array (H, W, 3)
    """
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.5:
        image = corruptions.shift(image, *rng.integers(-RANDOM_CORRUPTIONS["shift"], RANDOM_CORRUPTIONS["shift"], 2, endpoint=True))
    journeys = (
        lambda image: corruptions.jpeg(image, rng.integers(*RANDOM_CORRUPTIONS["jpeg"], endpoint=True)),
        lambda image: corruptions.blur(image, rng.uniform(*RANDOM_CORRUPTIONS["blur"])),
        lambda image: corruptions.noise(image, rng.uniform(*RANDOM_CORRUPTIONS["noise"]), rng),
        lambda image: corruptions.rescale(image, rng.integers(*RANDOM_CORRUPTIONS["rescale"], endpoint=True)),
        lambda image: corruptions.relight(image, rng.uniform(*RANDOM_CORRUPTIONS["contrast"]), rng.uniform(*RANDOM_CORRUPTIONS["brightness"])),
    )
    times = rng.choice(3, p=RANDOM_CORRUPTIONS["times"])
    for i in rng.choice(len(journeys), times, replace=False, p=RANDOM_CORRUPTIONS["kinds"]):
        image = journeys[i](image)
    return image


def reseed(owner, *numbers):
    """Set the random state of every layer that has one (dropout, augmentation) from whole numbers, in place."""
    for i, layer in enumerate(owner.layers):
        generator = getattr(layer, "seed_generator", None) or getattr(layer, "generator", None)
        if generator is not None:
            generator.state.assign(np.random.default_rng((*numbers, i)).integers(0, 2**32, 2, np.uint32))
