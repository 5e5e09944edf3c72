"""Other ways to ask the shipped detector: at other sizes inside, and as a mean over small changes.

    python benchmarks/inference.py CIFAKE

CIFAKE is the folder with its parquet files; its validation images are asked about, as in training.
The changes (a mirror image, a shift by a pixel) leave an image what it is.
"""

import sys
import time
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils import data, evaluate, model
from truthpixel_utils.data import corruptions

SHIFTS = ((0, 1), (0, -1), (1, 0), (-1, 0))  # pixels
SIZES = (64, 96, 128)


def mirrored(images):
    return images[:, :, ::-1]


def shifted(images, *by):
    return np.stack([corruptions.shift(image, *by) for image in images])


def logits(detector, images):
    return evaluate.predict_images(detector, np.ascontiguousarray(images))[0]


def mean_with_mirror(detector, images):
    return (logits(detector, images) + logits(detector, mirrored(images))) / 2


def mean_with_mirror_and_shifts(detector, images):
    versions = [images, mirrored(images), *(shifted(images, *by) for by in SHIFTS)]
    return np.mean([logits(detector, version) for version in versions], axis=0)


def ways(detector):
    """Functions from uint8 images (N, 32, 32, 3) to float logits (N,), by name.

    The detector as it is comes first.
    """
    own = detector.get_layer("resize").height
    found = {f"as it is, {own} pixels inside": partial(logits, detector)}
    for size in SIZES:
        if size != own:
            resized = model.with_image_size(detector, size)
            found[f"{size} pixels inside"] = partial(logits, resized)
    found["mean with its mirror image"] = partial(mean_with_mirror, detector)
    more = "mean with its mirror image and four shifts by a pixel"
    found[more] = partial(mean_with_mirror_and_shifts, detector)
    return found


def main(cifake):
    images, labels = data.thumbnails(data.load_splits(cifake, "official")["validation"])
    rows = {}
    for name, ask in ways(model.load_detector(model.SHIPPED)).items():
        ask(images[:500])  # the engine prepares itself
        start = time.perf_counter()
        answers = ask(images)
        seconds = time.perf_counter() - start
        table = pd.DataFrame({"label": labels.astype(int), "p_ai": expit(answers.astype(float))})
        figures = evaluate.compute_metrics(table)
        rows[name] = {
            "accuracy, %": 100 * figures["accuracy"],
            "ROC-AUC": figures["roc_auc"],
            "time": seconds,
        }
    table = pd.DataFrame(rows).T
    table["time"] /= table["time"].iloc[0]
    print(table.round({"accuracy, %": 2, "ROC-AUC": 5, "time": 2}).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
