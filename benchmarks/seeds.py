"""How far figures move from one training to the next: profile `best`, once for each seed.

    python benchmarks/seeds.py CIFAKE FOLDER SEED SEED ...

Only the first stage of the profile is trained. CIFAKE is the folder with its parquet files. FOLDER
gets a folder for each seed, as `outputs`; a stopped training goes on, and a finished one is reused.
The split is the same for all.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.profiles import PROFILES

BEST = PROFILES["best"]
PIXELS, EPOCHS = BEST["epochs_phase2"][0]


def trained(splits, seed, output_dir):
    """Train a detector as notebooks 3 and 4 do, no further than the first stage."""
    options = {
        "batch_size": BEST["batch_size"],
        "views": BEST["views"],
        "seed": seed,
        "output_dir": output_dir,
    }
    keras.utils.set_random_seed(seed)
    detector = model.build_detector("lite0", PIXELS)
    model.freeze_backbone(detector)
    head = {"epochs": BEST["epochs_phase1"], "learning_rate": 1e-3}
    train.train_phase(detector, splits, phase=1, **head, **options)
    model.unfreeze_top(detector, "all", batch_norm=True)
    whole = {"epochs": EPOCHS, "learning_rate": BEST["lr_phase2"], "recipe": BEST["recipe"]}
    train.train_phase(detector, splits, phase=2, **whole, **options)
    return detector


def figures(table):
    found = evaluate.compute_metrics(table)
    return {"accuracy, %": 100 * found["accuracy"], "ROC-AUC": found["roc_auc"]}


def measured(detector, splits):
    """Figures of a detector, calibrated on validation first, and its table of the test images."""
    evaluate.calibrate(detector, evaluate.predict_rows(detector, splits["validation"]))
    row = {}
    for part in ("validation", "test"):
        table = evaluate.predict_rows(detector, splits[part])
        for name, value in figures(table).items():
            row[f"{part}, {name}"] = value
    for one in evaluate.measure_robustness(detector, splits["test"]).itertuples():
        row[f"{one.corruption} {one.strength:g}, %"] = 100 * one.accuracy
    return row, table


def main(cifake, folder, *seeds):
    splits = data.load_splits(cifake, "official")
    rows, tests = {}, []
    for seed in map(int, seeds):
        rows[f"seed {seed}"], test = measured(trained(splits, seed, folder / str(seed)), splits)
        tests.append(test)
    table = pd.DataFrame(rows).T
    mean, spread = table.mean(), table.std()  # the sample's standard deviation
    table.loc["mean"], table.loc["spread"] = mean, spread
    together = tests[0].assign(p_ai=expit(np.mean([test["logit"] for test in tests], axis=0)))
    print(table.round(5).T.to_string())
    print("The mean of their logits, test:", figures(together))


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve(), Path(sys.argv[2]).resolve(), *sys.argv[3:])
