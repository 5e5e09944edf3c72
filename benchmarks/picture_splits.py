"""What a random split promises of pictures, and what the changes in training are worth.

    python benchmarks/picture_splits.py PICTURES FOLDER [EPOCHS]

PICTURES: a folder as `data.load_splits` takes it, with sources. A detector of windows of 128 pixels
is trained as by profile *pictures*, the whole network for EPOCHS epochs (by default three), four
times: on splits that keep a source together and on random ones, each with the changes that the web
makes to pictures (`train.pictures.PICTURE_CORRUPTIONS`) and without them. FOLDER gets the trained
detectors; what is there is not trained again. The figures are the ROC-AUC on validation and on
test, all kinds of pictures.
"""

import sys
from pathlib import Path

import pandas as pd
from sklearn.metrics import roc_auc_score

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.train.pictures import PICTURE_CORRUPTIONS

NEVER = {"scaled": 0.0, "encoded_first": 0.0, "encoded_last": 0.0, "lit": 0.0, "offset": 0}
NEVER |= {"blur": (0.01, 0.01), "sharpen": (0.0, 0.0), "noise": (0.0, 0.0)}


def measure(splits, epochs, output_dir):
    """Train a detector of windows in two phases; return its ROC-AUC on validation and test."""
    detector = model.build_detector("lite0", 128, "windows", seed=42)
    model.freeze_backbone(detector)
    options = {"batch_size": 32, "seed": 42, "output_dir": output_dir}
    train.train_phase(detector, splits, phase=1, epochs=3, learning_rate=1e-3, **options)
    model.unfreeze_top(detector, "all", batch_norm=True)
    train.train_phase(
        detector, splits, phase=2, epochs=epochs, learning_rate=1e-3, recipe="strong", **options
    )
    figures = {}
    for part in ("validation", "test"):
        predictions = evaluate.predict_rows(detector, splits[part])
        figures[part] = roc_auc_score(predictions["label"], predictions["p_ai"])
    return figures


def main(pictures, folder, epochs=3):
    changes = {"changed": dict(PICTURE_CORRUPTIONS), "as it is": {**PICTURE_CORRUPTIONS, **NEVER}}
    found = {}
    for split in ("truthpixel", "random"):
        splits = data.load_splits(pictures, split)
        for name, values in changes.items():
            PICTURE_CORRUPTIONS.update(values)
            output_dir = (Path(folder) / f"{split}-{name.replace(' ', '-')}").absolute()
            found[split, name] = measure(splits, epochs, output_dir)
            print(pd.DataFrame(found).T.round(3).to_string(), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
