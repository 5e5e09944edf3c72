"""The detector: EfficientNetB0 with a small head, one flat Keras graph from raw pixels to p_ai.

Keras 3 only, so that the same code builds and trains under TensorFlow, JAX and PyTorch.
"""

import contextlib
import hashlib
import io
import math
import socket
from pathlib import Path

import numpy as np
import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.data.splits import THUMBNAIL
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED, atomic_write, project_path, require_file

layers, regularizers = keras.layers, keras.regularizers

DOWNLOAD_TIMEOUT = 4  # seconds to find out that Keras's server does not answer
POOLED = "pooled"  # the layer between backbone and head
START_WEIGHTS = PRETRAINED / "efficientnetb0_from_lite0.weights.h5"
FINAL = "truthpixel_final.keras"  # what the last phase leaves in the output folder's `models`
SHIPPED = PRETRAINED / "truthpixel_cifake.keras"  # what serves where nothing was trained; MODEL_CARD.md beside it


def build_detector(weights="auto", image_size=224, thumbnail=THUMBNAIL, seed=None):
    """Build the detector: thumbnail -> resize -> EfficientNetB0 (Tan and Le, 2019) -> head -> p_ai.

    Parameters
    ----------
    weights : str or Path or None
        ``"auto"``: Keras's ImageNet weights (download or cache), else the start weights in the package.
        ``"imagenet"`` or ``"lite0"``: only that one. None: random. Else the path of a weights file for the backbone.
    image_size : int
        Pixels a side at which the backbone sees the image.
    thumbnail : int
        Pixels a side of what goes in.
    seed : int, optional
        Set Keras's seed to this first, so that the head's random weights are the same again.

    Returns
    -------
    keras.Model : float32 or uint8 pixels (N, thumbnail, thumbnail, 3), 0..255 -> float32 (N, 1), the probability that
    an image is AI-generated. Layer ``logit`` holds the value before the sigmoid. All layers lie flat in one graph.

    Raises
    ------
    TruthPixelError if `weights` names nothing that exists, or `image_size` is below 32.
    """
    if image_size < 32:
        raise TruthPixelError(
            f"image_size is {image_size}: EfficientNetB0 halves an image five times and needs 32 or more."
        )
    if seed is not None:
        keras.utils.set_random_seed(seed)
    pixels = keras.Input((thumbnail, thumbnail, 3), name="thumbnail")
    resized = layers.Resizing(image_size, image_size, interpolation="bilinear", name="resize")(pixels)
    backbone = _backbone(resized, weights)
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


def load_detector(path=None, output_dir="outputs"):
    """Load a detector.

    Parameters
    ----------
    path : str or Path, optional
        A ``.keras`` or ``.h5`` file; by default the one that `finished` names, and if that is the one in the package,
        one line says so.

    Returns
    -------
    keras.Model, as `build_detector` builds it

    Raises
    ------
    TruthPixelError if there is no such file, it is no Keras model, or the one in the package was changed.
    """
    if path is None and (path := detector_path(output_dir)) == SHIPPED:
        print("Detector: the one in the package, trained on CIFAKE (notebook 4 has left none here yet).")
    made_by = "03_train_phase1" if Path(path).name == "phase1.keras" else "04_finetune"
    path = require_file(path, made_by)
    if path == SHIPPED:
        _check_sum(path)
    try:
        return keras.models.load_model(path)
    except Exception as error:  # a cut zip, another format, a version too new: Keras raises a kind for each
        raise TruthPixelError(f"{path} is not a Keras model that can be read here ({type(error).__name__}).") from error


def save_detector(network, path):
    """Write a network as a ``.keras`` file at `path`, whole or not at all."""
    with atomic_write(path) as part:
        network.save(part)


def detector_path(output_dir="outputs"):
    """Find the detector to judge with: the one that notebook 4 has left in `output_dir`, else the one in the package.

    Returns
    -------
    Path of a ``.keras`` file; its thresholds lie beside it, in a ``.json`` of the same name
    """
    trained = project_path(output_dir) / "models" / FINAL
    return trained if trained.exists() else SHIPPED


def backbone_layers(detector):
    """The layers of EfficientNetB0 in the detector, from its rescaling to its last activation, in order."""
    names = [layer.name for layer in detector.layers]
    return detector.layers[names.index("resize") + 1 : names.index(POOLED)]


def freeze_backbone(detector):
    """Make only the head trainable, in place. Frozen batch normalisation runs in inference mode."""
    for layer in backbone_layers(detector):
        layer.trainable = False


def unfreeze_top(detector, count=20, batch_norm=False):
    """Make the head and the last `count` layers of the backbone trainable, in place; ``"all"`` means every layer.

    Batch normalisation stays frozen unless `batch_norm` is true: trained, it replaces ImageNet's statistics by those of
    the batches, which must be large for that. (And not in training alone: `Resizing` counts as a training layer in
    Keras, so that plain ``detector(pixels)`` is too.)
    """
    backbone = backbone_layers(detector)
    if count != "all" and not 0 <= count <= len(backbone):
        raise TruthPixelError(f'unfreeze_layers is {count}: expected 0 to {len(backbone)}, or "all".')
    first = 0 if count == "all" else len(backbone) - count
    for i, layer in enumerate(backbone):
        layer.trainable = i >= first and (batch_norm or not isinstance(layer, layers.BatchNormalization))


def freeze_batch_norm(detector):
    """Let batch normalisation rest on the statistics it has, in place."""
    for layer in detector.layers:
        if isinstance(layer, layers.BatchNormalization):
            layer.trainable = False


def with_image_size(network, image_size):
    """Build the network anew with another size inside and the same weights.

    Parameters
    ----------
    network : keras.Model, such as a detector
    image_size : int, pixels a side, a multiple of 32, as the network's own size has to be: others are padded otherwise

    Raises
    ------
    TruthPixelError if the network does not resize (its trunk is frozen), or a size is no multiple of 32.
    """
    config = network.get_config()
    [resize] = [layer["config"] for layer in config["layers"] if layer["name"] == "resize"] or [None]
    if resize is None:
        raise TruthPixelError('other sizes need the whole network to be trained: unfreeze_layers="all".')
    if image_size != resize["height"] and (image_size % 32 or resize["height"] % 32):
        raise TruthPixelError(f"sizes {resize['height']} and {image_size}: expected multiples of 32.")
    resize["height"] = resize["width"] = image_size
    other = keras.Model.from_config(config)
    other.set_weights(network.get_weights())
    for layer in other.layers:
        if isinstance(layer, layers.Normalization):
            layer.finalize_state()  # it computes with copies of its weights
    return other


def split_trunk(detector):
    """Divide the detector where its frozen part ends: what training cannot change needs computing only once.

    The cut lies at the last layer below the trained ones through which everything must pass (inside a block a skip
    connection runs past): ``pooled`` with a frozen backbone, the end of block 6c with 20 layers unfrozen, the input
    itself where no convolution is frozen.

    Returns
    -------
    trunk, top : keras.Model
        ``top(trunk(pixels))`` is ``detector(pixels)``; both share the detector's layers, so that training `top` trains
        the detector.
    """
    first_trained = next(i for i, layer in enumerate(detector.layers) if layer.trainable_weights)
    between = boundary(detector, first_trained)
    return keras.Model(detector.input, between, name="trunk"), keras.Model(between, detector.output, name="top")


def boundary(detector, count):
    """Find the highest tensor that all above needs, and nothing else, among the outputs of the first `count` layers.

    Returns
    -------
    symbolic Keras tensor; the detector's input if there is no convolution below, and so little to compute
    """
    made_by = {id(layer.output): i for i, layer in enumerate(detector.layers)}
    reads = [[made_by[id(tensor)] for tensor in keras.tree.flatten(layer.input)] for layer in detector.layers]
    passes = [i for i in range(count) if all(min(reads[j]) >= i for j in range(i + 1, len(reads)))]
    saves_work = any(isinstance(layer, layers.Conv2D) for layer in detector.layers[: passes[-1] + 1])
    return detector.layers[passes[-1] if saves_work else 0].output


def fingerprint(network):
    """A hash (hexadecimal str) of a network's layers, their output shapes and all weights."""
    layers = [(type(layer).__name__, layer.output.shape) for layer in network.layers]
    digest = hashlib.sha256(str(layers).encode())
    for weight in network.get_weights():
        digest.update(np.ascontiguousarray(weight))
    return digest.hexdigest()


def describe(detector):
    """Count layers and parameters by stage (resize, stem, block1 ... block7, top, head).

    Returns
    -------
    pandas.DataFrame, one row a stage, with columns ``layers``, ``output`` (shape of one image's activation),
    ``parameters`` and ``trainable`` (parameters that training may change).
    """
    stage_of = {name: stage for stage, names in stages(detector).items() for name in names}
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


def stages(detector):
    """The names of the detector's layers by stage, in order: dict of lists (resize, stem, block1 ... block7, top, head)."""
    backbone = {layer.name for layer in backbone_layers(detector)}
    found = {}
    for name in (layer.name for layer in detector.layers[1:]):
        if name.startswith("block"):
            stage = name[:6]
        elif name.startswith(("stem", "rescaling", "normalization")):
            stage = "stem"
        else:
            stage = "top" if name in backbone else name if name == "resize" else "head"
        found.setdefault(stage, []).append(name)
    return found


def _check_sum(path):
    """Raise a `TruthPixelError` unless the file is the one that SHA256SUMS beside it knows (format of ``sha256sum``)."""
    sums = dict(reversed(line.split()) for line in path.with_name("SHA256SUMS").read_text().splitlines())
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[path.name]:
        raise TruthPixelError(
            f"{path} is not the file that was shipped (its checksum differs): install the package again."
        )


def _backbone(pixels, weights):
    """EfficientNetB0 without its classifier on the tensor `pixels`; says where its weights come from."""
    shipped = "the package's start weights (ImageNet's, by way of EfficientNet-Lite0; a little weaker than Keras's own)"
    if weights in ("auto", "imagenet"):
        try:
            with _stalls_at_most(DOWNLOAD_TIMEOUT), contextlib.redirect_stdout(io.StringIO()):  # no half line before it fails
                backbone = _efficientnet(pixels, "imagenet")
            words = "ImageNet weights from Keras"
        except Exception as error:  # no route, no name, a refused connection, a file that does not fit its checksum
            if weights == "imagenet":
                raise TruthPixelError(
                    'Keras could not fetch ImageNet weights (no network?): weights="auto" or "lite0" works without.'
                ) from error
            backbone, words = _efficientnet(pixels, START_WEIGHTS), shipped
    elif weights == "lite0":
        backbone, words = _efficientnet(pixels, START_WEIGHTS), shipped
    elif weights is None:
        backbone, words = _efficientnet(pixels, None), "random: frozen, such a backbone has nothing to transfer"
    else:
        path = project_path(weights)
        if not path.exists():
            raise TruthPixelError(
                f'weights is "{weights}": expected "auto", "imagenet", "lite0", None, or the path of a file that exists.'
            )
        backbone, words = _efficientnet(pixels, path), str(path)
    print(f"Backbone weights: {words}.")
    return backbone


@contextlib.contextmanager
def _stalls_at_most(seconds):
    """Let no connection wait longer than this: Keras sets no limit, and a network may swallow packets."""
    before = socket.getdefaulttimeout()
    socket.setdefaulttimeout(seconds)
    try:
        yield
    finally:
        socket.setdefaulttimeout(before)


def _efficientnet(pixels, weights):
    backbone = keras.applications.EfficientNetB0(
        include_top=False, weights=weights if weights is None else str(weights), input_tensor=pixels
    )
    for layer in backbone.layers:
        if isinstance(layer, layers.Dropout):
            # Stochastic depth off: what lies below the trained layers is then a fixed function of the image.
            layer.rate = 0.0
    return backbone
