"""The course's training and scoring beside the textbook's, on CIFAKE, in one run.

    TRUTHPIXEL_CIFAKE=FOLDER python benchmarks/speed.py [engines] [training] [growth]

engines:  images a second, forward: Keras's `predict`, OpenVINO's own loop on ready tensors, ours.
training: both phases by Keras's `fit` on the whole network and by `train.train_phase`, three seeds.
growth:   phase 1 by `train.train_phase` on 1,000 to 100,000 images.

All three (the default) take 40 minutes on two cores. Each measurement has a process of its own, so
that its peak of memory is its own. Prints Markdown tables; keeps the figures in ``speed.json`` and
draws ``speed.png``, both beside this file. A part that is not run keeps the figures it had.
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
from truthpixel_utils.files import atomic_write
from truthpixel_utils.model import inference
from truthpixel_utils.model.openvino_graph import to_openvino
from truthpixel_utils.train.recipes import GENTLE

HERE = Path(__file__).parent
SIZE = 224  # pixels a side, as in profile full
GROWTH_SIZE = 96  # pixels a side where only the slope counts
# Images to train on, to watch while training, to compare accuracies on.
TRAIN, WATCHED, COMPARED = 4_000, 500, 2_500
SEEDS = (0, 1, 2)
EPOCHS = {1: 10, 2: 1}  # by phase; each phase's time includes Keras's tracing
RATES = {1: 1e-3, 2: 1e-4}
COUNTS = (1_000, 3_000, 10_000, 30_000, 100_000)


def engines():
    """Seconds of each way forward, a thousand images or one: medians of five rounds in turns."""
    import numpy as np
    import openvino

    rows = data.load_splits("auto", limit=20_000)["validation"].select(range(1_000))
    images, _ = data.thumbnails(rows)
    detector = model.build_detector("lite0", SIZE)
    # This one takes ready tensors: its resize has nothing to do.
    large = model.build_detector("lite0", SIZE, thumbnail=SIZE)
    batch = inference.images_per_request(large)
    resized = detector.get_layer("resize")(images[: 16 * batch].astype("float32"))
    ready = np.split(np.asarray(resized), 16)
    translated = to_openvino(large)
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
    images, labels = data.thumbnails(splits["train"])
    watched = data.thumbnails(splits["validation"])
    found = {}
    for phase in EPOCHS:
        model.unfreeze_top(detector, 0 if phase == 1 else 20)
        network = keras.Sequential([train.augmentation(), detector])
        metrics = ["accuracy", keras.metrics.AUC(name="auc")]
        network.compile(keras.optimizers.Adam(RATES[phase]), "binary_crossentropy", metrics=metrics)
        slower = keras.callbacks.ReduceLROnPlateau(factor=0.5, patience=GENTLE.lr_patience)
        patience = GENTLE.early_stopping_patience
        stop = keras.callbacks.EarlyStopping(patience=patience, restore_best_weights=True)
        options = {"epochs": EPOCHS[phase], "batch_size": 32, "validation_data": watched}
        options |= {"callbacks": [slower, stop], "verbose": 0}
        found[f"phase {phase}, s"] = _timed(network.fit, images, labels, **options)
        found[f"phase {phase}, accuracy"] = _accuracy(detector, splits["compared"])
    return found


def ours(seed):
    """Both phases by `train.train_phase`.

    Phase 2 is trained a second time, with the trunk's features that the first time has kept.
    """
    splits = _splits(seed)
    detector = _new_detector(seed)
    found = {}
    with tempfile.TemporaryDirectory() as output:
        options = {"views": 2, "seed": seed, "output_dir": output}
        found["phase 1, s"] = _phase_seconds(detector, splits, 1, RATES[1], options)
        found["phase 1, accuracy"] = _accuracy(detector, splits["compared"])
        start = detector.get_weights()
        other_rate = RATES[2] / 2  # a training with the same rate again would be reused
        extracting = _phase_seconds(detector, splits, 2, other_rate, options)
        found["phase 2 with its extraction, s"] = extracting
        detector.set_weights(start)
        found["phase 2, s"] = _phase_seconds(detector, splits, 2, RATES[2], options)
        found["phase 2, accuracy"] = _accuracy(detector, splits["compared"])
    return found


def growth(count):
    """Seconds of phase 1, ten epochs, one view, on this many images."""
    import datasets

    splits = data.load_splits("auto")
    rows = datasets.concatenate_datasets([splits["train"], splits["validation"]]).shuffle(0)
    watched = splits["test"].select(range(WATCHED))
    splits = {"train": rows.select(range(count)), "validation": watched}
    detector = _new_detector(0, GROWTH_SIZE)
    with tempfile.TemporaryDirectory() as output:
        options = {"views": 1, "output_dir": output}
        return {"images": count, "s": _phase_seconds(detector, splits, 1, RATES[1], options)}


def _phase_seconds(detector, splits, phase, rate, options):
    model.unfreeze_top(detector, 0 if phase == 1 else 20)
    options = {"phase": phase, "epochs": EPOCHS[phase], "learning_rate": rate, **options}
    return _timed(train.train_phase, detector, splits, **options)


def _splits(seed):
    splits = data.load_splits("auto", limit=20_000)
    validation = splits["validation"].shuffle(0)
    return {
        "train": splits["train"].shuffle(seed).select(range(TRAIN)),
        "validation": validation.select(range(WATCHED)),
        "compared": validation.select(range(WATCHED, WATCHED + COMPARED)),
    }


def _new_detector(seed, size=SIZE):
    import keras

    keras.utils.set_random_seed(seed)
    return model.build_detector("lite0", size)


def _accuracy(detector, rows):
    table = evaluate.predict_rows(detector, rows)
    return float(((table["p_ai"] >= 0.5) == (table["label"] == 1)).mean())


def _timed(action, *arguments, **options):
    start = time.perf_counter()
    action(*arguments, **options)
    return time.perf_counter() - start


def _alone(measurement, *arguments):
    """Run a measurement in a process of its own; add that process's peak memory, in GB."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(_with_memory, measurement, arguments).result()


def _with_memory(measurement, arguments):
    # Training prints tables, which would stand between ours.
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):
        found = measurement(*arguments)
    kibibytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return found | {"memory, GB": kibibytes * 1024 / 1e9}


def _machine():
    described = Path("/proc/cpuinfo")
    lines = described.read_text().splitlines() if described.exists() else []
    names = [line.split(":")[1].strip() for line in lines if line.startswith("model name")]
    processor = names[0] if names else platform.processor()
    return f"{processor}, {os.cpu_count()} cores, Python {platform.python_version()}"


def _tables(measured):
    """The figures as Markdown, one table a part."""
    if "engines" in measured:
        yield _engines_table(measured["engines"])
    if "training" in measured:
        yield _training_table(measured["training"])
    if "growth" in measured:
        yield _growth_table(measured["growth"])


def _engines_table(found):
    rate = {}  # images a second
    for way, seconds in found.items():
        if way not in ("images", "memory, GB"):
            rate[way] = (1 if way.startswith("one") else found["images"]) / seconds
    rows = []
    for way, each in rate.items():
        row = {"forward, 224 pixels": way, "images/s": f"{each:.0f}"}
        row["ms an image"] = f"{1000 / each:.1f}"
        row["×"] = f"{each / rate['Keras `predict`']:.2f}"
        rows.append(row)
    share = rate["ours, from 32×32 uint8 rows"] / rate["OpenVINO's own loop, ready tensors"]
    return _markdown(rows) + f"\n\nOurs is {share:.2f} of OpenVINO's own loop."


def _training_table(found):
    rows = []
    for name, runs in found.items():
        row = {"recipe": name}
        for phase, epochs in EPOCHS.items():
            seconds = mean(run[f"phase {phase}, s"] for run in runs)
            accuracy = [100 * run[f"phase {phase}, accuracy"] for run in runs]
            extremes = f"{min(accuracy):.2f}–{max(accuracy):.2f}"
            row[f"phase {phase}, s an epoch"] = f"{seconds / epochs:.1f}"
            row[f"phase {phase}, images/s"] = f"{TRAIN * epochs / seconds:.0f}"
            row[f"phase {phase}, accuracy %"] = f"{mean(accuracy):.2f} ({extremes})"
        row["peak memory, GB"] = f"{max(run['memory, GB'] for run in runs):.2f}"
        rows.append(row)
    ratios = []
    for phase in EPOCHS:
        pairs = zip(found["textbook"], found["ours"], strict=True)  # of the same seed
        name = f"phase {phase}, s"
        ratio = median(textbook[name] / ours[name] for textbook, ours in pairs)
        ratios.append(f"phase {phase}: {ratio:.1f}×")
    return _markdown(rows) + f"\n\nFaster by, {', '.join(ratios)}."


def _growth_table(found):
    rows = []
    for run in found:
        row = {"images": f"{run['images']:,}", "s": f"{run['s']:.1f}"}
        row["ms an image"] = f"{1000 * run['s'] / run['images']:.2f}"
        row["peak memory, GB"] = f"{run['memory, GB']:.2f}"
        rows.append(row)
    return _markdown(rows)


def _markdown(rows):
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _figure(measured):
    figure, (left, middle, right) = plots.new_figure(1, 3, (12, 3.6))
    _draw_engines(left, measured["engines"])
    _draw_training(middle, measured["training"])
    _draw_growth(right, measured["growth"])
    plots.save_figure(figure, HERE / "speed.png")


def _draw_engines(axes, found):
    names = {
        "Keras `predict`": "Keras",
        "OpenVINO's own loop, ready tensors": "OpenVINO,\nraw loop",
        "ours, from 32×32 uint8 rows": "ours",
    }
    rates = [found["images"] / found[way] for way in names]
    colours = [plots.FAINT, plots.FAINT, plots.COLOURS["real"]]
    axes.bar_label(axes.bar(list(names.values()), rates, color=colours), fmt="%.0f")
    axes.set(title="Forward", ylabel="images a second, 224 pixels")


def _draw_training(axes, found):
    for i, (name, runs) in enumerate(found.items()):
        times = [mean(run[f"phase {phase}, s"] for run in runs) / EPOCHS[phase] for phase in EPOCHS]
        colour = plots.COLOURS["real"] if name == "ours" else plots.FAINT
        places = [phase + 0.4 * i - 0.2 for phase in range(2)]
        axes.bar_label(axes.bar(places, times, 0.4, color=colour, label=name), fmt="%.1f")
    axes.set_xticks([0, 1], ["phase 1", "phase 2"])
    axes.set(title="Training", ylabel="seconds an epoch, 4,000 images")
    axes.legend()


def _draw_growth(axes, found):
    counts, seconds = [run["images"] for run in found], [run["s"] for run in found]
    straight = [seconds[-1] / counts[-1] * count for count in counts]
    axes.loglog(counts, seconds, "o-", color=plots.COLOURS["real"])
    style = {"color": plots.INK, "lw": 1, "label": "a straight line through 0"}
    axes.loglog(counts, straight, "--", **style)
    axes.set(title="Growth", xlabel="images", ylabel=f"seconds, phase 1, {GROWTH_SIZE} pixels")
    axes.legend()


if __name__ == "__main__":
    known = ("engines", "training", "growth")
    parts = sys.argv[1:] or known
    if unknown := set(parts) - set(known):
        sys.exit(f"Unknown part {', '.join(sorted(unknown))}: expected {', '.join(known)}.")
    record = HERE / "speed.json"
    measured = json.loads(record.read_text()) if record.exists() else {}
    for part in parts:
        if part == "engines":
            measured[part] = _alone(engines)
        elif part == "training":
            measured[part] = {"textbook": [], "ours": []}
            for seed in SEEDS:  # in turns, so that a slow hour hits both
                measured[part]["textbook"].append(_alone(textbook, seed))
                measured[part]["ours"].append(_alone(ours, seed))
        elif part == "growth":
            measured[part] = [_alone(growth, count) for count in COUNTS]
        measured["machine"] = _machine()
        with atomic_write(record) as whole:
            whole.write_text(json.dumps(measured, indent=1) + "\n")
    print(measured["machine"], *_tables(measured), sep="\n\n")
    if set(known) <= set(measured):
        _figure(measured)
