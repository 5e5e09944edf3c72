"""What `truthpixel score` costs, beside what cannot be left out.

    python benchmarks/scoring.py [speed] [memory ROWS ...] [cifake FOLDER [EVERY]] [scaling]

speed:   pictures a second, from files to rows, beside decoding the same files and beside the
         network's own loop over what it is shown, for thumbnails and for JPEG files of a megapixel.
memory:  the peak memory of scoring 10,000, 100,000 and a million thumbnails in parquet shards (or
         as many as are named), with a constant in the network's place: what the network holds does
         not depend on how many pictures there are.
cifake:  CIFAKE's official test, from its parquet shard and from 20,000 files: whether all
         probabilities are the same, and the accuracy, which is the model card's. With a number,
         every so many of them alone.
scaling: what the JPEG decoder's own scaling, which is faster, would change in the answers to
         photographs of twelve megapixels.

Every measurement has a process of its own. Thumbnails are the sample's; pictures are made of the
photographs that come with scikit-image, scikit-learn and matplotlib.
"""

import io
import sys
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pyarrow.parquet as pq
from out_of_distribution import photographs
from pictures import (
    MEGAPIXEL,
    alone,
    decode,
    in_turns,
    markdown,
    part,
    peak_memory,
    seconds,
    table_of_times,
    write_pictures,
    write_shards,
)
from PIL import Image
from scipy.special import expit

import truthpixel_utils
from truthpixel_utils import data, evaluate, model
from truthpixel_utils.evaluate.answers import Answers
from truthpixel_utils.model import inference
from truthpixel_utils.model.openvino_graph import to_openvino
from truthpixel_utils.scoring.places import find_units
from truthpixel_utils.scoring.scorer import Scorer, tasks_of

THUMBNAILS, PICTURES, ROUNDS = 2_048, 240, 3
ROWS = (10_000, 100_000, 1_000_000)
TWELVE_MEGAPIXELS = (3000, 4000)
SCALED = 12  # photographs
VIEWED = {"cifake": "thumbnails", "pictures": "JPEG files of a megapixel"}


def speed(folder, name):
    """Time each way from files to rows; return what `table_of_times` takes."""
    if name == "cifake":
        rows = data.load_splits("sample")["train"].select(range(THUMBNAILS))
        for i, content in enumerate(one for batch in data.encoded_images(rows) for one in batch):
            Path(folder, f"{i:05d}.jpg").write_bytes(content)
    else:
        write_pictures(folder, PICTURES, MEGAPIXEL)
    files = sorted(Path(folder).rglob("*.jpg"))
    scorer = Scorer(name)
    [(_, detector, _)] = scorer.detectors
    ways = {
        "decoding alone": partial(decode, files),
        "the network alone, ready images": raw_loops(detector, files),
        "ours, from files to rows": lambda: rows_of(scorer, folder),
    }
    return in_turns(ways, ROUNDS), len(files), "the slower of the first two", list(ways)[:2]


def rows_of(scorer, folder):
    """Score a folder, without writing anything."""
    tasks = (task for unit in find_units([folder]) for task in tasks_of("key", unit))
    return sum(found.rows for found in scorer.parts(tasks))


def raw_loops(detector, files):
    """OpenVINO's own loop over as many ready images as the detector's members are shown."""
    import openvino

    picture = np.asarray(data.to_rgb(files[0].read_bytes()))
    loops = []
    for member in model.members(detector):
        view, size = model.view_of(member), inference.images_per_request(member)
        count = len(files) * len(data.look(picture, view))
        translated = to_openvino(member)
        translated.reshape([size, view.size, view.size, 3])
        compiled = openvino.compile_model(translated, "CPU", inference.HINTS)
        shape = (4, size, view.size, view.size, 3)
        ready = np.random.default_rng(0).integers(0, 256, shape).astype(np.float32)
        loops.append((openvino.AsyncInferQueue(compiled), -(-count // size), ready))

    def run():
        for queue, requests, ready in loops:
            for i in range(requests):
                queue.start_async({0: ready[i % 4]})
            queue.wait_all()

    return run


def memory(folder, count):
    """Score shards by a constant: seconds, and the peak of memory."""
    write_shards(folder, count)
    before = peak_memory()
    evaluate.prepare_answers = lambda detector, known: constant
    taken = seconds(truthpixel_utils.score, folder, Path(folder, "scores.out"))
    rows = pq.read_metadata(Path(folder, "scores.out")).num_rows
    return {
        "rows": f"{rows:,}",
        "s": f"{taken:.0f}",
        "before, GB": f"{before:.2f}",
        "peak, GB": f"{peak_memory():.2f}",
    }


def constant(shown):
    return Answers(np.zeros((1, len(shown)), np.float32), np.zeros(len(shown)))


def cifake(folder, source, every="1"):
    """Score CIFAKE's official test from its shard and from files; say what is equal."""
    [whole] = Path(source).glob("test*.parquet")
    table = pq.read_table(whole)
    shard = Path(folder, "test.parquet")
    pq.write_table(table.take(list(range(0, table.num_rows, int(every)))), shard)
    unpacked = Path(folder, "test")
    rows = iter(pq.ParquetFile(shard).iter_batches(256))
    names = pq.read_schema(shard).metadata[b"huggingface"].decode()
    names = ("FAKE", "REAL") if names.index('"FAKE"') < names.index('"REAL"') else ("REAL", "FAKE")
    for number, row in enumerate(row for batch in rows for row in batch.to_pylist()):
        file = unpacked / names[row["label"]] / f"{number:05d}.jpg"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(row["image"]["bytes"])
    found = {}
    for name, place in (("parquet", shard), ("files", unpacked)):
        found[name] = truthpixel_utils.score(place, model="cifake")
    by_file = found["files"].set_index(
        found["files"]["id"].str.extract(r"(\d+)\.jpg$")[0].to_numpy()
    )
    by_file = by_file.sort_index()
    shard = found["parquet"]
    right = (shard["p_ai"] >= 0.5) == (shard["label"] == 1)
    return {
        "pictures": f"{len(shard):,} and {len(by_file):,}",
        "not read": int(shard["error"].notna().sum() + by_file["error"].notna().sum()),
        "same class": bool((shard["label"].to_numpy() == by_file["label"].to_numpy()).all()),
        "largest difference of p_ai": np.abs(shard["p_ai"].to_numpy() - by_file["p_ai"]).max(),
        "accuracy, %": f"{100 * right.mean():.2f}",
    }


def scaling(folder):
    """Ask the detector of pictures after area averaging, and after the decoder's own scaling."""
    detector = model.load_detector("pictures")
    ask = evaluate.prepare_answers(
        detector, evaluate.load_rule(path=model.PACKAGED["pictures"])["out_of_distribution"]
    )
    rng, wholes = np.random.default_rng(0), photographs()
    logits = []
    for i in range(SCALED):
        buffer = io.BytesIO()
        small = part(wholes[i % len(wholes)], (400, 500), rng)
        large = cv2.resize(small, TWELVE_MEGAPIXELS[::-1], interpolation=cv2.INTER_CUBIC)
        grain = rng.normal(0, 6, large.shape)
        large = np.clip(large + grain, 0, 255).astype(np.uint8)
        Image.fromarray(large).save(buffer, "JPEG", quality=90)
        shown = []
        for drafted in (False, True):
            opened = Image.open(io.BytesIO(buffer.getvalue()))
            if drafted:
                opened.draft("RGB", (1280, 960))
            pixels = np.asarray(data.to_rgb(opened))
            shown.append([data.look(pixels, view) for view in model.views_of(detector)])
        logits.append(ask(shown).parts.sum(axis=0))
    usual, drafted = expit(np.array(logits)).T
    changes = np.abs(usual - drafted)
    return {
        "photographs": SCALED,
        "p_ai changes by, median": f"{np.median(changes):.4f}",
        "95th percentile": f"{np.quantile(changes, 0.95):.4f}",
        "at most": f"{changes.max():.4f}",
        "to the other side of 0.5": int(((usual >= 0.5) != (drafted >= 0.5)).sum()),
    }


if __name__ == "__main__":
    wanted, *arguments = sys.argv[1:] or ["speed"]
    if wanted == "speed":
        for name, words in VIEWED.items():
            print(table_of_times(words, *alone(speed, name)), end="\n\n", flush=True)
    elif wanted == "memory":
        runs = [alone(memory, int(count)) for count in arguments or ROWS]
        print(markdown(runs))
    elif wanted == "cifake":
        print(markdown([{name: str(value) for name, value in alone(cifake, *arguments).items()}]))
    elif wanted == "scaling":
        print(markdown([{name: str(value) for name, value in alone(scaling).items()}]))
    else:
        sys.exit(f"Unknown part {wanted}: expected speed, memory, cifake or scaling.")
