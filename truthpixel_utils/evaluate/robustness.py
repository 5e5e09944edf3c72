"""How a detector bears what images meet on their way: the same change, stronger and stronger."""

from functools import partial

import numpy as np
import pandas as pd

from truthpixel_utils.data import corruptions
from truthpixel_utils.data.splits import thumbnails
from truthpixel_utils.evaluate.bootstrap import bootstrap_intervals
from truthpixel_utils.evaluate.metrics import compute_metrics
from truthpixel_utils.evaluate.predictions import predict_images

# Kind of change -> what its strength counts, and the function of an image, a strength and a random generator.
CHANGES = {
    "JPEG": ("quality", lambda image, quality, rng: corruptions.jpeg(image, quality)),
    "blur": ("σ, pixels", lambda image, sigma, rng: corruptions.blur(image, sigma)),
    "noise": ("σ, share of the range", lambda image, sigma, rng: corruptions.noise(image, sigma, rng)),
    "scaled down and back": ("pixels a side", lambda image, side, rng: corruptions.rescale(image, side)),
    "cropped and padded": ("pixels a border", lambda image, border, rng: corruptions.crop_and_pad(image, border)),
    "brightness": ("share of the range", lambda image, more, rng: corruptions.relight(image, 1, more)),
    "contrast": ("factor", lambda image, factor, rng: corruptions.relight(image, factor, 0)),
    "reposted": ("times", lambda image, times, rng: corruptions.repost(image, times)),
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


def measure_robustness(detector, rows, settings=USUAL):
    """Score images after changes that leave a picture what it was; noise is drawn with a fixed seed.

    Parameters
    ----------
    detector : keras.Model from `model.load_detector`
    rows : datasets.Dataset with columns ``image, label``
    settings : list of (kind, strength): a key of `CHANGES`, and how strong

    Returns
    -------
    pandas.DataFrame, one row a setting: ``corruption``, ``strength``, ``unit``, ``accuracy``, ``roc_auc``, their intervals
    (``accuracy_low``, ``accuracy_high``, ``roc_auc_low``, ``roc_auc_high``), and ``false_positive_rate``, the share of real images
    called AI-generated (each 0..1)
    """
    images, labels = thumbnails(rows)
    found = []
    for kind, strength in settings:
        unit, change = CHANGES[kind]
        changed = map(partial(change, rng=np.random.default_rng(0)), images, [strength] * len(images))
        table = pd.DataFrame({"label": labels, "p_ai": predict_images(detector, np.stack(list(changed)))[1]})
        figures, likely = compute_metrics(table), bootstrap_intervals(table, resamples=500)
        row = {"corruption": kind, "strength": strength, "unit": unit}
        for name in ("accuracy", "roc_auc"):
            row |= {name: figures[name], f"{name}_low": likely["low"][name], f"{name}_high": likely["high"][name]}
        (real_kept, accused), _ = figures["confusion"]
        found.append(row | {"false_positive_rate": accused / (real_kept + accused)})
    return pd.DataFrame(found)
