"""What the shipped detector says of images unlike those it was trained on.

    python benchmarks/out_of_distribution.py CIFAKE OTHERS

CIFAKE is the folder with its parquet files; OTHERS is a folder with images of other generators,
their names in a column `generator`. Needs scikit-image, as the tests do. Prints how many images of
each kind lie out of distribution, and what the thresholds alone would call them.
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
from truthpixel_utils.data import corruptions

COLOURED = ["astronaut", "coffee", "chelsea", "rocket", "hubble_deep_field", "retina"]
COLOURED += ["immunohistochemistry"]
GREY = ["camera", "coins", "page", "clock", "moon", "text", "grass", "gravel", "brick"]
EACH = 300


def photographs():
    """Those that come with scikit-image, scikit-learn and matplotlib: uint8 arrays (H, W, 3)."""
    pixels = [getattr(skimage.data, name)() for name in COLOURED + GREY]
    pixels += load_sample_images().images
    pixels.append(imread(matplotlib.cbook.get_sample_data("grace_hopper.jpg")))
    return [np.asarray(data.to_rgb(Image.fromarray(image))) for image in pixels]


def crops(images, smallest, largest, rng):
    """Twenty squares of each image, their sides drawn from a range as far as the image goes."""
    for image in images:
        height, width = image.shape[:2]
        for _ in range(20):
            side = int(rng.integers(smallest, min(largest, height, width), endpoint=True))
            top = rng.integers(0, height - side, endpoint=True)
            left = rng.integers(0, width - side, endpoint=True)
            yield image[top : top + side, left : left + side]


def drawing(rng):
    image = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
    for _ in range(rng.integers(1, 6)):
        corners = rng.integers(0, 32, (3, 2)).astype(np.int32)
        cv2.fillPoly(image, [corners], rng.integers(0, 256, 3).tolist())
    return image


def word(rng):
    image = np.full((32, 32, 3), rng.integers(0, 256, 3), np.uint8)
    letters = "".join(rng.choice(list("ABCDefgh123"), 4))
    colour = rng.integers(0, 256, 3).tolist()
    place = (1, int(rng.integers(12, 28)))
    return cv2.putText(image, letters, place, 0, 0.4, colour, 1, cv2.LINE_AA)


def thumbnails(test, others):
    """Kinds of thumbnail (name -> uint8 array (N, 32, 32, 3)), those like training first."""
    rng = np.random.default_rng(0)
    known = data.thumbnails(test.shuffle(seed=0).take(5_000))[0]
    some = known[:1_000]
    kinds = {
        "CIFAKE, official test": known,
        "the same as JPEG 40": [corruptions.jpeg(image, 40) for image in some],
        "the same, blur σ 1": [corruptions.blur(image, 1.0) for image in some],
        "the same, noise σ 0.1": [corruptions.noise(image, 0.1, rng) for image in some],
    }
    rows = data.load_all(others)
    images, generator = data.thumbnails(rows)[0], np.array(rows["generator"][:])
    kinds["CIFAR-10's photographs again"] = images[generator == "camera"]
    kinds["GANs trained on CIFAR-10"] = images[generator != "camera"]
    pictures = photographs()
    squares = crops(pictures, 33, 2_000, rng)
    kinds["other photographs, scaled down"] = [data.thumbnail(square) for square in squares]
    kinds["other photographs, 32 × 32 of their pixels"] = list(crops(pictures, 32, 32, rng))
    kinds["words"] = [word(rng) for _ in range(EACH)]
    kinds["drawings"] = [drawing(rng) for _ in range(EACH)]
    kinds["one colour"] = np.tile(rng.integers(0, 256, (EACH, 1, 1, 3), np.uint8), (1, 32, 32, 1))
    kinds["noise"] = rng.integers(0, 256, (EACH, 32, 32, 3), np.uint8)
    return {kind: np.stack(images) for kind, images in kinds.items()}


def main(cifake, others):
    detector = model.load_detector(model.SHIPPED)
    rule = json.loads(model.SHIPPED.with_suffix(".json").read_text())
    splits = data.load_splits(cifake, "official")
    early = rule["out_of_distribution"]
    late = evaluate.fit_ood(detector, splits, layer="top_activation")
    rows = {}
    for kind, images in thumbnails(splits["test"], others).items():
        p_ai = evaluate.predict_images(detector, images)[1]
        far = evaluate.ood_distances(detector, images, early) > early["limit"]
        far_by_late = evaluate.ood_distances(detector, images, late) > late["limit"]
        called_ai, called_real = p_ai >= rule["upper_threshold"], p_ai < rule["lower_threshold"]
        rows[kind] = {
            "images": len(images),
            "out of distribution, %": 100 * far.mean(),
            "by the last map, %": 100 * far_by_late.mean(),
            "called AI-generated, %": 100 * called_ai.mean(),
            "and in distribution, %": 100 * (called_ai & ~far).mean(),
            "called real, %": 100 * called_real.mean(),
            "called real and in distribution, %": 100 * (called_real & ~far).mean(),
        }
    print(pd.DataFrame(rows).T.round(1).to_string())


if __name__ == "__main__":
    main(*(Path(argument).resolve() for argument in sys.argv[1:3]))
