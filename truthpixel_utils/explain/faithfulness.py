"""Is a heatmap true? What happens to the verdict when the pixels it points at are taken away.

Every measure follows the probability of the side that the verdict fell on, from 1 (sure) to 0 (the
verdict is the other one).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike
from scipy.special import expit
from scipy.stats import rankdata

from truthpixel_utils.evaluate import predict_images
from truthpixel_utils.explain.cam import compute_heatmaps
from truthpixel_utils.explain.imputation import noisy_linear_imputation
from truthpixel_utils.explain.significance import holm, mean_over_groups
from truthpixel_utils.model import stages, with_image_size

if TYPE_CHECKING:
    from truthpixel_utils.backend import keras

STEPS = 8  # in which deletion and insertion change the image
SHARES = (0.2, 0.5, 0.8)  # of the pixels that ROAD removes


def controls(images: np.ndarray, seed: int = 0) -> dict[str, np.ndarray]:
    """Make maps that know nothing of the detector: what a method of explanation must beat.

    Parameters
    ----------
    images : uint8 array (N, H, W, 3)
        RGB, 0..255.
    seed : int
        Seed of the random maps.

    Returns
    -------
    dict of float32 arrays (N, H, W)
        ``random``; ``edges``, the length of the brightness's gradient (Sobel); ``centre``, a blob
        in the middle.
    """
    count, height, width = images.shape[:3]
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in images]
    edges = [np.hypot(cv2.Sobel(image, -1, 1, 0), cv2.Sobel(image, -1, 0, 1)) for image in grey]
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(down - (height - 1) / 2, right - (width - 1) / 2)
    blob = np.exp(-((distance / (width / 4)) ** 2))
    return {
        "random": np.random.default_rng(seed).random((count, height, width), np.float32),
        "edges": np.stack(edges),
        "centre": np.repeat(blob[None], count, axis=0),
    }


def deletion(detector: keras.Model, images: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Paint over the hottest pixels first, in the image's mean colour; lower is better.

    Petsiuk et al., *RISE: Randomized input sampling for explanation of black-box models*, 2018.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    heatmaps : float32 array (N, H, W)
        Their heatmaps.

    Returns
    -------
    float array (N,)
        The area, 0..1, under the curve of the verdict's probability against the share of pixels
        painted over.
    """
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _area(detector, images, np.broadcast_to(mean, images.shape), images, heatmaps)


def insertion(detector: keras.Model, images: np.ndarray, heatmaps: np.ndarray) -> np.ndarray:
    """Bring the hottest pixels first into a blurred image; higher is better.

    Petsiuk et al., *RISE: Randomized input sampling for explanation of black-box models*, 2018.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    heatmaps : float32 array (N, H, W)
        Their heatmaps.

    Returns
    -------
    float array (N,)
        The area, 0..1, under the curve of the verdict's probability against the share of pixels
        brought in.
    """
    sigma = images.shape[2] / 8
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])
    return _area(detector, blurred, images, images, heatmaps)


def road(
    detector: keras.Model, images: np.ndarray, heatmaps: np.ndarray, seed: int = 0
) -> np.ndarray:
    """Remove the coldest pixels, then the hottest, and compare; higher is better.

    The removed pixels are filled from their neighbours, so that the detector does not answer to
    the holes (ROAD, *remove and debias*: Rong et al., *A consistent and efficient evaluation
    strategy for attribution methods*, 2022).

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    heatmaps : float32 array (N, H, W)
        Their heatmaps.
    seed : int
        Seed of the noise in the filled pixels.

    Returns
    -------
    float array (N,)
        Half the difference of the verdict's probability, -0.5..0.5: without the coldest pixels,
        less that without the hottest, mean of `SHARES`.
    """
    side, ranks, size = _side(detector, images), _ranks(heatmaps), heatmaps[0].size
    rng = np.random.default_rng(seed)
    filled = []
    for share in SHARES:
        coldest = ranks >= round((1 - share) * size)
        hottest = ranks < round(share * size)
        for removed in (coldest, hottest):
            for image, pixels in zip(images, removed, strict=True):
                filled.append(noisy_linear_imputation(image, pixels, rng))
    probability = _probability(detector, np.stack(filled), side).reshape(len(SHARES), 2, -1)
    without_coldest, without_hottest = probability.mean(axis=0)
    return (without_coldest - without_hottest) / 2


# Each measure, and 1 if more of it is better, else -1.
MEASURES = {"deletion": (deletion, -1), "insertion": (insertion, 1), "ROAD": (road, 1)}


def compare(
    detector: keras.Model,
    images: np.ndarray,
    maps: dict[str, np.ndarray],
    blind: dict[str, np.ndarray],
    groups: ArrayLike | None = None,
) -> pd.DataFrame:
    """Let heatmaps compete by every measure with maps that know nothing of the detector.

    Two things would make such a table promise too much. Images of one photograph resemble each
    other, so what is compared is the mean of each group. And of many comparisons at a level of 5 %
    one in twenty comes out by chance, so the p-values are Holm's (see `significance.holm`).

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    maps : dict of float32 arrays (N, H, W)
        The heatmaps of each method.
    blind : dict of float32 arrays (N, H, W)
        Maps from `controls`.
    groups : str array (N,), optional
        What each image belongs to, such as its photograph (see `data.source_of`). Without it each
        image counts by itself.

    Returns
    -------
    pandas.DataFrame
        One row a method, measure and control: ``map``, ``measure``, ``control`` (str), ``mean``
        (the method's mean value of the measure), ``better_by`` (mean difference to the control on
        the same images, positive if the method is better), its 95 % interval by itself, ``low`` and
        ``high``, and the two-sided ``p_value`` among all rows of the table. Of a single group
        interval and p-value are NaN.
    """
    groups = np.arange(len(images)) if groups is None else np.asarray(groups)
    rows = []
    for measure, (function, sign) in MEASURES.items():
        of_controls = {name: function(detector, images, heat) for name, heat in blind.items()}
        for name, heatmaps in maps.items():
            of_method = function(detector, images, heatmaps)
            for control, of_control in of_controls.items():
                better = sign * (of_method - of_control)
                found = mean_over_groups(better, groups)
                rows.append([name, measure, control, of_method.mean(), *found])
    columns = ["map", "measure", "control", "mean", "better_by", "low", "high", "p_value"]
    table = pd.DataFrame(rows, columns=columns)
    return table.assign(p_value=holm(table["p_value"]))


def randomised(detector: keras.Model, seed: int = 0) -> Iterator[tuple[str, keras.Model]]:
    """Let the detector forget what it learned, from the head downwards.

    This is the cascading randomisation of Adebayo et al. (*Sanity checks for saliency maps*,
    2018). A kernel is forgotten by shuffling its numbers: their size stays what it was, so that
    signals neither fade nor burst.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`; it stays as it is.
    seed : int
        Seed of the shuffling.

    Yields
    ------
    stage : str
        The stage that was shuffled last, see `model.stages`.
    forgetting : keras.Model
        A copy in which the kernels of this stage and of all above it are shuffled. It is the same
        copy each time, changed further.
    """
    rng = np.random.default_rng(seed)
    forgetting = with_image_size(detector, detector.get_layer("resize").height)
    for stage, names in reversed(stages(detector).items()):
        weights = [weight for name in names for weight in forgetting.get_layer(name).weights]
        kernels = [weight for weight in weights if len(weight.shape) > 1]
        for kernel in kernels:
            kernel.assign(rng.permutation(kernel.numpy().ravel()).reshape(kernel.shape))
        if kernels:
            yield stage, forgetting


def rank_correlation(one: np.ndarray, other: np.ndarray) -> np.ndarray:
    """Compute Spearman's rank correlation of two stacks of heatmaps, image by image.

    Parameters
    ----------
    one, other : float arrays (N, H, W)
        Heatmaps of the same images.

    Returns
    -------
    float array (N,)
        -1..1; NaN where a map is the same everywhere.
    """
    first, second = _centred_ranks(one), _centred_ranks(other)
    with np.errstate(invalid="ignore"):
        scale = np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))
        return (first * second).sum(axis=1) / scale


def stability(
    detector: keras.Model,
    images: np.ndarray,
    changes: dict[str, tuple[Callable, Callable]],
    **options: Any,
) -> dict[str, np.ndarray]:
    """Say how far heatmaps move when the image hardly does.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.build_detector` or `model.load_detector`.
    images : uint8 array (N, H, W, 3)
        Images of the detector's input size, RGB, 0..255.
    changes : dict of pairs of functions
        The first changes an image (H, W, 3); the second moves the changed image's heatmap (H, W)
        back to where it would be without the change.
    **options
        Options of `compute_heatmaps`.

    Returns
    -------
    dict of float arrays (N,)
        For each change the `rank_correlation` with the heatmaps of the unchanged images.
    """
    before = compute_heatmaps(detector, images, **options)
    correlations = {}
    for name, (change, move_back) in changes.items():
        changed = np.stack([change(image) for image in images])
        after = compute_heatmaps(detector, changed, **options)
        correlations[name] = rank_correlation(before, np.stack([move_back(heat) for heat in after]))
    return correlations


def _area(detector, start, end, images, heatmaps):
    """Area under the verdict's probability while `start` becomes `end`, hottest pixels first."""
    counts = np.round(np.linspace(0, 1, STEPS + 1) * heatmaps[0].size)
    changed = _ranks(heatmaps) < counts[:, None, None, None]
    mixed = np.where(changed[..., None], end, start).round().astype(np.uint8)
    side = _side(detector, images)
    curves = _probability(detector, mixed.reshape(-1, *images.shape[1:]), side)
    return np.trapezoid(curves.reshape(STEPS + 1, -1), dx=1 / STEPS, axis=0)


def _side(detector, images):
    """The side each verdict falls on, (N,): 1 is AI-generated, -1 real."""
    logits, _ = predict_images(detector, images)
    return np.where(logits >= 0, 1, -1)


def _probability(detector, images, side):
    """The probability of each image's side; several versions of the images follow one another."""
    logits, _ = predict_images(detector, images)
    logits = logits.reshape(-1, len(side)).astype(float)
    return expit(side * logits).ravel()


def _ranks(heatmaps):
    """Each pixel's place in the order of heat, 0 the hottest; among equals, the image's order."""
    order = np.argsort(-heatmaps.reshape(len(heatmaps), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1).reshape(heatmaps.shape)


def _centred_ranks(heatmaps):
    """Each pixel's rank, less the mean of the map's ranks: float (N, H · W)."""
    ranks = rankdata(heatmaps.reshape(len(heatmaps), -1), axis=1)
    return ranks - ranks.mean(axis=1, keepdims=True)
