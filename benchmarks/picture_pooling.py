"""How the answers of a picture's windows are best made into one.

    python benchmarks/picture_pooling.py PICTURES [DETECTOR]

PICTURES: a folder as `data.load_splits` takes it, whose sources lie in one split each. DETECTOR: a
file, or a name in the package; by default *pictures*, of which the member that looks at windows is
asked. The figure is the ROC-AUC on validation and on test, all kinds of pictures. The attention
pool (Ilse et al., *Attention-based deep multiple instance learning*, 2018) weighs the windows'
logits by a small network on their features; it is fitted on the training pictures, five seeds.
"""

import sys

import numpy as np
import pandas as pd
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from truthpixel_utils import data, model
from truthpixel_utils.backend import keras

MOST = 9  # windows of a picture
HIDDEN, EPOCHS, SEEDS = 32, 40, 5  # of the attention pool


def windows_of(detector, rows):
    """Features and logits of the windows of each picture: (N, 9, 128), and (N, 9) with NaN."""
    network = keras.Model(
        detector.input, [detector.get_layer(name).output for name in ("dense_128", "logit")]
    )
    forward = model.prepare(network)
    features = np.zeros((len(rows), MOST, 128), np.float32)
    logits = np.full((len(rows), MOST), np.nan, np.float32)
    for images, owners in data.seen(rows, model.view_of(detector)):
        of_images, answers = forward(images)
        for row in np.unique(owners):
            own = owners == row
            features[row, : own.sum()] = of_images[own]
            logits[row, : own.sum()] = answers[own, 0]
    return features, logits


def extreme(logits, count):
    """Average the windows that are the surest, to whichever side."""
    order = np.argsort(-np.nan_to_num(np.abs(logits), nan=-1), axis=1)[:, :count]
    return np.nanmean(np.take_along_axis(logits, order, axis=1), axis=1)


POOLS = {
    "mean of the logits": lambda logits: np.nanmean(logits, axis=1),
    "mean of the three most extreme": lambda logits: extreme(logits, 3),
    "the most extreme": lambda logits: extreme(logits, 1),
    "median of the logits": lambda logits: np.nanmedian(logits, axis=1),
    "mean of the probabilities": lambda logits: np.nanmean(expit(logits), axis=1),
}


def attention(seed):
    """Build the pool: logit = sum of a_i × logit_i, a = softmax of a small network's scores."""
    keras.utils.set_random_seed(seed)
    features = keras.Input((MOST, 128))
    logits, absent = keras.Input((MOST,)), keras.Input((MOST,))
    hidden = keras.layers.Dense(HIDDEN, "tanh", kernel_regularizer="l2")(features)
    scores = keras.layers.Reshape((MOST,))(keras.layers.Dense(1)(hidden))
    weights = keras.layers.Softmax()(scores - 1e4 * absent)
    pooled = keras.layers.Dot(1)([weights, logits])
    p_ai = keras.layers.Dense(1, "sigmoid", kernel_initializer="ones")(pooled)
    network = keras.Model([features, logits, absent], p_ai)
    network.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    return network


def inputs(features, logits):
    return [features, np.nan_to_num(logits), np.isnan(logits).astype(np.float32)]


def main(pictures, detector="pictures"):
    splits = data.load_splits(pictures)
    [windows] = [
        member
        for member in model.members(model.load_detector(detector))
        if model.view_of(member).kind == "windows"
    ]
    found = {name: windows_of(windows, rows) for name, rows in splits.items()}
    labels = {name: np.asarray(rows["label"][:]) for name, rows in splits.items()}
    parts = ("validation", "test")
    aucs = {
        name: [roc_auc_score(labels[part], pool(found[part][1])) for part in parts]
        for name, pool in POOLS.items()
    }
    runs = []
    for seed in range(SEEDS):
        pool = attention(seed)
        pool.fit(inputs(*found["train"]), labels["train"], 64, EPOCHS, verbose=0)
        answers = [pool.predict(inputs(*found[part]), verbose=0)[:, 0] for part in parts]
        runs.append(
            [roc_auc_score(labels[part], one) for part, one in zip(parts, answers, strict=True)]
        )
    aucs["attention pool, mean of five seeds"] = np.mean(runs, axis=0)
    aucs["attention pool, standard deviation"] = np.std(runs, axis=0)
    print(pd.DataFrame(aucs, index=parts).T.round(4).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
