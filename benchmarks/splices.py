"""Does the map of windows point at what was generated? The pointing game on spliced pictures.

    python benchmarks/splices.py PICTURES DETECTOR [PAIRS]

PICTURES: a folder as `data.load_splits` takes it, with whole pictures in its test part; DETECTOR:
one that looks at windows, by its file or its name in the package (*pictures*). A square of a
generated picture, a third of the photograph's shorter side, is pasted into a photograph, and both
go through one JPEG encoder. The map wins a pair if its highest point lies in the square (Zhang et
al., *Top-down neural attention by excitation backprop*, 2018). A map that knows nothing wins as
often as the square is large.
"""

import sys

import numpy as np
import pyarrow.parquet as pq

from truthpixel_utils import explain, model
from truthpixel_utils.data import to_rgb
from truthpixel_utils.data.corruptions import jpeg
from truthpixel_utils.data.windows import at_one_scale
from truthpixel_utils.files import project_path


def whole_pictures(folder):
    """The test pictures of a folder's shards by class: two lists of uint8 arrays (H, W, 3)."""
    found = {"REAL": [], "FAKE": []}
    for path in sorted(project_path(folder).glob("*.parquet")):
        table = pq.read_table(path, columns=["image", "label", "part", "view"]).to_pylist()
        for row in table:
            if row["part"] == "test" and row["view"] == "picture":
                pixels = np.asarray(to_rgb(row["image"]["bytes"]))
                if min(pixels.shape[:2]) >= 400:
                    found[row["label"]].append(pixels)
    return found["REAL"], found["FAKE"]


def splice(photograph, generated, rng):
    """Paste a square of a picture into another; return that, and the square's top, left, side."""
    photograph, generated = at_one_scale(photograph).copy(), at_one_scale(generated)
    side = min(photograph.shape[:2]) // 3
    there = [rng.integers(0, length - side) for length in generated.shape[:2]]
    top, left = (rng.integers(0, length - side) for length in photograph.shape[:2])
    square = generated[there[0] : there[0] + side, there[1] : there[1] + side]
    photograph[top : top + side, left : left + side] = square
    return jpeg(photograph, 90), (top, left, side)


def main(folder, detector, pairs=100):
    *_, detector = model.members(model.load_detector(detector))
    photographs, generated = whole_pictures(folder)
    rng = np.random.default_rng(0)
    wins, chance = [], []
    for _ in range(pairs):
        photograph = photographs[rng.integers(len(photographs))]
        other = generated[rng.integers(len(generated))]
        spliced, (top, left, side) = splice(photograph, other, rng)
        heatmap = explain.map_windows(detector, spliced).heatmap
        row, column = np.unravel_index(heatmap.argmax(), heatmap.shape)
        wins.append(top <= row < top + side and left <= column < left + side)
        chance.append(side**2 / heatmap.size)
    half = 1.96 * np.std(wins) / pairs**0.5
    print(f"{pairs} pairs: the map points into the square in {np.mean(wins):.0%} ± {half:.0%}")
    print(f"a point at random would in {np.mean(chance):.0%}")


if __name__ == "__main__":
    main(*sys.argv[1:3], *map(int, sys.argv[3:]))
