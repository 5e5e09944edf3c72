"""Plant mistakes, one at a time, and see whether the notebooks' compared outputs notice.

    python benchmarks/planted_changes.py     # some minutes

Each mistake goes into a copy of the project, in which the notebook that should notice it then runs
under nbval, as in `make test`. Notebooks that nothing was done to run first: they have to pass.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

ROOT = Path(__file__).resolve().parents[1]


def replace(file, *pairs):
    """A mistake in a file's text: each first string becomes the second."""

    def plant(copy):
        text = (copy / file).read_text(encoding="utf-8")
        for before, after in pairs:
            assert before in text, f"{before} does not stand in {file} any more"
            text = text.replace(before, after, 1)
        (copy / file).write_text(text, encoding="utf-8")

    return plant


def leak(copy):
    """Sixty training images stand among the test images too."""
    train, test = (
        pq.read_table(copy / f"data/sample/{part}.parquet") for part in ("train", "test")
    )
    leaked = pa.concat_tables([test.slice(60), train.slice(0, 60)])
    pq.write_table(leaked, copy / "data/sample/test.parquet")


def swap_parts(copy):
    """What is for validation is trained on, and the other way round."""
    first, second = (copy / f"data/sample/{part}.parquet" for part in ("train", "validation"))
    kept = first.read_bytes()
    first.write_bytes(second.read_bytes())
    second.write_bytes(kept)


def shift_threshold(copy):
    """The package's detector calls images AI-generated a tenth earlier than it was chosen to."""
    path = copy / "truthpixel_utils/pretrained/truthpixel_cifake.json"
    rule = json.loads(path.read_text())
    rule["upper_threshold"] -= 0.1
    path.write_text(json.dumps(rule))


PLANTED = {
    "the labels of two class names are exchanged": (
        "01_data",
        replace(
            "truthpixel_utils/labels.py", ('"real": 0', '"real": 1'), ('"fake": 1', '"fake": 0')
        ),
    ),
    "the short names of the two classes are exchanged": (
        "01_data",
        replace("truthpixel_utils/labels.py", ('("real", "ai")', '("ai", "real")')),
    ),
    "60 training images stand in the test part too": ("01_data", leak),
    "the parts for training and validation are exchanged": ("01_data", swap_parts),
    "a thumbnail has 64 pixels a side, not 32": (
        "02_model",
        replace("truthpixel_utils/data/images.py", ("THUMBNAIL = 32", "THUMBNAIL = 64")),
    ),
    "the package's upper threshold is shifted by .1": ("07_demo", shift_threshold),
}


def copied(target):
    """Copy what git knows of the project."""
    names = subprocess.run(
        ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    for name in filter(None, names.split("\0")):
        (target / name).parent.mkdir(parents=True, exist_ok=True)
        (target / name).write_bytes((ROOT / name).read_bytes())
    return target


def failures(copy, notebook):
    """Run a notebook of the copy under nbval; return the cells that failed."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", f"{notebook}.ipynb"],
        cwd=copy / "notebooks",
        env={**os.environ, "PYTHONPATH": str(copy)},
        capture_output=True,
        text=True,
    )
    assert done.returncode in (0, 1), done.stdout + done.stderr
    return re.findall(r"^FAILED \S+::Cell (\d+)", done.stdout, re.MULTILINE)


def main():
    for notebook in sorted({notebook for notebook, _ in PLANTED.values()}):
        with tempfile.TemporaryDirectory() as folder:
            failed = failures(copied(Path(folder)), notebook)
        print(f"nothing planted, {notebook}: {'FAILS' if failed else 'passes'}", flush=True)
    for words, (notebook, plant) in PLANTED.items():
        with tempfile.TemporaryDirectory() as folder:
            copy = copied(Path(folder))
            plant(copy)
            failed = failures(copy, notebook)
        noticed = (
            f"noticed by {len(failed)} cells, first by cell {failed[0]}" if failed else "MISSED"
        )
        print(f"{words}, {notebook}: {noticed}", flush=True)


if __name__ == "__main__":
    main()
