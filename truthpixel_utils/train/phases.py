"""Training in two phases by the same code: what is trainable is decided before, in plain sight.

Every epoch is a function of the seed and its own number (order, views, dropout), and is saved when
it ends: a training that was stopped goes on where it stopped and ends with the same weights.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from truthpixel_utils.backend import keras
from truthpixel_utils.data import thumbnails
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.locks import alone_in
from truthpixel_utils.model import (
    freeze_batch_norm,
    save_detector,
    split_trunk,
    view_of,
    with_image_size,
)
from truthpixel_utils.train.augment import augmented_views, corrupt_at_random
from truthpixel_utils.train.batches import Examples
from truthpixel_utils.train.feature_cache import cached_features
from truthpixel_utils.train.loop import fit_stage, read_history
from truthpixel_utils.train.pictures import Files, draw_window, picture_views, source_weights
from truthpixel_utils.train.recipes import RECIPES
from truthpixel_utils.train.record import read_record, training_record, write_record
from truthpixel_utils.train.settings import Epochs, Settings, read_stages

if TYPE_CHECKING:
    import datasets


def train_phase(
    detector: keras.Model,
    splits: Mapping[str, datasets.Dataset],
    *,
    phase: int,
    epochs: Epochs,
    learning_rate: float,
    batch_size: int = 32,
    views: int = 2,
    recipe: str = "gentle",
    seed: int = 42,
    output_dir: str | Path = "outputs",
    strategy: str = "auto",
) -> pd.DataFrame:
    """Train what is trainable in the detector and leave it with the weights of its best epoch.

    Recipe ``"gentle"``: Adam on binary cross-entropy; the learning rate is halved after 2 epochs
    without a lower validation loss, and training stops after 5 (`recipes.Gentle`). Recipe
    ``"strong"``, for the whole network: AdamW with weight decay, a learning rate that rises for a
    tenth of a stage's steps and falls as a cosine does, smoothed labels, each image changed anew
    every epoch (`augment.corrupt_at_random`); the detector is the moving average of the weights
    (`recipes.Strong`, which names the papers).

    Frozen layers below the trained ones are computed once for each view of an image and kept in
    ``cache/``. A training that finished before with the same data, start and settings is reused,
    one that was stopped is resumed; one line says so of either.

    Parameters
    ----------
    detector : keras.Model
        From `model.build_detector`, with layers frozen as wanted; trained in place.
    splits : datasets.DatasetDict
        From `data.load_splits`; ``train`` and ``validation`` are read.
    phase : int
        1 or 2; it names the files.
    epochs : int or sequence of (int, int)
        Epochs at most; or stages such as ``[[64, 10], [96, 8]]``, pixels a side inside the network
        and epochs. Each stage begins with the best weights of the one before and with its learning
        rate anew, half as high (Loshchilov and Hutter, *SGDR*, 2017); the last one has the
        detector's own size.
    learning_rate : float
        Of the optimizer, in the first stage.
    batch_size : int
        Images a step.
    views : int
        1 shows every image as it is, 2 alternately so and augmented, more make more copies.
    recipe : {"gentle", "strong"}
        How to train.
    seed : int
        Seed of order, augmentation and dropout.
    output_dir : str or Path
        Gets ``models/phase<N>.keras``, ``training_history_phase<N>.csv``, ``checkpoints/`` and
        ``cache/``; a relative one starts at the project.
    strategy : {"auto", "one", "mirrored"}
        Which devices compute: ``"auto"`` takes all GPUs there are, see `devices.on_devices`.

    Returns
    -------
    pandas.DataFrame
        One row an epoch, indexed by its number from 1: ``accuracy``, ``auc``, ``loss``,
        ``val_accuracy``, ``val_auc``, ``val_loss``, ``learning_rate``, ``stage``.

    Raises
    ------
    TruthPixelError
        If a setting makes no sense, if the recipe or the stages need the whole network to be
        trained and some of it is frozen, or if another training is at work in `output_dir`.
    """
    image_size = detector.get_layer("resize").height
    settings = Settings(
        stages=read_stages(epochs, image_size),
        learning_rate=learning_rate,
        batch_size=batch_size,
        views=views,
        recipe=recipe,
        seed=seed,
    )
    _check_nothing_frozen(split_trunk(detector)[0], settings)
    with alone_in(output_dir, "training"):
        return _train(detector, splits, phase, settings, project_path(output_dir), strategy)


def _train(detector, splits, phase, settings, output, strategy):
    """Train, resume or reuse with settings that make sense, see `train_phase`."""
    trunk, top = split_trunk(detector)
    final = output / "models" / f"phase{phase}.keras"
    history_csv = output / f"training_history_phase{phase}.csv"
    checkpoint = output / "checkpoints" / f"phase{phase}"
    finished = checkpoint / "finished.json"

    record = training_record(detector, splits, settings)
    same_as_before = read_record(finished) == record
    if same_as_before and final.exists() and history_csv.exists():
        print(f"Reused: phase {phase} was trained before with the same data, start and settings.")
        detector.set_weights(keras.models.load_model(final).get_weights())
        return read_history(history_csv)
    if read_record(checkpoint / "recipe.json") != record:  # what lies there is of another training
        _remove_stages(checkpoint)
        write_record(checkpoint / "recipe.json", record)

    cache = output / "cache"
    view = view_of(detector)
    training = _examples(trunk, splits["train"], view, settings, cache)
    validation = _watched(trunk, splits["validation"], view, cache)
    history = _fit_stages(top, training, validation, settings, checkpoint, strategy)

    freeze_batch_norm(detector)  # a finished detector keeps its statistics, however it is called
    finished.unlink(missing_ok=True)  # from here on, what lies there is not of that training
    with atomic_write(history_csv) as part:
        history.to_csv(part)
    save_detector(detector, final)
    write_record(finished, record)
    (checkpoint / "recipe.json").unlink()
    _remove_stages(checkpoint)
    return history


def _check_nothing_frozen(trunk, settings):
    """Raise a `TruthPixelError` if settings need the whole network and its trunk is frozen."""
    needs_all = settings.recipe == "strong" or len(settings.stages) > 1
    if needs_all and trunk.output is not trunk.input:
        raise TruthPixelError(
            "the strong recipe and stages change the images anew every epoch: set "
            'unfreeze_layers="all".'
        )


def _remove_stages(checkpoint):
    """Remove the epochs in a checkpoint, but not what is known of the training that finished last.

    Its detector is still there.
    """
    for stage in checkpoint.glob("stage*"):
        shutil.rmtree(stage)


def _fit_stages(top, training, validation, settings, checkpoint, strategy):
    """Train the top stage after stage, each from the best weights of the one before.

    The last stage has the top's own size, so that the top is what it trains.
    """
    own_size, _ = settings.stages[-1]
    histories = []
    for stage, (pixels, _) in enumerate(settings.stages, start=1):
        network = top if pixels == own_size else with_image_size(top, pixels)
        epochs_before = sum(len(history) for history in histories)
        folder = checkpoint / f"stage{stage}"
        histories.append(
            fit_stage(
                network, training, validation, settings, stage, folder, epochs_before, strategy
            )
        )
        top.set_weights(network.get_weights())
    return pd.concat(histories)


def _examples(trunk, rows, view, settings, cache):
    """What the trunk makes of each view of each training image, and how it is to be changed."""
    strong = RECIPES[settings.recipe].changes_images
    labels = np.asarray(rows["label"], np.float32)
    weights = source_weights(rows)
    if view.is_thumbnail:
        images, _ = thumbnails(rows)
        images = augmented_views(images, settings.views, settings.seed)
        change = corrupt_at_random if strong else None
        return Examples(_features(trunk, images, cache), labels, change, weights)
    if strong:
        return Examples(Files(rows, view), labels, partial(draw_window, size=view.size), weights)
    images = picture_views(rows, view, settings.views, settings.seed, cache)
    return Examples(_features(trunk, images, cache), labels, weights=weights)


def _watched(trunk, rows, view, cache):
    """What the trunk makes of the validation images, each as it is."""
    if view.is_thumbnail:
        images = thumbnails(rows)[0][None]
    else:
        images = picture_views(rows, view, 1, 0, cache)
    return Examples(_features(trunk, images, cache), np.asarray(rows["label"], np.float32))


def _features(trunk, images, cache):
    """What the trunk makes of images (views, N, H, W, 3): (views, N, ...)."""
    views, count = images.shape[:2]
    features = cached_features(trunk, images.reshape(-1, *images.shape[2:]), cache)
    return features.reshape(views, count, *features.shape[1:])
