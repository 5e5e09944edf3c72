"""Other ways to ask the shipped detector: other sizes inside, and means over changes that keep what an image is.

    python benchmarks/inference.py CIFAKE

CIFAKE: folder with its parquet files; its validation images are asked about, as in training.
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


def ways(detector):
    """Functions from uint8 images (N, 32, 32, 3) to float logits (N,), by name; the detector as it is comes first."""

    def logits(images, network=detector):
        return evaluate.predict_images(network, np.ascontiguousarray(images))[0]

    own = detector.get_layer("resize").height
    found = {f"as it is, {own} pixels inside": logits}
    for size in SIZES:
        if size != own:
            found[f"{size} pixels inside"] = partial(logits, network=model.with_image_size(detector, size))
    found["mean with its mirror image"] = lambda images: (logits(images) + logits(mirrored(images))) / 2
    found["mean with its mirror image and four shifts by a pixel"] = lambda images: np.mean(
        [logits(images), logits(mirrored(images)), *(logits(shifted(images, *by)) for by in SHIFTS)], axis=0
    )
    return found


def main(cifake):
    images, labels = data.thumbnails(data.load_splits(cifake, "official")["validation"])
    rows = {}
    for name, ask in ways(model.load_detector(model.SHIPPED)).items():
        ask(images[:500])  # the engine prepares itself
        start = time.perf_counter()
        logits = ask(images)
        seconds = time.perf_counter() - start
        table = pd.DataFrame({"label": labels.astype(int), "p_ai": expit(logits.astype(float))})
        figures = evaluate.compute_metrics(table)
        rows[name] = {"accuracy, %": 100 * figures["accuracy"], "ROC-AUC": figures["roc_auc"], "time": seconds}
    table = pd.DataFrame(rows).T
    table["time"] /= table["time"].iloc[0]
    print(table.round({"accuracy, %": 2, "ROC-AUC": 5, "time": 2}).to_string())


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
