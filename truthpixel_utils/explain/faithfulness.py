"""Is a heatmap true? What happens to the verdict when the pixels it points at are taken away.

Every measure follows the probability of the side that the verdict fell on, from 1 (sure) to 0 (turned round).
"""

import cv2
import numpy as np
import pandas as pd
from scipy import sparse
from scipy.sparse.linalg import spsolve
from scipy.stats import rankdata

from truthpixel_utils.evaluate.predictions import predict_images
from truthpixel_utils.explain.cam import compute_heatmaps
from truthpixel_utils.model.detector import stages, with_image_size

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
    side, ranks, size = _side(detector, images), _ranks(heatmaps), heatmaps[0].size
    rng = np.random.default_rng(seed)
    filled = [
        _filled(image, removed, rng)
        for share in SHARES
        for removals in (
            ranks >= round((1 - share) * size),
            ranks < round(share * size),
        )  # coldest first, hottest first
        for image, removed in zip(images, removals)
    ]
    cold, hot = _probability(detector, np.stack(filled), side).reshape(len(SHARES), 2, -1).mean(axis=0)
    return (cold - hot) / 2


MEASURES = {"deletion": (deletion, -1), "insertion": (insertion, 1), "ROAD": (road, 1)}  # and whether more is better


def compare(detector, images, maps, blind):
    """Let maps undergo every measure beside maps that know nothing.

    Parameters
    ----------
    detector, images : see `deletion`
    maps, blind : dicts, name -> float32 array (N, H, W); `blind` from `controls`

    Returns
    -------
    pandas.DataFrame, one row a map, measure and control: ``map``, ``measure``, ``control``, ``mean`` (the map's mark),
    ``better_by`` (mean difference to the control's mark on the same images, positive if the map is better), and the
    interval of 95 % for that (``low``, ``high``; ± 1.96 standard errors)
    """
    rows = []
    for measure, (function, sign) in MEASURES.items():
        known = {name: function(detector, images, heatmaps) for name, heatmaps in blind.items()}
        for name, heatmaps in maps.items():
            marks = function(detector, images, heatmaps)
            for control, others in known.items():
                better = sign * (marks - others)
                half = 1.96 * better.std(ddof=1) / len(better) ** 0.5
                mean = better.mean()
                rows.append([name, measure, control, marks.mean(), mean, mean - half, mean + half])
    return pd.DataFrame(rows, columns=["map", "measure", "control", "mean", "better_by", "low", "high"])


def randomised(detector, seed=0):
    """Forget what the detector learned, from the head downwards (cascading randomisation: Adebayo et al., 2018).

    A kernel is forgotten by shuffling its numbers: their size stays what it was, so that signals neither fade nor burst.

    Yields
    ------
    stage, detector : str and keras.Model, a copy in which the kernels of this stage and of all above it are shuffled; it
    is the same copy each time, changed further
    """
    rng = np.random.default_rng(seed)
    forgetting = with_image_size(detector, detector.get_layer("resize").height)
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
    before = compute_heatmaps(detector, images, **options)
    found = {}
    for name, (change, back) in changes.items():
        after = compute_heatmaps(detector, np.stack([change(image) for image in images]), **options)
        found[name] = rank_correlation(before, np.stack([back(heat) for heat in after]))
    return found


def _area(detector, start, end, images, heatmaps):
    """Area under the verdict's probability while `start` becomes `end`, hottest pixels first."""
    counts = np.round(np.linspace(0, 1, STEPS + 1) * heatmaps[0].size)
    changed = _ranks(heatmaps) < counts[:, None, None, None]
    mixed = np.where(changed[..., None], end, start).round().astype(np.uint8)
    curves = _probability(detector, mixed.reshape(-1, *images.shape[1:]), _side(detector, images))
    return np.trapezoid(curves.reshape(STEPS + 1, -1), dx=1 / STEPS, axis=0)


def _side(detector, images):
    return np.where(predict_images(detector, images)[0] >= 0, 1, -1)


def _probability(detector, images, side):
    """The probability of each image's side; several versions of the images may follow one another."""
    logits = predict_images(detector, images)[0].reshape(-1, len(side))
    return (1 / (1 + np.exp(-side * logits.astype(float)))).ravel()


def _ranks(heatmaps):
    """Each pixel's place in the order of heat, 0 = the hottest; among equals the order is the image's own."""
    order = np.argsort(-heatmaps.reshape(len(heatmaps), -1), axis=1, kind="stable")
    return np.argsort(order, axis=1).reshape(heatmaps.shape)


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
