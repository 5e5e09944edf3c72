"""How a detector bears what images meet on their way: the same change, stronger and stronger."""

from functools import partial

import numpy as np
import pandas as pd

from truthpixel_utils.data import corruptions as degrade
from truthpixel_utils.data.splits import thumbnails
from truthpixel_utils.evaluate.metrics import evaluate, intervals
from truthpixel_utils.evaluate.predictions import scores

# Kind of change -> what its strength counts, and the function of an image, a strength and a random generator.
CHANGES = {
    "JPEG": ("quality", lambda image, quality, rng: degrade.jpeg(image, quality)),
    "blur": ("σ, pixels", lambda image, sigma, rng: degrade.blur(image, sigma)),
    "noise": ("σ, share of the range", lambda image, sigma, rng: degrade.noise(image, sigma, rng)),
    "scaled down and back": ("pixels a side", lambda image, side, rng: degrade.rescale(image, side)),
    "cropped and padded": ("pixels a border", lambda image, border, rng: degrade.crop_and_pad(image, border)),
    "brightness": ("share of the range", lambda image, more, rng: degrade.relight(image, 1, more)),
    "contrast": ("factor", lambda image, factor, rng: degrade.relight(image, factor, 0)),
    "reposted": ("times", lambda image, times, rng: degrade.repost(image, times)),
}
STRENGTHS = {
    "JPEG": (95, 85, 75, 60, 50, 40, 30, 20),
    "blur": (0.3, 0.5, 0.7, 1.0, 1.2, 1.5),
    "noise": (0.02, 0.05, 0.10, 0.15),
    "scaled down and back": (28, 24, 20, 16, 12),
    "cropped and padded": (1, 2, 3, 4),
    "brightness": (-0.2, -0.1, 0.1, 0.2),
    "contrast": (0.5, 0.75, 1.25, 1.5),
    "reposted": (1, 2, 3),
}
BATTERY = [(kind, strength) for kind, strengths in STRENGTHS.items() for strength in strengths]
USUAL = [("JPEG", 40), ("blur", 1.0), ("noise", 0.10), ("scaled down and back", 24)]  # as others report it on CIFAKE


def robustness(detector, rows, settings=USUAL):
    """Score images after changes that leave a picture what it was; noise is drawn with a fixed seed.

    Parameters
    ----------
    detector : keras.Model from `model.load_detector`
    rows : datasets.Dataset with columns ``image, label``
    settings : list of (kind, strength): a key of `CHANGES`, and how strong

    Returns
    -------
    pandas.DataFrame, one row a setting: ``change``, ``strength``, ``unit``, ``accuracy``, ``roc_auc``, their intervals
    (``accuracy_low``, ``accuracy_high``, ``roc_auc_low``, ``roc_auc_high``), and ``accused``, the share of real images
    called AI-generated (each 0..1)
    """
    images, labels = thumbnails(rows)
    found = []
    for kind, strength in settings:
        unit, change = CHANGES[kind]
        changed = map(partial(change, rng=np.random.default_rng(0)), images, [strength] * len(images))
        table = pd.DataFrame({"label": labels, "p_ai": scores(detector, np.stack(list(changed)))[1]})
        figures, likely = evaluate(table), intervals(table, resamples=500)
        row = {"change": kind, "strength": strength, "unit": unit}
        for name in ("accuracy", "roc_auc"):
            row |= {name: figures[name], f"{name}_low": likely["low"][name], f"{name}_high": likely["high"][name]}
        (real_kept, accused), _ = figures["confusion"]
        found.append(row | {"accused": accused / (real_kept + accused)})
    return pd.DataFrame(found)
