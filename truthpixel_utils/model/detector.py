"""The detector: EfficientNetB0 with a small head, one flat Keras graph from raw pixels to p_ai.

Only Keras 3 is used, so that the same code builds and trains under TensorFlow, JAX and PyTorch.
"""

from __future__ import annotations

import hashlib
import math
from pathlib import Path

import numpy as np
import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.data.windows import VIEWS, View
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.model.backbone import on_backbone

layers, regularizers = keras.layers, keras.regularizers

POOLED = "pooled"  # the layer between backbone and head


def build_detector(
    weights: str | Path | None = "auto",
    image_size: int = 224,
    view: str = "thumbnail",
    seed: int | None = None,
) -> keras.Model:
    """Build the detector: pixels -> resize -> EfficientNetB0 (Tan and Le, 2019) -> head -> p_ai.

    Parameters
    ----------
    weights : str or Path or None
        Of the backbone. ``"auto"``: Keras's ImageNet weights (a download, or its cache), else the
        start weights in the package. ``"imagenet"`` or ``"lite0"``: only the one or the other.
        ``"efficientnet_lite0"``: EfficientNet-Lite0 itself in EfficientNetB0's place. None: random
        weights. Else the path of a file of weights.
    image_size : int
        Pixels a side at which the backbone sees the image, 32 or more.
    view : {"thumbnail", "whole", "windows"}
        How it looks at a picture, see `data.look`: at a thumbnail of 32 pixels, at the whole
        picture scaled down to `image_size`, or at windows of that size. The detector keeps it as
        the name of its input, where `view_of` finds it.
    seed : int, optional
        Set Keras's seed to this first, so that the head's random weights are the same again.

    Returns
    -------
    keras.Model
        From float32 or uint8 pixels (N, size, size, 3), RGB, 0..255, to float32 (N, 1), the
        probability that an image is AI-generated. The layer ``logit`` holds the value before
        the sigmoid. All layers lie flat in one graph, and all but batch normalisation are
        trainable.

    Raises
    ------
    TruthPixelError
        If `weights` names nothing that exists, there is no such view, or `image_size` is below 32.
    """
    if seed is not None:
        keras.utils.set_random_seed(seed)
    pixels, backbone = on_backbone(weights, image_size, view)
    x = layers.GlobalAveragePooling2D(name=POOLED)(backbone.output)
    x = layers.Dense(256, "relu", kernel_regularizer=regularizers.L2(0.01), name="dense_256")(x)
    x = layers.Dropout(0.5, name="dropout_256")(x)
    x = layers.Dense(128, "relu", kernel_regularizer=regularizers.L2(0.01), name="dense_128")(x)
    x = layers.Dropout(0.3, name="dropout_128")(x)
    logit = layers.Dense(1, name="logit", dtype="float32")(x)
    p_ai = layers.Activation("sigmoid", name="p_ai", dtype="float32")(logit)
    detector = keras.Model(pixels, p_ai, name="truthpixel")
    unfreeze_top(detector, "all")
    return detector


def view_of(detector: keras.Model) -> View:
    """Tell how a detector looks at a picture.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` or `load_detector` returns it.

    Returns
    -------
    View
        The kind of view and its size in pixels, for `data.look`.

    Raises
    ------
    TruthPixelError
        If the network's input is named after no view: it is not a detector of this course.
    """
    name = detector.inputs[0].name  # `layers` is a list that Keras makes anew each time, slowly
    if name not in VIEWS:
        raise TruthPixelError(
            f'the network begins with "{name}": expected a detector of this course, whose input is '
            f"named {', '.join(VIEWS)}, after how it looks at a picture (model.build_detector)."
        )
    return View(name, detector.input.shape[1])


def backbone_layers(detector: keras.Model) -> list[keras.layers.Layer]:
    """List the layers of EfficientNetB0 in the detector.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.

    Returns
    -------
    list of keras.layers.Layer
        From EfficientNet's rescaling to its last activation, in order.
    """
    names = [layer.name for layer in detector.layers]
    return detector.layers[names.index("resize") + 1 : names.index(POOLED)]


def freeze_backbone(detector: keras.Model) -> None:
    """Make only the head trainable, in place. Frozen batch normalisation runs in inference mode.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.
    """
    for layer in backbone_layers(detector):
        layer.trainable = False


def unfreeze_top(detector: keras.Model, count: int | str = 20, batch_norm: bool = False) -> None:
    """Make the head and the last layers of the backbone trainable, in place.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.
    count : int or "all"
        How many layers of the backbone to train, counted from its end.
    batch_norm : bool
        Whether batch normalisation among them is trained too. It then replaces ImageNet's
        statistics by those of the batches, which must be large for that. (And not in training
        alone: since Keras counts `Resizing` as a layer that knows training, plain
        ``detector(pixels)`` changes the statistics as well.)

    Raises
    ------
    TruthPixelError
        If the backbone does not have so many layers.
    """
    backbone = backbone_layers(detector)
    if count != "all" and not 0 <= count <= len(backbone):
        raise TruthPixelError(
            f'unfreeze_layers is {count}: expected 0 to {len(backbone)}, or "all".'
        )
    first = 0 if count == "all" else len(backbone) - count
    for i, layer in enumerate(backbone):
        may_train = batch_norm or not isinstance(layer, layers.BatchNormalization)
        layer.trainable = i >= first and may_train


def freeze_batch_norm(detector: keras.Model) -> None:
    """Let batch normalisation rest on the statistics it has, in place.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.
    """
    for layer in detector.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def with_image_size(network: keras.Model, image_size: int) -> keras.Model:
    """Build the network anew with another size inside and the same weights.

    Parameters
    ----------
    network : keras.Model
        A detector, or another network with a layer ``resize``.
    image_size : int
        Pixels a side, a multiple of 32, as the network's own size has to be: convolutions pad other
        sizes differently.

    Returns
    -------
    keras.Model
        Another network; the one that was given stays as it is.

    Raises
    ------
    TruthPixelError
        If the network does not resize (its trunk is frozen), or a size is no multiple of 32.
    """
    config = network.get_config()
    resize = None
    for layer in config["layers"]:
        if layer["name"] == "resize":
            resize = layer["config"]
    if resize is None:
        raise TruthPixelError(
            'other sizes need the whole network to be trained: unfreeze_layers="all".'
        )
    own_size = resize["height"]
    if image_size != own_size and (image_size % 32 or own_size % 32):
        raise TruthPixelError(f"sizes {own_size} and {image_size}: expected multiples of 32.")
    resize["height"] = resize["width"] = image_size
    other = keras.Model.from_config(config)
    other.set_weights(network.get_weights())
    for layer in other.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights
    return other


def fingerprint(network: keras.Model) -> str:
    """Hash a network's layers, the shapes of their outputs, and all weights.

    Parameters
    ----------
    network : keras.Model
        A detector, or any other network.

    Returns
    -------
    str
        A hexadecimal SHA-256 digest, which changes with any weight.
    """
    shapes = [(type(layer).__name__, layer.output.shape) for layer in network.layers]
    digest = hashlib.sha256(str(shapes).encode())
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()


def describe(detector: keras.Model) -> pd.DataFrame:
    """Count layers and parameters by stage.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.

    Returns
    -------
    pandas.DataFrame
        One row for each of the `stages`, with the columns ``layers``, ``output`` (the shape of one
        image's activation), ``parameters`` and ``trainable`` (parameters that training may change).
    """
    stage_of = {}
    for stage, names in stages(detector).items():
        stage_of.update(dict.fromkeys(names, stage))
    table = pd.DataFrame(
        {
            "stage": stage_of[layer.name],
            "layers": 1,
            "output": "×".join(str(n) for n in layer.output.shape[1:]),
            "parameters": layer.count_params(),
            "trainable": sum(math.prod(weight.shape) for weight in layer.trainable_weights),
        }
        for layer in detector.layers[1:]
    )
    return table.groupby("stage", sort=False).agg(
        {"layers": "sum", "output": "last", "parameters": "sum", "trainable": "sum"}
    )


def stages(detector: keras.Model) -> dict[str, list[str]]:
    """List the names of the detector's layers by stage.

    Parameters
    ----------
    detector : keras.Model
        As `build_detector` returns it.

    Returns
    -------
    dict of lists of str
        ``resize``, ``stem``, ``block1`` to ``block7``, ``top`` (what EfficientNet has after its
        blocks) and ``head``, in this order; every layer but the input is in one of them.
    """
    backbone = {layer.name for layer in backbone_layers(detector)}
    found = {}
    for layer in detector.layers[1:]:
        stage = _stage_of(layer.name, in_backbone=layer.name in backbone)
        found.setdefault(stage, []).append(layer.name)
    return found


def _stage_of(name: str, in_backbone: bool) -> str:
    """Tell by a layer's name which stage it belongs to."""
    if name.startswith("block"):
        return name[: len("block1")]
    if name.startswith(("stem", "rescaling", "normalization")):
        return "stem"
    if name == "resize":
        return "resize"
    return "top" if in_backbone else "head"
