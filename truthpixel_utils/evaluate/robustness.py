"""How much accuracy a detector loses when images are corrupted, a little and then more and more.

The scheme is that of Hendrycks and Dietterich (*Benchmarking neural network robustness to common
corruptions and perturbations*, 2019): several corruptions, each in several strengths.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from truthpixel_utils.data import corruptions
from truthpixel_utils.evaluate.bootstrap import bootstrap_intervals
from truthpixel_utils.evaluate.metrics import compute_metrics
from truthpixel_utils.evaluate.predictions import predict_changed

if TYPE_CHECKING:
    import datasets

    from truthpixel_utils.backend import keras


@dataclass(frozen=True)
class Corruption:
    """A change that leaves a picture what it was to a person, and the strengths it is tried in."""

    name: str
    unit: str  # of the strength
    strengths: tuple[float, ...]
    apply: Callable[[np.ndarray, float, np.random.Generator], np.ndarray]  # image, strength, rng


CORRUPTIONS = (
    Corruption(
        "JPEG",
        "quality",
        (95, 85, 75, 60, 50, 40, 30, 20),
        lambda image, quality, rng: corruptions.jpeg(image, quality),
    ),
    Corruption(
        "blur",
        "σ, pixels",
        (0.3, 0.5, 0.7, 1.0, 1.2, 1.5),
        lambda image, sigma, rng: corruptions.blur(image, sigma),
    ),
    Corruption(
        "noise",
        "σ, share of the range",
        (0.02, 0.05, 0.10, 0.15),
        lambda image, sigma, rng: corruptions.noise(image, sigma, rng),
    ),
    Corruption(
        "scaled down and back",
        "32nds of the side",
        (28, 24, 20, 16, 12),
        lambda image, side, rng: corruptions.rescale(image, len(image) * side // 32),
    ),
    Corruption(
        "cropped and padded",
        "32nds of the side, each border",
        (1, 2, 3, 4),
        lambda image, border, rng: corruptions.crop_and_pad(image, len(image) * border // 32),
    ),
    Corruption(
        "brightness",
        "share of the range",
        (-0.2, -0.1, 0.1, 0.2),
        lambda image, brightness, rng: corruptions.relight(image, 1, brightness),
    ),
    Corruption(
        "contrast",
        "factor",
        (0.5, 0.75, 1.25, 1.5),
        lambda image, contrast, rng: corruptions.relight(image, contrast, 0),
    ),
    Corruption(
        "reposted",
        "times",
        (1, 2, 3),
        lambda image, times, rng: corruptions.repost(image, times),
    ),
)
# Settings are pairs of a corruption's name and a strength. The usual ones are what others report
# on CIFAKE.
BATTERY = [(each.name, strength) for each in CORRUPTIONS for strength in each.strengths]
USUAL = [("JPEG", 40), ("blur", 1.0), ("noise", 0.10), ("scaled down and back", 24)]


def measure_robustness(
    detector: keras.Model,
    rows: datasets.Dataset,
    settings: Sequence[tuple[str, float]] = USUAL,
) -> pd.DataFrame:
    """Measure the detector on corrupted images, with the same noise each time it is asked.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.load_detector`.
    rows : datasets.Dataset
        Rows with the columns ``image, label``, of both classes.
    settings : sequence of (str, float)
        The name of one of `CORRUPTIONS`, and how strong; the whole `BATTERY`, for example.

    Returns
    -------
    pandas.DataFrame
        One row a setting: ``corruption`` (str), ``strength`` (float), ``unit`` (str), ``accuracy``
        and ``roc_auc`` with their 95 % intervals (``accuracy_low``, ``accuracy_high``,
        ``roc_auc_low``, ``roc_auc_high``), and ``false_positive_rate``, the share of real images
        that are called AI-generated (each a float, 0..1).
    """
    by_name = {corruption.name: corruption for corruption in CORRUPTIONS}
    changes = [
        partial(_apply, by_name[name], strength, np.random.default_rng(0))
        for name, strength in settings
    ]
    tables = predict_changed(detector, rows, changes)
    results = []
    for (name, strength), predictions in zip(settings, tables, strict=True):
        setting = {"corruption": name, "strength": strength, "unit": by_name[name].unit}
        results.append(setting | _figures(predictions))
    return pd.DataFrame(results)


def _apply(corruption, strength, rng, image):
    return corruption.apply(image, strength, rng)


def _figures(predictions):
    """Compute what `measure_robustness` says of one setting, as a dict."""
    figures = compute_metrics(predictions)
    intervals = bootstrap_intervals(predictions, resamples=500)
    row = {}
    for name in ("accuracy", "roc_auc"):
        row[name] = figures[name]
        row[f"{name}_low"] = intervals.loc[name, "low"]
        row[f"{name}_high"] = intervals.loc[name, "high"]
    (true_negatives, false_positives), _ = figures["confusion"]
    row["false_positive_rate"] = false_positives / (true_negatives + false_positives)
    return row
