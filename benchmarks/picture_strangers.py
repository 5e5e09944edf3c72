"""What the detector of pictures says of pictures that are neither photographed nor generated.

    python benchmarks/picture_strangers.py [DETECTOR]

Twenty of each kind are made here: blank, noise, gradients, shapes, charts, pages of text, windows
on a screen, and photographs (of scikit-image and scikit-learn) that were enlarged from 48 pixels or
blurred. DETECTOR: a file, or a name in the package; by default *pictures*. The figures
are the share that lies outside its limit, and the share that gets each verdict, as in the demo.
"""

import sys

import cv2
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import skimage.data
from sklearn.datasets import load_sample_images

from truthpixel_utils import demo
from truthpixel_utils.demo.exports import png
from truthpixel_utils.labels import VERDICTS

COUNT, HEIGHT, WIDTH = 20, 600, 800
WORDS = ["nobody", "knows", "why", "the", "quick", "brown", "fox", "jumps", "over", "dogs"]
PHOTOGRAPHS = [getattr(skimage.data, name)() for name in ("astronaut", "coffee", "chelsea")]
PHOTOGRAPHS += load_sample_images().images


def blank(rng):
    return np.full((HEIGHT, WIDTH, 3), rng.integers(0, 256, 3), np.uint8)


def noise(rng):
    return rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def gradient(rng):
    ramp = np.linspace(rng.integers(0, 256, 3), rng.integers(0, 256, 3), WIDTH)
    return np.broadcast_to(ramp, (HEIGHT, WIDTH, 3)).astype(np.uint8)


def shapes(rng):
    drawn = blank(rng)
    for _ in range(12):
        centre = tuple(map(int, rng.integers(0, HEIGHT, 2)))
        colour = tuple(map(int, rng.integers(0, 256, 3)))
        cv2.circle(drawn, centre, int(rng.integers(20, 150)), colour, -1, cv2.LINE_AA)
    return drawn


def chart(rng):
    figure, axis = plt.subplots(figsize=(8, 6), dpi=100)
    axis.plot(rng.normal(size=(50, 3)).cumsum(axis=0))
    axis.bar(range(0, 50, 5), rng.random(10) * 5)
    axis.set_title("A chart")
    figure.canvas.draw()
    drawn = np.asarray(figure.canvas.buffer_rgba())[..., :3].copy()
    plt.close(figure)
    return drawn


def text(rng):
    page = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for line in range(20):
        words = " ".join(rng.choice(WORDS, 9))
        cv2.putText(page, words, (30, 40 + 28 * line), 0, 0.6, (20, 20, 20), 1, cv2.LINE_AA)
    return page


def screen(rng):
    drawn = np.full((HEIGHT, WIDTH, 3), 235, np.uint8)
    for _ in range(4):
        x, y = (int(value) for value in rng.integers(0, 400, 2))
        cv2.rectangle(drawn, (x, y), (x + 380, y + 190), (255, 255, 255), -1)
        cv2.rectangle(drawn, (x, y), (x + 380, y + 24), (60, 90, 160), -1)
        cv2.putText(drawn, "File  Edit  View", (x + 8, y + 17), 0, 0.5, (255, 255, 255), 1)
    return drawn


def enlarged(rng):
    photograph = PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))]
    return cv2.resize(cv2.resize(photograph, (64, 48), interpolation=cv2.INTER_AREA), (800, 600))


def blurred(rng):
    return cv2.GaussianBlur(PHOTOGRAPHS[rng.integers(len(PHOTOGRAPHS))], (0, 0), 6)


KINDS = (blank, noise, gradient, shapes, chart, text, screen, enlarged, blurred)


def main(detector="pictures"):
    analyze = demo.load_analyzer(detector)
    rows = {}
    for kind in KINDS:
        rng = np.random.default_rng(0)
        reports = [analyze(png(kind(rng)), "x.png") for _ in range(COUNT)]
        outside = [one.distance > one.rule["distance_limit"] for one in reports]
        verdicts = pd.Series([one.verdict for one in reports]).value_counts(normalize=True)
        rows[kind.__name__] = {"outside": np.mean(outside), **verdicts}
        print(kind.__name__, flush=True)
    columns = ["outside", *VERDICTS]
    print(pd.DataFrame(rows).T.reindex(columns=columns).fillna(0).round(2).to_string())


if __name__ == "__main__":
    main(*sys.argv[1:])
