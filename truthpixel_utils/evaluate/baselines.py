"""What can be told without the detector: by features a child could compute, and by a small network.

If one of them comes close to the detector, the detector may have learned how the data set was made,
and not what an image shows.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils.backend import keras
from truthpixel_utils.data import THUMBNAIL, encoded_images, thumbnails
from truthpixel_utils.train import train_phase

if TYPE_CHECKING:
    import datasets


def colours(rows: datasets.Dataset) -> np.ndarray:
    """Compute mean and variance of each colour channel.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``image, label``.

    Returns
    -------
    float array (N, 6)
        Means of red, green and blue (0..255), then their variances (0..255²).
    """
    images, _ = thumbnails(rows)
    return np.hstack([images.mean(axis=(1, 2)), images.var(axis=(1, 2))])


def spectrum(rows: datasets.Dataset) -> np.ndarray:
    """Compute the power of the brightness at each spatial frequency, all directions together.

    Generators that scale up with transposed convolutions cannot imitate this spectrum (Durall et
    al., *Watch your up-convolution*, 2020).

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``image, label``.

    Returns
    -------
    float array (N, 17)
        Logarithm of the mean power (squared units of 0..255) at 0, 1, ... 16 waves across the
        image; the last has the corners of the spectrum as well, where there are more waves.
    """
    images, _ = thumbnails(rows)
    grey = images.mean(axis=-1)
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2
    frequency = np.fft.fftfreq(THUMBNAIL, 1 / THUMBNAIL)
    waves = np.hypot(*np.meshgrid(frequency, frequency)).round()
    ring = np.minimum(waves, THUMBNAIL // 2).astype(int).ravel()
    in_ring = np.eye(THUMBNAIL // 2 + 1)[ring]  # one row a coefficient: 1 in the ring it lies in
    sums = power.reshape(len(power), -1) @ in_ring
    return np.log(sums / np.bincount(ring) + 1)


def file_size(rows: datasets.Dataset) -> np.ndarray:
    """Count the bytes of each encoded image.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the column ``image``.

    Returns
    -------
    float array (N, 1)
        Bytes.
    """
    sizes = []
    for batch in encoded_images(rows):
        sizes += [[len(image)] for image in batch]
    return np.array(sizes, float)


def size_and_format(rows: datasets.Dataset) -> np.ndarray:
    """Describe the file of each image without looking at a pixel.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``format, width, height``.

    Returns
    -------
    float array (N, 6)
        Logarithms of width and height (0 where they are not known), and 0 or 1 for: is a square,
        is JPEG, is PNG, is WebP.
    """
    facts = rows.select_columns(["format", "width", "height"]).to_pandas()
    sides = facts[["width", "height"]].fillna(1).to_numpy(float)
    kinds = [facts["format"] == name for name in ("JPEG", "PNG", "WEBP")]
    return np.column_stack([np.log(sides), sides[:, 0] == sides[:, 1], *kinds]).astype(float)


FEATURES = {
    "colours": colours,
    "spectrum": spectrum,
    "file size": file_size,
    "size and format": size_and_format,
}


def linear_baseline(
    splits: Mapping[str, datasets.Dataset], features: Callable[[datasets.Dataset], np.ndarray]
) -> pd.DataFrame:
    """Fit a logistic regression to features of training images and apply it to the test images.

    Parameters
    ----------
    splits : dict of datasets.Dataset
        Splits with ``train`` and ``test``.
    features : function
        Takes rows and returns an array (N, ...), as those in `FEATURES` do.

    Returns
    -------
    pandas.DataFrame
        One row a test image: ``id`` (str), ``label`` (int, 1 = AI-generated), ``generator`` (str)
        and ``p_ai`` (float, 0..1).
    """
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    fitted.fit(features(splits["train"]), splits["train"]["label"][:])
    test = splits["test"]
    columns = {name: test[name][:] for name in ("id", "label", "generator")}
    return pd.DataFrame({**columns, "p_ai": fitted.predict_proba(features(test))[:, 1]})


def small_cnn() -> keras.Model:
    """Build the network of CIFAKE's paper: two convolutions of 32 filters, a layer of 64 units.

    Bird and Lotfi, *CIFAKE: Image classification and explainable identification of AI-generated
    synthetic images*, 2024.

    Returns
    -------
    keras.Model
        The untrained network, with the inputs, outputs and layer names of a detector, so that
        `train_phase` and `predict_rows` take it.
    """
    layers = keras.layers
    pixels = keras.Input((THUMBNAIL, THUMBNAIL, 3), name="thumbnail")
    x = layers.Resizing(THUMBNAIL, THUMBNAIL, name="resize")(pixels)
    x = layers.Rescaling(1 / 255)(x)
    for _ in range(2):
        x = layers.MaxPooling2D()(layers.Conv2D(32, 3, activation="relu")(x))
    x = layers.Dense(64, "relu")(layers.Flatten()(x))
    p_ai = layers.Activation("sigmoid", name="p_ai")(layers.Dense(1, name="logit")(x))
    return keras.Model(pixels, p_ai)


def train_small_cnn(
    splits: Mapping[str, datasets.Dataset], epochs: int, seed: int, output_dir: str | Path
) -> keras.Model:
    """Train `small_cnn` with the course's own training.

    Parameters
    ----------
    splits : dict of datasets.Dataset
        Splits with ``train`` and ``validation``.
    epochs : int
        Passes over the training images, at most.
    seed : int
        Seed of the start weights and of the images' order.
    output_dir : str or Path
        The course's output folder; the training's files go into ``small_cnn`` in it.

    Returns
    -------
    keras.Model
        The trained network.
    """
    keras.utils.set_random_seed(seed)
    network = small_cnn()
    options = {"epochs": epochs, "learning_rate": 1e-3, "views": 1, "seed": seed}
    train_phase(network, splits, phase=1, output_dir=f"{output_dir}/small_cnn", **options)
    return network
