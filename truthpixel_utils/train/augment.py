"""Random changes of training images; none of them turns a photograph into an AI-generated image.

There are two kinds. `augmented_views` makes its changed copies once, before training, so that the
frozen layers need to see each copy only once. `corrupt_at_random` changes an image anew every time
the network meets it, which only pays where no layer is frozen.
"""

from __future__ import annotations

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.data import corruptions

# How far `corrupt_at_random` changes an image. A pair is the lowest and the highest value to draw.
# The record of a training holds these names and values: a change of either begins it anew.
RANDOM_CORRUPTIONS = {
    "shift": 4,  # pixels, at most, to either side
    "times": (0.5, 0.35, 0.15),  # probability of no, one and two corruptions
    "kinds": (0.3, 0.15, 0.3, 0.15, 0.1),  # of each in `_KINDS`: harder ones come more often
    "jpeg": (30, 95),  # quality
    "blur": (0.3, 1.2),  # standard deviation, pixels
    "noise": (0.01, 0.12),  # standard deviation, share of the range 0..255
    "rescale": (16, 30),  # pixels a side
    "contrast": (0.7, 1.3),  # factor
    "brightness": (-0.15, 0.15),  # share of the range 0..255
}

_CHUNK = 1024  # images augmented at a time


def augmentation() -> keras.Sequential:
    """Build the layers that change a training image at random.

    Returns
    -------
    keras.Sequential
        Maps pixels (N, H, W, 3), 0..255, to float32 pixels of the same shape: flipped left to
        right, rotated by up to 15 degrees, zoomed to 0.8..1.2 of the size, and made brighter or
        darker by up to 20 % of the range. It does so only when called with ``training=True``.

    Examples
    --------
    >>> [type(layer).__name__ for layer in augmentation().layers]
    ['RandomFlip', 'RandomRotation', 'RandomZoom', 'RandomBrightness']
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


def augmented_views(images: np.ndarray, views: int, seed: int) -> np.ndarray:
    """Make the views of each image that training alternates between.

    Parameters
    ----------
    images : np.ndarray
        uint8 pixels (N, H, W, 3), 0..255.
    views : int
        Number of views; the first is the image itself, each further one an augmented copy.
    seed : int
        Seed of the augmentation: the same seed makes the same copies.

    Returns
    -------
    np.ndarray
        uint8 pixels (views, N, H, W, 3).
    """
    made = np.broadcast_to(images, (views, *images.shape)).copy()
    augment = augmentation()
    for view in range(1, views):
        for start in range(0, len(images), _CHUNK):
            chunk = slice(start, start + _CHUNK)
            reseed(augment, seed, view, start)
            changed = augment(images[chunk].astype(np.float32), training=True)
            made[view, chunk] = keras.ops.convert_to_numpy(changed).clip(0, 255).round()
    return made


def corrupt_at_random(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Change an image as the internet may have changed it before somebody asks about it.

    Half of the images are mirrored and half are shifted by a few pixels. Half of them are then
    corrupted, by one or two of JPEG, blur, noise, rescaling and a change of light, each as strongly
    as `RANDOM_CORRUPTIONS` allows.

    Parameters
    ----------
    image : np.ndarray
        uint8 pixels (H, W, 3), 0..255. They stay as they are.
    rng : numpy.random.Generator
        Source of all that is drawn: a generator of the same seed gives the same image.

    Returns
    -------
    np.ndarray
        uint8 pixels (H, W, 3), 0..255. It may be `image` itself or a view of it.
    """
    if rng.random() < 0.5:
        image = image[:, ::-1]
    if rng.random() < 0.5:
        limit = RANDOM_CORRUPTIONS["shift"]
        right, down = rng.integers(-limit, limit, 2, endpoint=True)
        image = corruptions.shift(image, right, down)
    count = rng.choice(3, p=RANDOM_CORRUPTIONS["times"])
    kinds = rng.choice(len(_KINDS), count, replace=False, p=RANDOM_CORRUPTIONS["kinds"])
    for kind in kinds:
        image = _KINDS[kind](image, rng)
    return image


def reseed(network: keras.Model, *numbers: int) -> None:
    """Set the random state of every layer that has one (dropout, augmentation), in place.

    Parameters
    ----------
    network : keras.Model
        Its layers draw the same random numbers again after the same call.
    *numbers : int
        Whole numbers that are the seed together, such as a seed and the number of an epoch.
    """
    for i, layer in enumerate(network.layers):
        generator = getattr(layer, "seed_generator", None) or getattr(layer, "generator", None)
        if generator is not None:
            state = np.random.default_rng((*numbers, i)).integers(0, 2**32, 2, np.uint32)
            generator.state.assign(state)


def _random_jpeg(image, rng):
    lowest, highest = RANDOM_CORRUPTIONS["jpeg"]
    return corruptions.jpeg(image, rng.integers(lowest, highest, endpoint=True))


def _random_blur(image, rng):
    lowest, highest = RANDOM_CORRUPTIONS["blur"]
    return corruptions.blur(image, rng.uniform(lowest, highest))


def _random_noise(image, rng):
    lowest, highest = RANDOM_CORRUPTIONS["noise"]
    return corruptions.noise(image, rng.uniform(lowest, highest), rng)


def _random_rescale(image, rng):
    lowest, highest = RANDOM_CORRUPTIONS["rescale"]
    return corruptions.rescale(image, rng.integers(lowest, highest, endpoint=True))


def _random_relight(image, rng):
    contrast = rng.uniform(*RANDOM_CORRUPTIONS["contrast"])
    brightness = rng.uniform(*RANDOM_CORRUPTIONS["brightness"])
    return corruptions.relight(image, contrast, brightness)


# In the order of the probabilities in RANDOM_CORRUPTIONS["kinds"].
_KINDS = (_random_jpeg, _random_blur, _random_noise, _random_rescale, _random_relight)
