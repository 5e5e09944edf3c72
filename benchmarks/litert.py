"""What 8-bit integers cost and save: the shipped detector in LiteRT, against itself in floats.

    python benchmarks/litert.py CIFAKE FOLDER [IMAGES]

CIFAKE is the folder with its parquet files. Both detectors are exported into FOLDER, unless they
lie there from an earlier run, and asked about IMAGES (2,000 by default) from all over the official
test, one at a time on one core. The ranges of the integers are chosen by 500 training images.
"""

import sys
import time
from pathlib import Path

import numpy as np
import pandas as pd

from truthpixel_utils import data, evaluate, export

ROUNDS = 5  # of each detector, by turns; the median counts
TIMED = 200  # images a round


def exported(name, folder, rows):
    if not (folder / name).exists():
        export.export_detector("litert", folder / name, representatives=rows)
    size = sum(path.stat().st_size for path in (folder / name).glob("*.tflite"))
    return size, export.load_exported(folder / name, threads=1)["thumbnail"]


def seconds(ask, images):
    start = time.perf_counter()
    ask(images)
    return time.perf_counter() - start


def main(cifake, folder, count):
    splits = data.load_splits(cifake, "official")
    rows = splits["test"]
    rows = rows.select(np.linspace(0, len(rows) - 1, count).astype(int))
    images, labels = data.thumbnails(rows)
    detectors = {
        "floats": exported("float", folder, None),
        "integers": exported("int8", folder, splits["train"]),
    }
    times = {name: [] for name in detectors}
    for _ in range(ROUNDS):
        for name, (_, ask) in detectors.items():
            times[name].append(seconds(ask, images[:TIMED]))
    table = {}
    for name, (size, ask) in detectors.items():
        p_ai = ask(images)["p_ai"]
        figures = evaluate.compute_metrics(
            pd.DataFrame({"label": labels.astype(int), "p_ai": p_ai})
        )
        table[name] = {
            "MB": size / 1e6,
            "accuracy, %": 100 * figures["accuracy"],
            "ROC-AUC": figures["roc_auc"],
            "time": np.median(times[name]) / np.median(times["floats"]),
        }
    print(f"{len(images):,} images")
    print(pd.DataFrame(table).T.round({"MB": 1, "accuracy, %": 2, "ROC-AUC": 4, "time": 2}))


if __name__ == "__main__":
    main(*(Path(name).resolve() for name in sys.argv[1:3]), int((sys.argv[3:] or [2000])[0]))
