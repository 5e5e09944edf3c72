"""EfficientNetB0, the detector's backbone, and where its weights come from."""

from __future__ import annotations

import contextlib
import io
import socket
from collections.abc import Iterator
from pathlib import Path

from truthpixel_utils.backend import keras
from truthpixel_utils.data.images import THUMBNAIL
from truthpixel_utils.data.windows import VIEWS
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED, project_path
from truthpixel_utils.model.lite0 import efficientnet_lite0

DOWNLOAD_TIMEOUT = 4  # seconds to find out that Keras's server does not answer
START_WEIGHTS = PRETRAINED / "efficientnetb0_from_lite0.weights.h5"
LITE0 = "efficientnet_lite0"  # the one value of `weights` that names another network as well
LITE0_WEIGHTS = PRETRAINED / f"{LITE0}.weights.h5"

FROM_KERAS = "ImageNet weights from Keras"
FROM_PACKAGE = (
    "the package's start weights "
    "(ImageNet's, by way of EfficientNet-Lite0; a little weaker than Keras's own)"
)
FROM_LITE0 = "ImageNet weights of EfficientNet-Lite0, whose network stands in for EfficientNetB0"
RANDOM = "random (a backbone that has learned nothing has nothing to transfer)"


def on_backbone(
    weights: str | Path | None, image_size: int, view: str
) -> tuple[keras.KerasTensor, keras.Model]:
    """Build what every detector begins with: an input that names the view, a resize, the backbone.

    Parameters
    ----------
    weights, image_size, view
        See `model.build_detector`.

    Returns
    -------
    pixels : keras.KerasTensor, (N, size, size, 3)
        The input, RGB, 0..255.
    backbone : keras.Model
        From `pixels` to float32 (N, H / 32, W / 32, 1280).

    Raises
    ------
    TruthPixelError
        As `model.build_detector` does.
    """
    if view not in VIEWS:
        raise TruthPixelError(f'view is "{view}": expected {", ".join(VIEWS)}.')
    if image_size < 32:
        raise TruthPixelError(
            f"image_size is {image_size}: "
            "EfficientNetB0 halves an image five times and needs 32 or more."
        )
    size = THUMBNAIL if view == "thumbnail" else image_size
    pixels = keras.Input((size, size, 3), name=view)
    resize = keras.layers.Resizing(image_size, image_size, interpolation="bilinear", name="resize")
    return pixels, build_backbone(resize(pixels), weights)


def build_backbone(pixels: keras.KerasTensor, weights: str | Path | None = "auto") -> keras.Model:
    """Build EfficientNetB0 (Tan and Le, 2019) without its classifier; print whose weights it has.

    Parameters
    ----------
    pixels : keras.KerasTensor, float32 (N, H, W, 3)
        Symbolic RGB pixels, 0..255: EfficientNet rescales and normalises them itself.
    weights : str or Path or None
        ``"auto"``: Keras's ImageNet weights (a download, or its cache), else the start weights in
        the package. ``"imagenet"`` or ``"lite0"``: only the one or the other.
        ``"efficientnet_lite0"``: EfficientNet-Lite0 itself, the network with its own ImageNet
        weights, which needs no download. None: random weights. Else the path of a file of weights.

    Returns
    -------
    keras.Model
        From `pixels` to float32 (N, H / 32, W / 32, 1280).

    Raises
    ------
    TruthPixelError
        If `weights` names no file that exists, or is ``"imagenet"`` and Keras cannot fetch them.
    """
    if weights in ("auto", "imagenet"):
        try:
            backbone, origin = _downloaded(pixels), FROM_KERAS
        except Exception as error:  # no route, no name, a refusal, a file with a wrong checksum
            if weights == "imagenet":
                raise TruthPixelError(
                    "Keras could not fetch ImageNet weights (no network?): "
                    'weights="auto" or "lite0" works without.'
                ) from error
            backbone, origin = _efficientnet(pixels, START_WEIGHTS), FROM_PACKAGE
    elif weights == "lite0":
        backbone, origin = _efficientnet(pixels, START_WEIGHTS), FROM_PACKAGE
    elif weights == LITE0:
        backbone, origin = efficientnet_lite0(pixels), FROM_LITE0
        backbone.load_weights(LITE0_WEIGHTS)
    elif weights is None:
        backbone, origin = _efficientnet(pixels, None), RANDOM
    else:
        path = project_path(weights)
        if not path.exists():
            raise TruthPixelError(
                f'weights is "{weights}": expected "auto", "imagenet", "lite0", "{LITE0}", None, '
                "or the path of a file that exists."
            )
        backbone, origin = _efficientnet(pixels, path), path
    print(f"Backbone weights: {origin}.")
    return backbone


def _downloaded(pixels: keras.KerasTensor) -> keras.Model:
    """Build it with Keras's ImageNet weights; an attempt that fails does so soon, and silently."""
    with _connections_wait_at_most(DOWNLOAD_TIMEOUT), contextlib.redirect_stdout(io.StringIO()):
        return _efficientnet(pixels, "imagenet")


@contextlib.contextmanager
def _connections_wait_at_most(seconds: float) -> Iterator[None]:
    """Limit every connection's silence: Keras sets no limit, and a network may swallow packets."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _efficientnet(pixels: keras.KerasTensor, weights: str | Path | None) -> keras.Model:
    """Build EfficientNetB0 without stochastic depth.

    Stochastic depth drops whole blocks in training. Without it, what lies below the trained layers
    is a fixed function of the image, and needs to be computed only once.
    """
    backbone = keras.applications.EfficientNetB0(
        include_top=False,
        weights=weights if weights is None else str(weights),
        input_tensor=pixels,
    )
    for layer in backbone.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.rate = 0.0
    return backbone
