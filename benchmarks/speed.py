"""The course's training and scoring beside the textbook's, on CIFAKE, in one run.

    TRUTHPIXEL_CIFAKE=FOLDER python benchmarks/speed.py [engines] [training] [growth]

engines:  images a second, forward: Keras's `predict`, OpenVINO's own loop on ready tensors, and ours.
training: both phases by Keras's `fit` on the whole network, and by `train.train`; three seeds.
growth:   phase 1 by `train.train` on 1,000 to 100,000 images.

All three (the default) take 40 minutes on two cores. Each measurement has a process of its own, so that its peak of
memory is its own. Prints Markdown tables; keeps the figures in ``speed.json`` and draws ``speed.png``, both beside this
file. A part that is not run keeps the figures it had.
"""

import contextlib
import json
import os
import platform
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import mean, median

from truthpixel_utils import data, evaluate, model, plots, train
from truthpixel_utils.model import inference
from truthpixel_utils.plots import pictures
from truthpixel_utils.train import loop

HERE = Path(__file__).parent
SIZE = 224  # pixels a side, as in profile full; growth, where only the slope counts, has GROWTH_SIZE
GROWTH_SIZE = 96
TRAIN, WATCHED, JUDGED = 4_000, 500, 2_500  # images: to train on, to watch while training, to compare accuracies on
SEEDS = (0, 1, 2)
EPOCHS = {1: 10, 2: 1}  # by phase; each phase's time includes Keras's tracing
RATES = {1: 1e-3, 2: 1e-4}
COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000)


def engines():
    """Images a second of each way forward, and milliseconds for one image; medians of five interleaved rounds."""
    import numpy as np
    import openvino

    rows = data.load_splits("auto", limit=20_000)["validation"].select(range(1_000))
    images, _ = data.thumbnails(rows)
    detector = model.build_detector("lite0", SIZE)
    large = model.build_detector("lite0", SIZE, thumbnail=SIZE)  # takes ready tensors: its resize has nothing to do
    batch = inference.images_per_request(large)
    resized = detector.get_layer("resize")(images[: 16 * batch].astype("float32"))
    ready = np.split(np.asarray(resized), 16)
    translated = inference.to_openvino(large)
    translated.reshape([batch, SIZE, SIZE, 3])
    queue = openvino.AsyncInferQueue(openvino.compile_model(translated, "CPU", inference.HINTS))

    def raw():
        for i in range(len(images) // batch):
            queue.start_async({0: ready[i % 16]})
        queue.wait_all()

    ways = {
        "Keras `predict`": lambda: detector.predict(images, batch_size=32, verbose=0),
        "OpenVINO's own loop, ready tensors": raw,
        "ours, from 32×32 uint8 rows": lambda: evaluate.predict_images(detector, images),
        "ours, from PNG files to a table": lambda: evaluate.predict_rows(detector, rows),
        "one image, Keras `predict`": lambda: detector.predict(images[:1], verbose=0),
        "one image, ours": lambda: evaluate.predict_images(detector, images[:1]),
    }
    seconds = {name: [] for name in ways}
    for turn in range(6):
        for name, way in ways.items():
            took = _timed(way)
            if turn:  # the first prepares
                seconds[name].append(took)
    return {name: median(times) for name, times in seconds.items()} | {"images": len(images)}


def textbook(seed):
    """Both phases by `fit` on the whole network, with fresh augmentation in every epoch."""
    import keras

    splits = _splits(seed)
    detector = _new_detector(seed)
    (images, labels), watched = data.thumbnails(splits["train"]), data.thumbnails(splits["validation"])
    found = {}
    for phase in EPOCHS:
        model.unfreeze_top(detector, 0 if phase == 1 else 20)
        network = keras.Sequential([train.augmentation(), detector])
        metrics = ["accuracy", keras.metrics.AUC(name="auc")]
        network.compile(keras.optimizers.Adam(RATES[phase]), "binary_crossentropy", metrics=metrics)
        rules = [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=loop.LR_PATIENCE),
            keras.callbacks.EarlyStopping("val_loss", patience=loop.EARLY_STOPPING_PATIENCE, restore_best_weights=True),
        ]
        options = {"batch_size": 32, "validation_data": watched, "callbacks": rules, "verbose": 0}
        found[f"phase {phase}, s"] = _timed(lambda: network.fit(images, labels, epochs=EPOCHS[phase], **options))
        found[f"phase {phase}, accuracy"] = _accuracy(detector, splits["judged"])
    return found


def ours(seed):
    """Both phases by `train.train`; phase 2 a second time, with the trunk's features kept by the first."""

    splits = _splits(seed)
    detector = _new_detector(seed)
    found = {}
    with tempfile.TemporaryDirectory() as output:

        def phase(number, rate):
            model.unfreeze_top(detector, 0 if number == 1 else 20)
            options = {"epochs": EPOCHS[number], "learning_rate": rate, "seed": seed, "output_dir": output}
            return _timed(lambda: train.train_phase(detector, splits, phase=number, views=2, **options))

        found["phase 1, s"] = phase(1, RATES[1])
        found["phase 1, accuracy"] = _accuracy(detector, splits["judged"])
        start = detector.get_weights()
        found["phase 2 with its extraction, s"] = phase(2, RATES[2] / 2)  # the same again would be reused
        detector.set_weights(start)
        found["phase 2, s"] = phase(2, RATES[2])
        found["phase 2, accuracy"] = _accuracy(detector, splits["judged"])
    return found


def growth(count):
    """Seconds of phase 1, ten epochs, one view, on this many images."""
    import datasets

    splits = data.load_splits("auto")
    rows = datasets.concatenate_datasets([splits["train"], splits["validation"]]).shuffle(0)
    splits = {"train": rows.select(range(count)), "validation": splits["test"].select(range(WATCHED))}
    detector = _new_detector(0, GROWTH_SIZE)
    model.freeze_backbone(detector)
    options = {"phase": 1, "epochs": EPOCHS[1], "learning_rate": RATES[1], "views": 1}
    with tempfile.TemporaryDirectory() as output:
        return {"images": count, "s": _timed(lambda: train.train_phase(detector, splits, output_dir=output, **options))}


def _splits(seed):

    splits = data.load_splits("auto", limit=20_000)
    validation = splits["validation"].shuffle(0)
    return {
        "train": splits["train"].shuffle(seed).select(range(TRAIN)),
        "validation": validation.select(range(WATCHED)),
        "judged": validation.select(range(WATCHED, WATCHED + JUDGED)),
    }


def _new_detector(seed, size=SIZE):
    import keras

    keras.utils.set_random_seed(seed)
    return model.build_detector("lite0", size)


def _accuracy(detector, rows):

    table = evaluate.predict_rows(detector, rows)
    return float(((table["p_ai"] >= 0.5) == (table["label"] == 1)).mean())


def _timed(action):
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def _alone(measurement, *arguments):
    """What a measurement returns, made in a process of its own, and that process's peak memory in GB."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_with_memory, measurement, arguments).result()


def _with_memory(measurement, arguments):
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # the tables that training shows
        found = measurement(*arguments)
    return found | {"memory, GB": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9}


def _machine():
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    return f"{(names or [platform.processor()])[0]}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _tables(measured):
    """The figures as Markdown, one table a part."""
    if found := measured.get("engines"):
        rate = {
            way: (1 if way.startswith("one") else found["images"]) / s for way, s in found.items() if "GB" not in way
        }
        rate.pop("images")
        base = rate["Keras `predict`"]
        rows = [
            {
                "forward, 224 pixels": way,
                "images/s": f"{r:.0f}",
                "ms an image": f"{1000 / r:.1f}",
                "×": f"{r / base:.2f}",
            }
            for way, r in rate.items()
        ]
        share = rate["ours, from 32×32 uint8 rows"] / rate["OpenVINO's own loop, ready tensors"]
        yield _markdown(rows) + f"\n\nOurs is {share:.2f} of OpenVINO's own loop."
    if found := measured.get("training"):
        rows = []
        for name, runs in found.items():
            row = {"recipe": name}
            for phase, epochs in EPOCHS.items():
                seconds = [run[f"phase {phase}, s"] for run in runs]
                row[f"phase {phase}, s an epoch"] = f"{mean(seconds) / epochs:.1f}"
                row[f"phase {phase}, images/s"] = f"{TRAIN * epochs / mean(seconds):.0f}"
                accuracy = [100 * run[f"phase {phase}, accuracy"] for run in runs]
                row[f"phase {phase}, accuracy %"] = f"{mean(accuracy):.2f} ({min(accuracy):.2f}–{max(accuracy):.2f})"
            row["peak memory, GB"] = f"{max(run['memory, GB'] for run in runs):.2f}"
            rows.append(row)
        ratios = [
            f"phase {phase}: {median(a[f'phase {phase}, s'] / b[f'phase {phase}, s'] for a, b in zip(*found.values())):.1f}×"
            for phase in EPOCHS
        ]
        yield _markdown(rows) + f"\n\nFaster by, {', '.join(ratios)}."
    if found := measured.get("growth"):
        rows = [
            {"images": f"{run['images']:,}", "s": f"{run['s']:.1f}", "ms an image": f"{1000 * run['s'] / run['images']:.2f}",
             "peak memory, GB": f"{run['memory, GB']:.2f}"}
            for run in found
        ]  # fmt: skip
        yield _markdown(rows)


def _markdown(rows):
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(measured):

    figure, (left, middle, right) = pictures.plt.subplots(1, 3, figsize=(12, 3.6))
    found = measured["engines"]
    names = {"Keras `predict`": "Keras", "OpenVINO's own loop, ready tensors": "OpenVINO,\nraw loop"}
    names["ours, from 32×32 uint8 rows"] = "ours"
    rates = [found["images"] / found[way] for way in names]
    bars = left.bar(list(names.values()), rates, color=[plots.FAINT, plots.FAINT, plots.COLOURS["real"]])
    left.bar_label(bars, fmt="%.0f")
    left.set(title="Forward", ylabel="images a second, 224 pixels")
    for i, (name, runs) in enumerate(measured["training"].items()):
        times = [mean(run[f"phase {phase}, s"] for run in runs) / EPOCHS[phase] for phase in EPOCHS]
        colour = plots.COLOURS["real"] if name == "ours" else plots.FAINT
        bars = middle.bar([phase + 0.4 * i - 0.2 for phase in range(2)], times, 0.4, color=colour, label=name)
        middle.bar_label(bars, fmt="%.1f")
    middle.set_xticks([0, 1], ["phase 1", "phase 2"])
    middle.set(title="Training", ylabel="seconds an epoch, 4,000 images")
    middle.legend()
    counts, seconds = ([run[key] for run in measured["growth"]] for key in ("images", "s"))
    right.loglog(counts, seconds, "o-", color=plots.COLOURS["real"])
    slope = seconds[-1] / counts[-1]
    right.loglog(counts, [slope * n for n in counts], "--", color=plots.INK, lw=1, label="a straight line through 0")
    right.set(title="Growth", xlabel="images", ylabel=f"seconds, phase 1, {GROWTH_SIZE} pixels")
    right.legend()
    plots.save_figure(figure, HERE / "speed.png")


if __name__ == "__main__":
    known = ("engines", "training", "growth")
    parts = sys.argv[1:] or known
    if unknown := set(parts) - set(known):
        sys.exit(f"Unknown part {', '.join(sorted(unknown))}: expected {', '.join(known)}.")
    from truthpixel_utils.files import atomic_write

    record = HERE / "speed.json"
    measured = json.loads(record.read_text()) if record.exists() else {}
    for part in parts:
        if part == "engines":
            measured[part] = _alone(engines)
        elif part == "training":
            runs = [(_alone(textbook, seed), _alone(ours, seed)) for seed in SEEDS]
            measured[part] = dict(zip(("textbook", "ours"), map(list, zip(*runs))))
        elif part == "growth":
            measured[part] = [_alone(growth, count) for count in COUNTS]
        measured["machine"] = _machine()
        with atomic_write(record) as whole:
            whole.write_text(json.dumps(measured, indent=1) + "\n")
    print(measured["machine"], *_tables(measured), sep="\n\n")
    if set(known) <= set(measured):
        _figure(measured)
