"""What can be told without the network: features a child could compute, and a small network.

If one of them comes close to the detector, the detector may have learned how the data set was made, and not what an
image shows.
"""

import numpy as np
import pandas as pd
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils.backend import keras
from truthpixel_utils.data.splits import THUMBNAIL, encoded_images, thumbnails
from truthpixel_utils.train.phases import train_phase


def colours(rows):
    """Mean and variance of each colour channel: float array (N, 6)."""
    images, _ = thumbnails(rows)
    return np.hstack([images.mean(axis=(1, 2)), images.var(axis=(1, 2))])


def spectrum(rows):
    """Logarithm of the power at each spatial frequency, all directions together: float array (N, 17)."""
    images, _ = thumbnails(rows)
    grey = images.mean(axis=-1)
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2
    frequency = np.fft.fftfreq(THUMBNAIL, 1 / THUMBNAIL)
    ring = np.minimum(np.hypot(*np.meshgrid(frequency, frequency)).round(), THUMBNAIL // 2).astype(int).ravel()
    sums = power.reshape(len(power), -1) @ np.eye(THUMBNAIL // 2 + 1)[ring]
    return np.log(sums / np.bincount(ring) + 1)


def file_size(rows):
    """Bytes of the encoded image: float array (N, 1)."""
    return np.array([[len(image)] for batch in encoded_images(rows) for image in batch], float)


FEATURES = {"colours": colours, "spectrum": spectrum, "file size": file_size}


def linear_baseline(splits, features):
    """Fit a logistic regression to features of the training images and apply it to the test images.

    Parameters
    ----------
    features : function of rows that returns an array (N, ...), such as those in `FEATURES`

    Returns
    -------
    pandas.DataFrame, one row a test image: ``id``, ``label``, ``generator``, ``p_ai``
    """
    fitted = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000))
    fitted.fit(features(splits["train"]), splits["train"]["label"][:])
    test = splits["test"]
    columns = {name: test[name][:] for name in ("id", "label", "generator")}
    return pd.DataFrame({**columns, "p_ai": fitted.predict_proba(features(test))[:, 1]})


def small_cnn():
    """Build the network of CIFAKE's paper (Bird and Lotfi, 2024): two convolutions of 32 filters, a layer of 64 units.

    Returns
    -------
    keras.Model with the inputs, outputs and layer names of a detector, so that `train` and `score` take it
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


def train_small_cnn(splits, epochs, seed, output_dir):
    """Train `small_cnn` with the course's own `train`, its files in ``small_cnn`` in `output_dir`; return it."""
    keras.utils.set_random_seed(seed)
    network = small_cnn()
    options = {"epochs": epochs, "learning_rate": 1e-3, "views": 1, "seed": seed}
    train_phase(network, splits, phase=1, output_dir=f"{output_dir}/small_cnn", **options)
    return network
