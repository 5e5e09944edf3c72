"""How far figures move from one training to the next: the first stage of profile `best`, once for each seed.

    python benchmarks/seeds.py CIFAKE FOLDER SEED SEED ...

CIFAKE: folder with its parquet files. FOLDER gets a folder for each seed, as `outputs`; a stopped training goes on, and
a finished one is reused. The split is the same for all.
"""

import sys
from pathlib import Path

import keras
import numpy as np
import pandas as pd
from scipy.special import expit

from truthpixel_utils import course, data, evaluate, model, train

BEST = course.PROFILES["best"]
PIXELS, EPOCHS = BEST["epochs_phase2"][0]


def trained(splits, seed, output_dir):
    """Train a detector as notebooks 3 and 4 do, no further than the first stage."""
    options = {"batch_size": BEST["batch_size"], "views": BEST["views"], "seed": seed, "output_dir": output_dir}
    keras.utils.set_random_seed(seed)
    detector = model.build_detector("lite0", PIXELS)
    model.freeze_backbone(detector)
    train.train_phase(detector, splits, phase=1, epochs=BEST["epochs_phase1"], learning_rate=1e-3, **options)
    model.unfreeze_top(detector, "all", batch_norm=True)
    train.train_phase(
        detector, splits, phase=2, epochs=EPOCHS, learning_rate=BEST["lr_phase2"], recipe=BEST["recipe"], **options
    )
    return detector


def figures(table):
    found = evaluate.compute_metrics(table)
    return {"accuracy, %": 100 * found["accuracy"], "ROC-AUC": found["roc_auc"]}


def measured(detector, splits):
    """Figures of a detector, calibrated on validation first, and its table of the test images."""
    evaluate.calibrate(detector, evaluate.predict_rows(detector, splits["validation"]))
    tables = {part: evaluate.predict_rows(detector, splits[part]) for part in ("validation", "test")}
    row = {f"{part}, {name}": value for part, table in tables.items() for name, value in figures(table).items()}
    for change in evaluate.measure_robustness(detector, splits["test"]).itertuples():
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
