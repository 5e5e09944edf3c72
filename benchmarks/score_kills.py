"""Whether `truthpixel score` loses anything where it is killed, at whatever moment.

    python benchmarks/score_kills.py [KILLS]     # 200 without a number

A job of 5,000 small pictures is scored once undisturbed. Then it is started again and again, and
killed (SIGKILL) at a random moment, until it comes to its end; its table has to be the undisturbed
one's to the byte; then all of it begins anew, until there were as many kills as were asked for. The
moments are drawn with a seed from the time that the undisturbed job took.

Every job is a copy (fork) of a process that has the libraries loaded, and the means of a picture's
colours answer in the network's place: otherwise most kills would hit the loading of both, which has
nothing to lose. What answers a picture depends on all of it, so that no two rows could be mixed up.
"""

import os
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image

from truthpixel_utils import demo, evaluate, model
from truthpixel_utils.evaluate.answers import Answers
from truthpixel_utils.scoring import job, scorer

PICTURES, ROWS, SEED = 5_000, 256, 0


def write_pictures(folder):
    """Write noise of 32 pixels a side, a third of it as loose files in each of three folders."""
    rng = np.random.default_rng(SEED)
    for i in range(PICTURES):
        path = folder / f"{i % 3}" / f"{i:05d}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(rng.integers(0, 256, (32, 32, 3), np.uint8)).save(path)


def put_means_in_the_networks_place():
    """Let every scorer answer by the means of colours, by the rule of the package's detector."""
    detector = model.build_detector(None, 32)
    rule = evaluate.load_rule(path=model.SHIPPED)
    weights = np.array([0.7, -0.4, 0.2])

    def ask(shown):
        means = np.array([images[0].mean(axis=(0, 1, 2)) for images in shown])
        return Answers((means @ weights - 60)[None].astype(np.float32), np.zeros(len(shown)))

    def prepare(self, *_):
        self.detectors = [("means of colours", detector, rule)]
        self.choose, self.ask = demo.chooser(self.detectors), [ask]

    scorer.Scorer.__init__, scorer.ROWS = prepare, ROWS


def start(pictures, out):
    """Start the job in a copy of this process; return its number."""
    child = os.fork()
    if child:
        return child
    try:
        job.run([pictures], out, "cifake", quiet=True)
        os._exit(0)
    except BaseException as error:
        print(f"The job failed: {error!r}", file=sys.stderr, flush=True)
        os._exit(1)


def wait(child, most):
    """Wait for a job's end, at most some seconds; return its exit status, or None if it runs on."""
    end = time.monotonic() + most
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    return None


def main(kills):
    rng = np.random.default_rng(SEED)
    put_means_in_the_networks_place()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        write_pictures(folder / "pictures")
        began = time.monotonic()
        assert wait(start(folder / "pictures", folder / "calm.parquet"), 3600) == 0
        taken = time.monotonic() - began
        calm = (folder / "calm.parquet").read_bytes()
        print(f"Undisturbed: {PICTURES:,} pictures in {taken:.1f} s.", flush=True)
        killed, tables, with_parts = 0, 0, 0
        out = folder / "killed.parquet"
        while killed < kills:
            child = start(folder / "pictures", out)
            status = wait(child, rng.uniform(0, taken))
            if status is None:
                os.kill(child, signal.SIGKILL)
                os.waitpid(child, 0)
                killed += 1
                with_parts += any(folder.glob("killed.parquet.parts/*.parquet"))
                continue
            assert status == 0, f"the job ended with {status}"
            assert out.read_bytes() == calm, "the table differs"
            tables += 1
            print(f"{killed} kills, {tables} whole and equal tables so far.", flush=True)
            out.unlink()
            shutil.rmtree(folder / "killed.parquet.parts")
        assert wait(start(folder / "pictures", out), 3600) == 0
        assert out.read_bytes() == calm, "the table differs"
        print(
            f"{killed} kills, {with_parts} of them with parts on disk; {tables + 1} tables came to "
            "their end, each equal to the undisturbed one's to the byte."
        )


if __name__ == "__main__":
    main(int(sys.argv[1]) if sys.argv[1:] else 200)
