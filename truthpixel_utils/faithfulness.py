"""Is a heatmap true? What happens to the verdict when the pixels it points at are taken away.

Every measure follows the probability of the side that the verdict fell on, from 1 (sure) to 0 (turned round).
"""

import cv2
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.stats import rankdata

from truthpixel_utils.gradcam import explain
from truthpixel_utils.model import at_size, stages
from truthpixel_utils.score import scores

STEPS = 8  # in which deletion and insertion change the image
SHARES = (0.2, 0.5, 0.8)  # of the pixels that ROAD removes
NOISE = 0.01 * 255  # standard deviation of what ROAD adds to a filled pixel, so that it cannot be recognised as filled


def controls(images, seed=0):
    """Maps that know nothing of the detector: what a method of explanation must beat.

    Returns
    -------
    dict of float32 arrays (N, H, W): ``random``; ``edges``, the length of the brightness's gradient (Sobel); ``centre``,
    a blob in the middle
    """
    count, height, width = images.shape[:3]
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY).astype(np.float32) for image in images]
    edges = [np.hypot(cv2.Sobel(image, -1, 1, 0), cv2.Sobel(image, -1, 0, 1)) for image in grey]
    down, right = np.mgrid[0:height, 0:width].astype(np.float32)
    distance = np.hypot(down - (height - 1) / 2, right - (width - 1) / 2)
    return {
        "random": np.random.default_rng(seed).random((count, height, width), np.float32),
        "edges": np.stack(edges),
        "centre": np.repeat(np.exp(-((distance / (width / 4)) ** 2))[None], count, axis=0),
    }


def deletion(detector, images, heatmaps):
    """Paint over the hottest pixels first, in the image's mean colour (Petsiuk et al., 2018); lower is better.

    Parameters
    ----------
    detector : keras.Model
    images : uint8 array (N, H, W, 3)
    heatmaps : float32 array (N, H, W)

    Returns
    -------
    float array (N,): the area under the curve of the verdict's probability against the share of pixels painted over
    """
    mean = images.mean(axis=(1, 2), keepdims=True)
    return _area(detector, images, np.broadcast_to(mean, images.shape), images, heatmaps)


def insertion(detector, images, heatmaps):
    """Bring the hottest pixels first into a blurred image (Petsiuk et al., 2018); higher is better. As `deletion`."""
    sigma = images.shape[2] / 8
    blurred = np.stack([cv2.GaussianBlur(image, (0, 0), sigma) for image in images])
    return _area(detector, blurred, images, images, heatmaps)


def road(detector, images, heatmaps, seed=0):
    """Remove pixels so that nothing tells that they were removed (ROAD: Rong et al., 2022); higher is better.

    Each removed pixel becomes the weighted mean of its neighbours, with a little noise. Removing the hottest first is
    compared with removing the coldest first.

    Returns
    -------
    float array (N,): half the difference of the verdict's probability, coldest less hottest first, mean of `SHARES`
    """
    side = _side(detector, images)
    rng, differences = np.random.default_rng(seed), []
    for share in SHARES:
        cold, hot = (
            np.stack([_filled(image, _hottest(heat, share), rng) for image, heat in zip(images, sign * heatmaps)])
            for sign in (-1, 1)
        )
        differences.append(_probability(detector, cold, side) - _probability(detector, hot, side))
    return np.mean(differences, axis=0) / 2


MEASURES = {"deletion": deletion, "insertion": insertion, "ROAD": road}


def compare(detector, images, maps):
    """Let methods and controls undergo every measure.

    Parameters
    ----------
    detector, images : see `deletion`
    maps : dict, name -> float32 array (N, H, W)

    Returns
    -------
    pandas.DataFrame, one row a map and measure: ``map``, ``measure``, ``mean`` over the images, and its interval of 95 %
    (``low``, ``high``; mean ± 1.96 standard errors)
    """
    rows = []
    for name, heatmaps in maps.items():
        for measure, function in MEASURES.items():
            marks = function(detector, images, heatmaps)
            half = 1.96 * marks.std(ddof=1) / len(marks) ** 0.5
            rows.append([name, measure, marks.mean(), marks.mean() - half, marks.mean() + half])
    return pd.DataFrame(rows, columns=["map", "measure", "mean", "low", "high"])


def randomised(detector, seed=0):
    """Forget what the detector learned, from the head downwards (cascading randomisation: Adebayo et al., 2018).

    A kernel is forgotten by shuffling its numbers: their size stays what it was, so that signals neither fade nor burst.

    Yields
    ------
    stage, detector : str and keras.Model, a copy in which the kernels of this stage and of all above it are shuffled
    """
    rng = np.random.default_rng(seed)
    forgetting = at_size(detector, detector.get_layer("resize").height)
    for stage, names in reversed(stages(detector).items()):
        kernels = [weight for name in names for weight in forgetting.get_layer(name).weights if len(weight.shape) > 1]
        for kernel in kernels:
            kernel.assign(rng.permutation(kernel.numpy().ravel()).reshape(kernel.shape))
        if kernels:
            yield stage, forgetting


def rank_correlation(one, other):
    """Spearman's correlation of two stacks of heatmaps, image by image.

    Parameters
    ----------
    one, other : float arrays (N, H, W)

    Returns
    -------
    float array (N,), -1..1; not a number where a map is the same everywhere
    """
    ranks = [rankdata(maps.reshape(len(maps), -1), axis=1) for maps in (one, other)]
    first, second = (rank - rank.mean(axis=1, keepdims=True) for rank in ranks)
    with np.errstate(invalid="ignore"):
        return (first * second).sum(axis=1) / np.sqrt((first**2).sum(axis=1) * (second**2).sum(axis=1))


def stability(detector, images, changes, **options):
    """Say how far heatmaps move when the image hardly does.

    Parameters
    ----------
    changes : dict, name -> (change, back): functions of an image, and of the changed image's heatmap, that move it back
    options : for `gradcam.explain`

    Returns
    -------
    dict, name -> float array (N,): `rank_correlation` with the maps of the unchanged images
    """
    before = explain(detector, images, **options)
    found = {}
    for name, (change, back) in changes.items():
        after = explain(detector, np.stack([change(image) for image in images]), **options)
        found[name] = rank_correlation(before, np.stack([back(heat) for heat in after]))
    return found


def _area(detector, start, end, images, heatmaps):
    """Area under the verdict's probability while `start` becomes `end`, hottest pixels first."""
    side = _side(detector, images)
    curve = []
    for share in np.linspace(0, 1, STEPS + 1):
        hot = np.stack([_hottest(heat, share) for heat in heatmaps])
        curve.append(_probability(detector, np.where(hot[..., None], end, start).round().astype(np.uint8), side))
    return np.trapezoid(curve, dx=1 / STEPS, axis=0)


def _side(detector, images):
    return np.where(scores(detector, images)[0] >= 0, 1, -1)


def _probability(detector, images, side):
    return 1 / (1 + np.exp(-side * scores(detector, images)[0].astype(float)))


def _hottest(heat, share):
    """Mask (H, W) of the hottest pixels; among equals the order is the image's own, top left first."""
    order = np.argsort(-heat, axis=None, kind="stable")
    mask = np.zeros(heat.size, bool)
    mask[order[: round(share * heat.size)]] = True
    return mask.reshape(heat.shape)


def _filled(image, removed, rng):
    """The image with the removed pixels interpolated from what is left; a system of linear equations says how.

    Direct neighbours weigh 1/6, diagonal ones 1/12 (Rong et al., 2022), at the border more, so that they sum to 1.
    """
    height, width = removed.shape
    rows, columns = np.nonzero(removed)
    number = np.full((height + 2, width + 2), -2)  # -2: outside, -1: known, else the equation's number
    number[1:-1, 1:-1] = -1
    number[rows + 1, columns + 1] = np.arange(len(rows))
    padded = np.pad(image.astype(float), ((1, 1), (1, 1), (0, 0)))
    total, known, entries = np.zeros(len(rows)), np.zeros((len(rows), image.shape[2])), []
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            if (down, right) == (0, 0):
                continue
            weight = 1 / 6 if 0 in (down, right) else 1 / 12
            there = number[rows + 1 + down, columns + 1 + right]
            total += weight * (there > -2)
            known += weight * (there == -1)[:, None] * padded[rows + 1 + down, columns + 1 + right]
            unknown = np.flatnonzero(there >= 0)
            entries.append((unknown, there[unknown], np.full(len(unknown), -weight)))
    i, j, values = map(np.concatenate, zip(*entries))
    system = sparse.csc_matrix((values, (i, j)), (len(rows), len(rows))) + sparse.diags(total, format="csc")
    filled = image.astype(float)
    filled[rows, columns] = np.reshape(spsolve(system, known), known.shape) + rng.normal(0, NOISE, known.shape)
    return filled.clip(0, 255).round().astype(np.uint8)
