"""Several detectors as one: each looks at a picture in its own way, and their logits are weighed.

What is in a picture and how it is drawn shows in the whole view, how its pixels came to be in
windows at its own resolution. A detector of both is a late fusion (Snoek et al., *Early versus late
fusion in semantic video analysis*, 2005): one logistic regression on the members' logits.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.data.windows import VIEWS, View
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model.detector import view_of

layers = keras.layers


def fuse(detectors: Sequence[keras.Model]) -> keras.Model:
    """Put detectors that look at pictures in different ways into one.

    Parameters
    ----------
    detectors : sequence of keras.Model
        Two or more of different views, in any order. Their layers are shared, not copied.

    Returns
    -------
    keras.Model
        With an input a view, in the order of `data.windows.VIEWS`, and one output (N, 1), the
        probability that a picture is AI-generated. In it every member is a flat graph, named after
        its view, from pixels to its own logit. The layer ``logit`` weighs the members' logits, at
        first all alike (`evaluate.fit_fusion` finds better weights).

    Raises
    ------
    TruthPixelError
        If two of them look at pictures in the same way.
    """
    by_view = {view_of(detector).kind: detector for detector in detectors}
    if len(by_view) < len(detectors):
        raise TruthPixelError(
            f"{len(detectors)} detectors look at pictures in {len(by_view)} way "
            f"({', '.join(by_view)}): to be fused, they need different views."
        )
    pixels, logits = [], []
    for kind in sorted(by_view, key=VIEWS.index):
        detector = by_view[kind]
        member = keras.Model(detector.input, detector.get_layer("logit").output, name=kind)
        seen = keras.Input(detector.input.shape[1:], name=f"{kind}_pixels")
        pixels.append(seen)
        logits.append(member(seen))
    alike = keras.initializers.Constant(1 / len(detectors))
    logit = layers.Dense(1, name="logit", dtype="float32", kernel_initializer=alike)(
        layers.Concatenate(name="logits", dtype="float32")(logits)
    )
    p_ai = layers.Activation("sigmoid", name="p_ai", dtype="float32")(logit)
    return keras.Model(pixels, p_ai, name="truthpixel")


@lru_cache(maxsize=8)  # `prepare` knows a network again by its being the same object
def members(detector: keras.Model) -> tuple[keras.Model, ...]:
    """Take a fused detector apart.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector`, `fuse` or `load_detector` returns it.

    Returns
    -------
    tuple of keras.Model
        One detector a view, each as `build_detector` builds it; of a detector that is not fused,
        itself alone.
    """
    fused = [layer for layer in detector.layers if isinstance(layer, keras.Model)]
    if not fused:
        return (detector,)
    return tuple(_with_probability(network) for network in fused)


def views_of(detector: keras.Model) -> tuple[View, ...]:
    """Tell how a detector looks at a picture, in each of its ways.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector`, `fuse` or `load_detector` returns it.

    Returns
    -------
    tuple of View
        One for each of its `members`, in their order.
    """
    return tuple(view_of(member) for member in members(detector))


def weigh(detector: keras.Model, logits: Sequence[np.ndarray]) -> np.ndarray:
    """Say what each member adds to a detector's logit.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector`, `fuse` or `load_detector` returns it.
    logits : sequence of float arrays (N,)
        What each of its `members` says of N pictures.

    Returns
    -------
    float32 array (members, N)
        Their sum over the members is the detector's logit. Of an only member, its own logits.
    """
    stacked = np.asarray(logits, np.float32)
    if len(stacked) == 1:
        return stacked
    weights, bias = detector.get_layer("logit").get_weights()
    return stacked * weights + bias / len(stacked)


def _with_probability(network: keras.Model) -> keras.Model:
    """Give a member its probability back, which a fusion has no use for."""
    p_ai = layers.Activation("sigmoid", name="p_ai", dtype="float32")(network.output)
    return keras.Model(network.input, p_ai, name="truthpixel")
