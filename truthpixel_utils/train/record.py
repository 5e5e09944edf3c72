"""The record of a training: all that decided its outcome, and so which images a detector has seen."""

import hashlib
import json

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.model.detector import SHIPPED, detector_path, fingerprint
from truthpixel_utils.train.augment import RANDOM_CORRUPTIONS, augmentation
from truthpixel_utils.train.loop import EARLY_STOPPING_PATIENCE, LR_PATIENCE, STRONG

_USED = ("train", "validation")
_HEAD = ("dense_256", "dropout_256", "dense_128", "dropout_128", "logit")


def check_unseen(splits, output_dir="outputs"):
    """Raise a `TruthPixelError` if the detector for `output_dir` may have seen test images of `splits` in training.

    It was trained on the training rows of `splits`, or it is the one in the package: that one knows the training part
    of CIFAKE, and the test part alone is new to it.
    """
    if detector_path(output_dir) == SHIPPED:
        check_unseen_by_shipped(splits)
        return
    record = read_record(project_path(output_dir) / "checkpoints" / "phase2" / "finished.json")
    if record and record["rows"] != _rows(splits):
        raise TruthPixelError(
            "the detector was trained on other images than these splits say: set source, split, limit and seed "
            "as in notebooks 3 and 4, or some test images were seen in training."
        )


def check_unseen_by_shipped(splits):
    """Raise a `TruthPixelError` if test rows of `splits` come from a training part, as the shipped detector's did."""
    if any(name.startswith("train/") for name in splits["test"]["id"][:]):
        raise TruthPixelError(
            "the detector in the package was trained on all of CIFAKE's training part, and this test holds images of a "
            'training part: set split="official".'
        )


def training_record(detector, splits, stages, learning_rate, batch_size, views, recipe, seed):
    """All that decides the outcome of a training, as a dictionary that JSON can hold."""
    return {
        "format": 2,  # raise it when a finished training's files would not fit any more
        "start": fingerprint(detector),
        "trainable": hashlib.sha256(bytes(layer.trainable for layer in detector.layers)).hexdigest(),
        "image_size": detector.get_layer("resize").height,
        "rows": _rows(splits),
        "order": _rows(splits, arranged=list),
        "stages": stages,
        "learning_rate": learning_rate,
        "batch_size": batch_size,
        "views": views,
        "recipe": recipe,
        "seed": seed,
        "head": _settings(layer for layer in detector.layers if layer.name in _HEAD),
        "augmentation": _settings(augmentation().layers),
        "rules": [EARLY_STOPPING_PATIENCE, LR_PATIENCE] if recipe == "gentle" else _as_json({**STRONG, **RANDOM_CORRUPTIONS}),
    }


def _rows(splits, arranged=sorted):
    """A hash of the ids in training and validation, whatever their order or, with ``arranged=list``, in theirs."""
    return {name: hashlib.sha256("\n".join(arranged(splits[name]["id"])).encode()).hexdigest() for name in _USED}


def _settings(layers):
    """What layers were built with, less their names and seeds, in a form that JSON gives back as it is."""
    configs = [{k: v for k, v in layer.get_config().items() if k not in ("name", "seed")} for layer in layers]
    return _as_json(configs)


def _as_json(settings):
    return json.loads(json.dumps(settings, default=str))


def read_record(path):
    return json.loads(path.read_text()) if path.exists() else None


def write_record(path, content):
    with atomic_write(path) as part:
        part.write_text(json.dumps(content, indent=1))
