"""What the demo's detector says of images unlike those it was trained on, and how many of them it takes for strangers.

    python benchmarks/strangers.py CIFAKE OTHERS

CIFAKE: folder with its parquet files; OTHERS: folder with images of other generators, in a column `generator` their
names. Needs scikit-image, as the tests do.
"""

import json
import sys
from pathlib import Path

import cv2
import matplotlib.cbook
import numpy as np
import pandas as pd
import skimage.data
from matplotlib.image import imread
from PIL import Image
from sklearn.datasets import load_sample_images

from truthpixel_utils import data, evaluate, model
from truthpixel_utils.data import corruptions, splits

COLOURED = ("astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina", "immunohistochemistry")
GREY = ("camera", "coins", "page", "clock", "moon", "text", "grass", "gravel", "brick")
EACH = 300


def photographs():
    """Those that come with scikit-image, scikit-learn and matplotlib: list of uint8 arrays (H, W, 3)."""
    pixels = [getattr(skimage.data, name)() for name in COLOURED + GREY] + list(load_sample_images().images)
    pixels.append(imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg")))
    return [np.asarray(splits.to_rgb(Image.fromarray(image))) for image in pixels]


def crops(images, smallest, largest, rng):
    """Twenty squares of each image, their sides drawn from a range as far as the image goes."""
    for image in images:
        height, width = image.shape[:2]
        for _ in range(20):
            side = int(rng.integers(smallest, min(largest, height, width), endpoint=True))
            top, left = rng.integers(0, height - side, endpoint=True), rng.integers(0, width - side, endpoint=True)
            yield image[top : top + side, left : left + side]


def drawing(rng):
    image = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(rng.integers(1, 6)):
        corners = rng.integers(0, 32, (3, 2)).astype(np.int32)
        cv2.fillPoly(image, [corners], rng.integers(0, 256, 3).tolist())
    return image


def word(rng):
    image = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
    letters, colour = "".join(rng.choice(list("ABCDefgh123"), 4)), rng.integers(0, 256, 3).tolist()
    return cv2.putText(image, letters, (1, int(rng.integers(12, 28))), 0, 0.4, colour, 1, cv2.LINE_AA)


def thumbnails(test, others):
    """Kinds of thumbnail (name -> uint8 array (N, 32, 32, 3)), those like training first."""
    rng = np.random.default_rng(0)
    known = data.thumbnails(test.shuffle(seed=0).take(5_000))[0]
    changed = known[:1_000]
    kinds = {
        "CIFAKE, official test": known,
        "the same as JPEG 40": np.stack([corruptions.jpeg(image, 40) for image in changed]),
        "the same, blur σ 1": np.stack([corruptions.blur(image, 1.0) for image in changed]),
        "the same, noise σ 0.1": np.stack([corruptions.noise(image, 0.1, rng) for image in changed]),
    }
    rows = data.load_all(others)
    images, generator = data.thumbnails(rows)[0], np.array(rows["generator"][:])
    kinds["CIFAR-10's photographs again"] = images[generator == "camera"]
    kinds["GANs trained on CIFAR-10"] = images[generator != "camera"]
    pictures = photographs()
    kinds["other photographs, scaled down"] = np.stack([data.thumbnail(i) for i in crops(pictures, 33, 2_000, rng)])
    kinds["other photographs, 32 × 32 of their pixels"] = np.stack(list(crops(pictures, 32, 32, rng)))
    kinds["words"] = np.stack([word(rng) for _ in range(EACH)])
    kinds["drawings"] = np.stack([drawing(rng) for _ in range(EACH)])
    kinds["one colour"] = np.tile(rng.integers(0, 256, (EACH, 1, 1, 3), np.uint8), (1, 32, 32, 1))
    kinds["noise"] = rng.integers(0, 256, (EACH, 32, 32, 3), np.uint8)
    return kinds


def main(cifake, others):
    detector, rule = model.load_detector(model.SHIPPED), json.loads(model.SHIPPED.with_suffix(".json").read_text())
    splits = data.load_splits(cifake, "official")
    late = evaluate.fit_ood(detector, splits, layer="top_activation")
    rows = {}
    for kind, images in thumbnails(splits["test"], others).items():
        p_ai = evaluate.predict_images(detector, images)[1]
        strange, strange_late = (
            evaluate.ood_distances(detector, images, domain) > domain["limit"] for domain in (rule["out_of_distribution"], late)
        )
        accused, cleared = p_ai >= rule["upper_threshold"], p_ai < rule["lower_threshold"]
        rows[kind] = {
            "images": len(images),
            "strangers, %": 100 * strange.mean(),
            "by the last map, %": 100 * strange_late.mean(),
            "accused, %": 100 * accused.mean(),
            "and no strangers, %": 100 * (accused & ~strange).mean(),
            "cleared, %": 100 * cleared.mean(),
            "and none, %": 100 * (cleared & ~strange).mean(),
        }
    print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:3]))
