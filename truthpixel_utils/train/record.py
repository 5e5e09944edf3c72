"""The record of a training: all that decided its outcome, and so which images a detector saw."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.model import SHIPPED, detector_path, fingerprint, view_of
from truthpixel_utils.train.augment import RANDOM_CORRUPTIONS, augmentation
from truthpixel_utils.train.pictures import PICTURE_CORRUPTIONS
from truthpixel_utils.train.recipes import GENTLE, STRONG
from truthpixel_utils.train.settings import Settings

if TYPE_CHECKING:
    import datasets

_USED = ("train", "validation")  # the splits that a training sees
_HEAD = ("dense_256", "dropout_256", "dense_128", "dropout_128", "logit")


def check_unseen(
    splits: Mapping[str, datasets.Dataset], output_dir: str | Path = "outputs"
) -> None:
    """Make sure that the detector for a folder saw no test image in training.

    A detector that was trained here must have been trained on these splits; where the record of its
    training is missing, one line says that this cannot be checked. The one in the package knows the
    training part of CIFAKE; the test part alone is new to it.

    Parameters
    ----------
    splits : datasets.DatasetDict
        From `data.load_splits`, with the test images that the detector is to be tested on.
    output_dir : str or Path
        The course's output folder; a relative one starts at the project.

    Raises
    ------
    TruthPixelError
        If the detector may have seen test images of `splits` in training.
    """
    if detector_path(output_dir) == SHIPPED:
        check_unseen_by_shipped(splits)
        return
    if len(splits["train"]) == 0:  # split="all" is for images that are known to be new
        return
    path = project_path(output_dir) / "checkpoints" / "phase2" / "finished.json"
    record = read_record(path)
    if record is None:
        print(f"Which images the detector saw in training cannot be checked: {path} is missing.")
    elif record["rows"] != _rows(splits):
        raise TruthPixelError(
            "the detector was trained on other images than these splits say: set source, split, "
            "limit and seed as in notebooks 3 and 4, or some test images were seen in training."
        )


def check_unseen_by_shipped(splits: Mapping[str, datasets.Dataset]) -> None:
    """Make sure that the detector in the package saw no test image in training.

    Parameters
    ----------
    splits : datasets.DatasetDict
        From `data.load_splits`, with the test images that the detector is to be tested on.

    Raises
    ------
    TruthPixelError
        If a test row comes from a training part, as the rows that it was trained on do.
    """
    if any(name.startswith("train/") for name in splits["test"]["id"][:]):
        raise TruthPixelError(
            "the detector in the package was trained on all of CIFAKE's training part, and this "
            'test holds images of a training part: set split="official".'
        )


def training_record(
    detector: keras.Model, splits: Mapping[str, datasets.Dataset], settings: Settings
) -> dict:
    """Write down all that decides the outcome of a training.

    Two trainings of the same record end with the same weights: the second one need not be made.

    Parameters
    ----------
    detector : keras.Model
        The detector as it is before training, with layers frozen as wanted.
    splits : datasets.DatasetDict
        ``train`` and ``validation`` are read.
    settings : Settings
        Of the training.

    Returns
    -------
    dict
        What JSON can hold and gives back as it is.
    """
    trainable = bytes(layer.trainable for layer in detector.layers)
    view = view_of(detector)
    pictures = {}
    if not view.is_thumbnail:
        pictures = {"view": view.kind, "rules of pictures": _as_json(PICTURE_CORRUPTIONS)}
    return {
        "format": 2,  # raise it when a finished training's files would not fit any more
        "start": fingerprint(detector),
        "trainable": hashlib.sha256(trainable).hexdigest(),
        "image_size": detector.get_layer("resize").height,
        "rows": _rows(splits),
        "order": _rows(splits, arranged=list),
        **asdict(settings),
        "stages": [list(stage) for stage in settings.stages],  # JSON has no tuples
        "head": _configs(layer for layer in detector.layers if layer.name in _HEAD),
        "augmentation": _configs(augmentation().layers),
        "rules": _rules(settings.recipe),
        **pictures,
    }


def read_record(path: Path) -> dict | None:
    """Read a record.

    Parameters
    ----------
    path : Path
        A JSON file from `write_record`.

    Returns
    -------
    dict or None
        None if there is no such file.
    """
    return json.loads(path.read_text()) if path.exists() else None


def write_record(path: Path, record: dict) -> None:
    """Write a record, whole or not at all.

    Parameters
    ----------
    path : Path
        Where to; its folder is made if it is not there.
    record : dict
        From `training_record`.
    """
    with atomic_write(path) as part:
        part.write_text(json.dumps(record, indent=1))


def _rows(splits, arranged=sorted):
    """A hash of each used split's ids: whatever their order or, with ``arranged=list``, in it."""
    hashes = {}
    for name in _USED:
        ids = "\n".join(arranged(splits[name]["id"]))
        hashes[name] = hashlib.sha256(ids.encode()).hexdigest()
    return hashes


def _rules(recipe):
    """The numbers of a recipe."""
    if recipe == "gentle":
        return [GENTLE.early_stopping_patience, GENTLE.lr_patience]
    return _as_json({**asdict(STRONG), **RANDOM_CORRUPTIONS})


def _configs(layers):
    """What layers were built with, less their names and seeds."""
    configs = []
    for layer in layers:
        config = layer.get_config()
        configs.append({key: config[key] for key in config if key not in ("name", "seed")})
    return _as_json(configs)


def _as_json(value):
    """The value as JSON gives it back, so that it compares equal to what was read from a file."""
    return json.loads(json.dumps(value, default=str))
