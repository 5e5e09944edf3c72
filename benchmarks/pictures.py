"""What pictures of any size cost to read, score and train on, beside what cannot be left out.

    python benchmarks/pictures.py [scoring] [training] [memory] [growth]

scoring:  pictures a second, from JPEG files of a megapixel to a table of predictions, beside
          decoding the same files and beside the network's own loop over as many ready windows.
training: windows a second, drawn anew for training, beside the network's step and beside
          thumbnails at the same size inside the network.
memory:   peak memory of reading and scoring 1,000 and 10,000 small pictures.
growth:   `data.load_splits` of 100,000 and of a million thumbnails in parquet shards.

All four (the default) take an hour on two cores, most of it the million. Every picture is made of
the photographs that come with scikit-image (which the tests need), scikit-learn and matplotlib.
Each measurement has a process of its own, so that its peak of memory is its own, and a fresh cache,
so that a first time is one. Beside the time that passes stands the processor's, which says the same
on a machine that has other work to do.
"""

import contextlib
import io
import os
import resource
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import datasets
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from out_of_distribution import photographs
from PIL import Image

from truthpixel_utils import data, evaluate, model, train
from truthpixel_utils.model import inference
from truthpixel_utils.model.openvino_graph import to_openvino
from truthpixel_utils.train.batches import Batches, Examples
from truthpixel_utils.train.pictures import Files
from truthpixel_utils.train.recipes import STRONG

SIZE = 128  # pixels a side of a window, as in profile pictures
MEGAPIXEL, SMALL = (1024, 1024), (300, 400)  # height and width
SCORED = 256  # pictures
BATCH, STEPS = 32, 25  # of training; Keras starts as many steps at once
SCORING_ROUNDS, TRAINING_ROUNDS = 5, 3  # after one that warms up
SMALL_SIZE = 64  # pixels a side of a window where only memory counts
COUNTS = (1_000, 10_000)  # pictures
ROWS = (100_000, 1_000_000)  # thumbnails
SOURCES = 200  # of the thumbnails, in each class
SHARD = 50_000  # rows


def scoring(folder):
    """Time each way from pictures to answers; return what `table_of_times` takes."""
    write_pictures(folder, SCORED, MEGAPIXEL)
    files = sorted(Path(folder).rglob("*.jpg"))
    detector = model.build_detector("lite0", SIZE, view="windows", seed=0)
    rows = data.load_all(folder)
    windows = sum(len(images) for images, _ in data.seen(rows, model.view_of(detector)))

    def for_the_first_time():
        with fresh_cache():
            evaluate.predict_rows(detector, data.load_all(folder))

    ways = {
        "decoding alone": partial(decode, files),
        "the network alone, ready windows": raw_loop(detector, windows),
        "ours, for the first time": for_the_first_time,
        "ours, from the table of cut pictures": lambda: evaluate.predict_rows(detector, rows),
    }
    times = in_turns(ways, SCORING_ROUNDS)
    return times, len(files), "the slower of the first two", list(ways)[:2]


def decode(files):
    """Decode files as the package does, in a pool of threads of the same size."""
    with ThreadPoolExecutor() as pool:
        for _ in pool.map(lambda file: np.asarray(data.to_rgb(file.read_bytes())), files):
            pass


def raw_loop(detector, windows):
    """OpenVINO's own loop over as many ready windows."""
    import openvino

    batch = inference.images_per_request(detector)
    translated = to_openvino(detector)
    translated.reshape([batch, SIZE, SIZE, 3])
    queue = openvino.AsyncInferQueue(openvino.compile_model(translated, "CPU", inference.HINTS))
    ready = np.random.default_rng(0).integers(0, 256, (16, batch, SIZE, SIZE, 3)).astype(np.float32)

    def run():
        for i in range(-(-windows // batch)):
            queue.start_async({0: ready[i % 16]})
        queue.wait_all()

    return run


def training(folder):
    """Time each way from pictures to trained weights, and from thumbnails; return the same."""
    write_pictures(folder, SCORED, MEGAPIXEL)
    rows = data.load_all(folder)
    rows = rows.select(np.arange(STEPS * BATCH) % len(rows))
    labels = np.asarray(rows["label"], np.float32)
    thumbnails, _ = data.thumbnails(rows)
    ways = {}
    for view in ("windows", "thumbnail"):
        detector = model.build_detector("lite0", SIZE, view=view, seed=0)
        model.unfreeze_top(detector, "all", batch_norm=True)
        STRONG.compile(detector, 1e-3, STEPS)
        seen = model.view_of(detector)
        if view == "windows":
            change = partial(train.draw_window, size=SIZE)
            examples = Examples(Files(rows, seen), labels, change)
        else:
            examples = Examples(thumbnails[None], labels, train.corrupt_at_random)
        pixels = np.zeros((1, len(rows), seen.size, seen.size, 3), np.uint8)
        ways[f"{view}: training alone, ready pixels"] = partial(
            fit, detector, Examples(pixels, labels)
        )
        ways[f"{view}: drawing alone"] = partial(draw, examples)
        ways[f"{view}: both"] = partial(fit, detector, examples)
    return in_turns(ways, TRAINING_ROUNDS), len(rows), "the first", list(ways)[:1]


def draw(examples):
    """Go through the batches of an epoch."""
    batches = Batches(examples, BATCH, seed=0)
    for i in range(len(batches)):
        batches[i]


def fit(network, examples):
    """Train for an epoch."""
    network.fit(Batches(examples, BATCH, seed=0), shuffle=False, verbose=0)


def memory(folder, count):
    """Read and score small pictures: seconds, peak memory, and what of it are mapped files."""
    write_pictures(folder, count, SMALL)
    found = {"pictures": count, "before, GB": peak_memory()}
    found["reading, s"] = seconds(data.load_all, folder)
    found["reading, GB"] = peak_memory()
    rows = data.load_all(folder)
    detector = model.build_detector(None, SMALL_SIZE, view="windows", seed=0)
    found["scoring, s"] = seconds(evaluate.predict_rows, detector, rows)
    return found | {"scoring, GB": peak_memory(), "of it mapped files, GB": mapped_files()}


def growth(folder, count):
    """Divide thumbnails for the first time and once more: seconds, and the peak of memory."""
    write_shards(folder, count)
    found = {"thumbnails": count, "before, GB": peak_memory()}
    found["for the first time, s"] = seconds(data.load_splits, folder)
    found["again, s"] = seconds(data.load_splits, folder)
    return found | {"both, GB": peak_memory(), "of it mapped files, GB": mapped_files()}


def write_pictures(folder, count, shape):
    """Write class folders of JPEG files, ten sources a class, no two pictures the same."""
    rng, wholes = np.random.default_rng(0), photographs()
    for i in range(count):
        name, source = ("REAL", "FAKE")[i % 2], i // 2 % 10
        path = Path(folder) / name / f"source-{source}" / f"{i:05d}.jpg"
        path.parent.mkdir(parents=True, exist_ok=True)
        pixels = part(wholes[i % len(wholes)], shape, rng)
        Image.fromarray(pixels).save(path, quality=int(rng.integers(80, 96)))


def part(photograph, shape, rng):
    """Cut a part out at random, of what its mirror image continues where it is too small."""
    missing = [max(0, wanted - side) for wanted, side in zip(shape, photograph.shape, strict=False)]
    pixels = np.pad(photograph, [*((0, pixels) for pixels in missing), (0, 0)], "symmetric")
    top, left = (
        rng.integers(0, side - wanted, endpoint=True)
        for wanted, side in zip(shape, pixels.shape, strict=False)
    )
    return pixels[top : top + shape[0], left : left + shape[1]]


def write_shards(folder, count):
    """Write parquet shards of thumbnails; a comment with a number makes each file its own."""
    files = []
    for photograph in photographs():
        buffer = io.BytesIO()
        Image.fromarray(data.thumbnail(photograph)).save(buffer, "JPEG")
        files.append(buffer.getvalue())
    for start in range(0, count, SHARD):
        numbers = range(start, min(start + SHARD, count))
        table = {
            "image": [{"bytes": numbered(files[i % len(files)], i), "path": None} for i in numbers],
            "label": [("REAL", "FAKE")[i % 2] for i in numbers],
            "source": [f"source-{i % (2 * SOURCES)}" for i in numbers],
        }
        pq.write_table(pa.table(table), Path(folder) / f"{start:07d}.parquet")


def numbered(file, number):
    """Put a number into a JPEG file, in a comment behind its first two bytes."""
    words = f"{number:07d}".encode()
    return file[:2] + b"\xff\xfe" + (len(words) + 2).to_bytes(2, "big") + words + file[2:]


def in_turns(ways, rounds):
    """Time each way in turns, so that a slow minute hits all: medians after a round of warming up.

    Returns a dict of pairs: the seconds that pass, and those that the processor computes.
    """
    taken = {name: [] for name in ways}
    for _ in range(rounds + 1):
        for name, way in ways.items():
            start = time.process_time()
            taken[name].append((seconds(way), time.process_time() - start))
    return {name: np.median(pairs[1:], axis=0).tolist() for name, pairs in taken.items()}


def seconds(action, *arguments):
    start = time.perf_counter()
    action(*arguments)
    return time.perf_counter() - start


def peak_memory():
    """The most that this process has held in memory, in GB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e9


def mapped_files():
    """Pages of files that this process has in memory, in GB; they go when memory is needed."""
    [line] = [
        line for line in Path("/proc/self/status").read_text().splitlines() if "RssFile" in line
    ]
    return int(line.split()[1]) * 1024 / 1e9


@contextlib.contextmanager
def fresh_cache():
    """Let tables be kept in an empty folder, for the time being."""
    usual = datasets.config.HF_DATASETS_CACHE
    with tempfile.TemporaryDirectory() as folder:
        datasets.config.HF_DATASETS_CACHE = Path(folder)
        try:
            yield
        finally:
            datasets.config.HF_DATASETS_CACHE = usual


def alone(measurement, *arguments):
    """Run a measurement in a process of its own."""
    with ProcessPoolExecutor(1, get_context("spawn")) as pool:
        return pool.submit(silently, measurement, arguments).result()


def silently(measurement, arguments):
    """Run a measurement in a folder that is removed again, and print nothing meanwhile."""
    with (
        open(os.devnull, "w") as nowhere,
        contextlib.redirect_stdout(nowhere),
        tempfile.TemporaryDirectory() as folder,
        fresh_cache(),
    ):
        return measurement(folder, *arguments)


def table_of_times(thing, times, count, floor_in_words, floor):
    """Things a second of each way, beside the slowest of the ways that cannot be left out."""
    passed_at_least, computed_at_least = np.max([times[way] for way in floor], axis=0)
    rows = []
    for way, (passed, computed) in times.items():
        row = {thing: way, "a second": f"{count / passed:.0f}"}
        row[f"× {floor_in_words}"] = f"{passed_at_least / passed:.2f}"
        row["processor, ms each"] = f"{1000 * computed / count:.1f}"
        row["× by processor"] = f"{computed_at_least / computed:.2f}"
        rows.append(row)
    return markdown(rows)


def table_of_sizes(runs):
    return markdown([{name: f"{value:,.4g}" for name, value in run.items()} for run in runs])


def markdown(rows):
    lines = [list(rows[0]), ["---"] * len(rows[0]), *(row.values() for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


PARTS = {
    "scoring": lambda: table_of_times("pictures of a megapixel", *alone(scoring)),
    "training": lambda: table_of_times("windows or thumbnails", *alone(training)),
    "memory": lambda: table_of_sizes([alone(memory, count) for count in COUNTS]),
    "growth": lambda: table_of_sizes([alone(growth, count) for count in ROWS]),
}

if __name__ == "__main__":
    parts = sys.argv[1:] or list(PARTS)
    if unknown := set(parts) - set(PARTS):
        sys.exit(f"Unknown part {', '.join(sorted(unknown))}: expected {', '.join(PARTS)}.")
    for name in parts:
        print(PARTS[name](), end="\n\n", flush=True)
