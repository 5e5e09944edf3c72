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
from sklearn.linear_model import LogisticRegression, RidgeClassifier
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from truthpixel_utils.backend import keras
from truthpixel_utils.data import (
    THUMBNAIL,
    encoded_images,
    leave_one_out,
    log_spectrum,
    seen,
    thumbnails,
)
from truthpixel_utils.model import POOLED, build_detector, members, prepare, view_of
from truthpixel_utils.train import train_phase

if TYPE_CHECKING:
    import datasets

Features = Callable[["datasets.Dataset"], np.ndarray]

ENOUGH = 4_000  # rows, of training and of the others, that `across_generators` looks at
MOST_TRAINED, MOST_MEASURED = 4, 8  # generators, the most frequent ones


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
    """Compute how much detail of each fineness the images have, see `data.log_spectrum`.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``image, label``.

    Returns
    -------
    float array (N, 17)
        Logarithm of the mean power (squared units of 0..255) at 0, 1, ... 16 waves across the
        image.
    """
    return log_spectrum(thumbnails(rows)[0])


def file_size(rows: datasets.Dataset) -> np.ndarray:
    """Count the bytes of each encoded image; of a picture, those of its small whole view.

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


def linear_baseline(splits: Mapping[str, datasets.Dataset], features: Features) -> pd.DataFrame:
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


def frozen_features(detector: keras.Model) -> Features:
    """Make the function that describes images by a network that has seen no generator at all.

    Parameters
    ----------
    detector : keras.Model
        How it looks at pictures and at what size it works is taken from it; its weights are not.
        Of a fused detector, its first member.

    Returns
    -------
    function
        Takes rows and returns a float array (N, 1280): what the backbone with its start weights,
        see `model.build_detector`, makes of each image, or of the middle window of each picture.
    """
    own = members(detector)[0]
    view = view_of(own)
    untrained = build_detector("auto", own.get_layer("resize").height, view.kind)
    backbone = keras.Model(untrained.input, untrained.get_layer(POOLED).output)

    def features(rows: datasets.Dataset) -> np.ndarray:
        found = []
        for images, owners in seen(rows, view):
            _, first = np.unique(owners, return_index=True)
            found.append(prepare(backbone)(images[first])[0])
        return np.concatenate(found)

    return features


def across_generators(splits: Mapping[str, datasets.Dataset], features: Features) -> pd.DataFrame:
    """Ask how a linear detector does on generators that it was not trained on.

    It is fitted anew (ridge regression to the classes, both weighing the same) to all training
    images; to all but those of the generator that it is tested on; and to the images of one
    generator alone, each time beside the same real images.

    Parameters
    ----------
    splits : dict of datasets.Dataset
        Splits with ``train``, ``validation`` and ``test``; the linear detectors are measured on the
        latter two, since nothing is chosen on validation here. More than 4,000 rows are not used.
    features : function
        Takes rows and returns an array (N, D), as `frozen_features` does or those in `FEATURES`.

    Returns
    -------
    pandas.DataFrame
        One row a generator that is measured, the eight most frequent ones: ``images`` (int) and the
        ROC-AUC (0..1) of its images and all real ones, after training on ``all``, on ``all but
        this`` and on ``only`` each of the four that are most frequent in training. ``all but this``
        is NaN where no other generator is left, and equals ``all`` for one that is not in training.
    """
    train = _first(splits["train"])
    measured = [_first(splits[name]) for name in ("validation", "test")]
    X, names, labels = _described([train], features)
    X_new, names_new, labels_new = _described(measured, features)

    def ordered(chosen):
        """Order the new images after training on the chosen ones, and on all real ones."""
        chosen = chosen | (labels == 0)
        if labels[chosen].max() == 0:
            return np.full(len(X_new), np.nan)
        linear = RidgeClassifier(alpha=len(X), class_weight="balanced")
        fitted = make_pipeline(StandardScaler(), linear).fit(X[chosen], labels[chosen])
        return fitted.decision_function(X_new)

    def auc(of, scores):
        chosen = of | (labels_new == 0)
        if np.isnan(scores).any():
            return np.nan
        return roc_auc_score(labels_new[chosen], scores[chosen])

    left_out = dict(leave_one_out(train))
    trained = pd.Series({name: mask.sum() for name, mask in left_out.items()})
    everything = ordered(labels == 1)
    alone = {name: ordered(left_out[name]) for name in trained.nlargest(MOST_TRAINED).index}
    of_ai = pd.Series(names_new[labels_new == 1]).value_counts()
    table = {}
    for name, images in of_ai.head(MOST_MEASURED).items():
        of = (names_new == name) & (labels_new == 1)
        without = ordered((labels == 1) & ~left_out[name]) if name in left_out else everything
        figures = {"all": auc(of, everything), "all but this": auc(of, without)}
        figures |= {f"only {other}": auc(of, scores) for other, scores in alone.items()}
        table[name] = {"images": images, **figures}
    return pd.DataFrame.from_dict(table, orient="index").rename_axis("generator")


def _first(rows: datasets.Dataset) -> datasets.Dataset:
    """Take as many rows as are enough; those of a split lie in random order."""
    return rows.take(min(ENOUGH, len(rows)))


def _described(parts, features):
    """Describe rows by features, and name their generators and classes: three arrays."""
    names = np.concatenate([rows["generator"][:] for rows in parts])
    labels = np.concatenate([rows["label"][:] for rows in parts])
    return np.concatenate([features(rows) for rows in parts]), names, labels


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
