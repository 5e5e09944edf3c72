"""What each change that training makes to windows buys, on sources that were held out.

    python benchmarks/picture_corruptions.py PICTURES FOLDER [SEEDS]

PICTURES: a folder as `data.load_splits` takes it, whose sources lie in one split each. A head is
trained on the frozen backbone (phase 1) on windows that are changed in every way, in all ways but
one, and in none; FOLDER gets the trained heads. The figure is the ROC-AUC on validation and test,
each picture by the mean of its windows, as mean and range over SEEDS trainings (by default three).
The last column has the test pictures scaled to three quarters and encoded as JPEG of quality 80.
"""

import sys
from pathlib import Path

import cv2
import pandas as pd
from sklearn.metrics import roc_auc_score

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.data.corruptions import jpeg
from truthpixel_utils.evaluate.predictions import predict_changed
from truthpixel_utils.train.pictures import PICTURE_CORRUPTIONS

NO_SCALING = {"scaled": 0.0}
NO_ENCODING = {"encoded_first": 0.0, "encoded_last": 0.0}
NO_RETOUCHING = {"blur": (0.01, 0.01), "sharpen": (0.0, 0.0), "noise": (0.0, 0.0)}
NO_LIGHT = {"lit": 0.0}
NO_OFFSET = {"offset": 0}
LEFT_OUT = {
    "nothing": {},
    "scaling": NO_SCALING,
    "JPEG and WebP": NO_ENCODING,
    "one of two encodings": {"encoded_first": 0.0},
    "blur, sharpening, noise": NO_RETOUCHING,
    "light": NO_LIGHT,
    "everything": {**NO_SCALING, **NO_ENCODING, **NO_RETOUCHING, **NO_LIGHT, **NO_OFFSET},
}


def laundered(window):
    """Scale a window to three quarters and encode it; its middle is mirrored to its old size."""
    size = len(window)
    small = cv2.resize(window, None, fx=0.75, fy=0.75, interpolation=cv2.INTER_AREA)
    missing = size - len(small)
    border = missing // 2, missing - missing // 2
    return jpeg(cv2.copyMakeBorder(small, *border, *border, cv2.BORDER_REFLECT), 80)


def measure(splits, changes, seed, output_dir):
    """Train a head on windows that are changed so; return its ROC-AUC on three sets."""
    PICTURE_CORRUPTIONS.update(changes)
    detector = model.build_detector("lite0", 128, "windows", seed)
    model.freeze_backbone(detector)
    options = {"views": 4, "seed": seed, "output_dir": output_dir}
    train.train_phase(detector, splits, phase=1, epochs=10, learning_rate=1e-3, **options)
    changes = [None, laundered]
    as_it_is, after = predict_changed(detector, splits["test"], changes)
    tables = {
        "validation": evaluate.predict_rows(detector, splits["validation"]),
        "test": as_it_is,
        "test, laundered": after,
    }
    return {name: roc_auc_score(table["label"], table["p_ai"]) for name, table in tables.items()}


def main(pictures, folder, seeds=3):
    splits = data.load_splits(pictures)
    everything = dict(PICTURE_CORRUPTIONS)
    rows = []
    for left_out, changes in LEFT_OUT.items():
        for seed in range(seeds):
            output_dir = Path(folder) / f"{left_out.replace(' ', '-')}-{seed}"
            aucs = measure(splits, {**everything, **changes}, seed, output_dir.absolute())
            rows.append({"left out": left_out, **aucs})
            table = pd.DataFrame(rows).groupby("left out", sort=False).agg(["mean", "min", "max"])
            print(table.round(3).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
