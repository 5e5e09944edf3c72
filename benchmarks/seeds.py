"""How far figures move from one training to the next: the first stage of profile `best`, once for each seed.

    python benchmarks/seeds.py CIFAKE FOLDER SEED SEED ...

CIFAKE: folder with its parquet files. FOLDER gets a folder for each seed, as `outputs`; a stopped training goes on, and
a finished one is reused. The split is the same for all.
"""

import sys
from pathlib import Path

import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils import course
from truthpixel_utils.evaluate import calibration as calibrate
from truthpixel_utils.data import splits as data
from truthpixel_utils.evaluate import metrics as evaluate
from truthpixel_utils.model import detector as model
from truthpixel_utils.evaluate import robustness
from truthpixel_utils.evaluate import predictions as score
from truthpixel_utils.train import phases as train
from truthpixel_utils.model.detector import keras

BEST = course.PROFILES["best"]
PIXELS, EPOCHS = BEST["epochs_phase2"][0]


def trained(splits, seed, output_dir):
    """Train a detector as notebooks 3 and 4 do, no further than the first stage."""
    options = {"batch_size": BEST["batch_size"], "views": BEST["views"], "seed": seed, "output_dir": output_dir}
    keras.utils.set_random_seed(seed)
    detector = model.build_detector("lite0", PIXELS)
    model.freeze_backbone(detector)
    train.train(detector, splits, phase=1, epochs=BEST["epochs_phase1"], learning_rate=1e-3, **options)
    model.unfreeze_top(detector, "all", batch_norm=True)
    train.train(
        detector, splits, phase=2, epochs=EPOCHS, learning_rate=BEST["lr_phase2"], recipe=BEST["recipe"], **options
    )
    return detector


def figures(table):
    found = evaluate.evaluate(table)
    return {"accuracy, %": 100 * found["accuracy"], "ROC-AUC": found["roc_auc"]}


def measured(detector, splits):
    """Figures of a detector, calibrated on validation first, and its table of the test images."""
    calibrate.calibrate(detector, score.score(detector, splits["validation"]))
    tables = {part: score.score(detector, splits[part]) for part in ("validation", "test")}
    row = {f"{part}, {name}": value for part, table in tables.items() for name, value in figures(table).items()}
    for change in robustness.robustness(detector, splits["test"]).itertuples():
        row[f"{change.change} {change.strength:g}, %"] = 100 * change.accuracy
    return row, tables["test"]


def main(cifake, folder, *seeds):
    splits = data.load_splits(cifake, "official")
    rows, tests = {}, []
    for seed in map(int, seeds):
        rows[f"seed {seed}"], test = measured(trained(splits, seed, folder / str(seed)), splits)
        tests.append(test)
    table = pd.DataFrame(rows).T
    table.loc["mean"], table.loc["spread"] = table.mean(), table.std()  # the sample's standard deviation
    together = tests[0].assign(p_ai=expit(np.mean([test["logit"] for test in tests], axis=0)))
    print(table.round(5).T.to_string())
    print("The mean of their logits, test:", figures(together))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), *sys.argv[3:])
