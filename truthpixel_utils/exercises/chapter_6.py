"""The checks of notebook 6's exercises."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from truthpixel_utils.evaluate import predict_images
from truthpixel_utils.exercises.checking import Reply, not_yet, right
from truthpixel_utils.explain import METHODS


def _somebody_elses(answer: float, detector, images: np.ndarray, heatmaps: np.ndarray) -> Reply:
    """Exercise 6.1: what covering the hot quarter of another image's map takes."""
    wanted = _fall(detector, images, np.roll(heatmaps, -1, axis=0))
    if abs(answer - wanted) < 0.02:
        return right("compare it with the fall without the image's own hot quarter.")
    if abs(answer + wanted) < 0.02:
        return not_yet("the sign: a fall away from the verdict counts as positive.")
    if abs(answer - _fall(detector, images, heatmaps)) < 0.02:
        return not_yet("that is the fall with each image's own map.")
    return not_yet(
        "cover the hottest quarter of the next image's map, and average over the images."
    )


def _fall(detector, images, heatmaps) -> float:
    """How far the logit falls on average without the hottest quarter of a map."""
    logits, _ = predict_images(detector, images)
    rank = heatmaps.reshape(len(images), -1).argsort(axis=1).argsort(axis=1)
    hide = (rank >= 0.75 * rank.shape[1]).reshape(heatmaps.shape)
    mean = images.mean(axis=(1, 2), keepdims=True).astype("uint8")
    without, _ = predict_images(detector, np.where(hide[..., None], mean, images))
    return float((np.where(logits >= 0, 1, -1) * (logits - without)).mean())


def _hirescam(answer: Callable) -> Reply:
    """Exercise 6.2: HiRes-CAM of made-up activations."""
    activations, gradients = np.random.default_rng(0).normal(size=(2, 3, 4, 5, 6))
    returned = answer(activations.copy(), gradients.copy())  # it may work in place
    if unfit := _unfit(returned, activations.shape, activations.shape[:3]):
        return not_yet(unfit)
    found = np.asarray(returned)
    if (found < 0).any():
        return not_yet("some cells are below zero: what speaks against the verdict is cut off.")
    wanted = np.maximum(METHODS["hirescam"](activations, gradients), 0)
    if np.allclose(found, wanted):
        return right("each cell is weighed by its own gradient, so the cells add up to the logit.")
    if np.allclose(found * activations.shape[-1], wanted):
        return not_yet("that is the mean over the channels: their sum is wanted.")
    if np.allclose(found, np.maximum(METHODS["gradcam"](activations, gradients), 0)):
        return not_yet("that is Grad-CAM: the gradient must not be averaged over the grid.")
    if np.allclose(found, np.maximum(activations * gradients, 0).sum(axis=-1)):
        return not_yet("cut off after the sum over the channels, not before it.")
    return not_yet("multiply activations and gradients, sum over the channels, cut off at 0.")


def _unfit(returned: Any, given: tuple[int, ...], wanted: tuple[int, ...]) -> str:
    """Say what a function has made of an array, unless it is numbers in the shape wanted."""
    try:
        found = np.asarray(returned)
    except ValueError:  # rows of different lengths
        found = None
    if found is None or found.dtype.kind not in "fiu":
        return f"it returns a {type(returned).__name__}: an array of numbers is wanted."
    if found.shape != wanted:
        return f"of {given} it makes {found.shape}: {wanted} is wanted."
    return ""


def _to_scale(answer: Callable) -> Reply:
    """Exercise 6.3: a map to draw, that invents nothing."""
    warm = np.array([[0.5, 1.0], [2.0, 4.0]])
    with np.errstate(all="ignore"):
        returned = [answer(heat) for heat in (np.zeros((2, 2)), warm.copy(), warm / 10)]
    for heat in returned:
        if unfit := _unfit(heat, warm.shape, warm.shape):
            return not_yet(unfit)
    empty, some, faint = np.asarray(returned)
    if not np.isfinite(empty).all() or empty.any():
        return not_yet("the map of an image in which nothing speaks for the verdict has to stay 0.")
    if some.min() == 0:
        return not_yet("the coldest cell had heat, and now it is 0, which means no evidence.")
    if not np.allclose(some, [[0.125, 0.25], [0.5, 1.0]]):
        return not_yet("the hottest cell has to become 1, and twice the heat stay twice the heat.")
    if not np.allclose(faint, some):
        return not_yet("a map whose hottest cell is below 1 does not come up to 1.")
    return right("0 stays no evidence, and an empty map stays empty.")


EXERCISES = {
    "6.1": ("a number", _somebody_elses),
    "6.2": ("a function", _hirescam),
    "6.3": ("a function", _to_scale),
}
