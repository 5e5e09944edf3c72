"""Training in two phases, the same code for both: what is trainable is decided before, in plain sight.

Every epoch is a function of the seed and its own number (order, views, dropout), and is saved when it ends: a training
that was stopped goes on where it stopped and ends with the weights it would have had.
"""

import shutil
from numbers import Number

import pandas as pd

from truthpixel_utils.data.splits import thumbnails
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path
from truthpixel_utils.model.detector import (
    freeze_batch_norm,
    keras,
    split_trunk,
    with_image_size,
)
from truthpixel_utils.train.augment import augmented_views
from truthpixel_utils.train.feature_cache import cached_features
from truthpixel_utils.train.loop import fit_stage, save_detector
from truthpixel_utils.train.record import read_record, training_record, write_record

RECIPES = ("gentle", "strong")


def train_phase(
    detector,
    splits,
    *,
    phase,
    epochs,
    learning_rate,
    batch_size=32,
    views=2,
    recipe="gentle",
    seed=42,
    output_dir="outputs",
):
    """Train what is trainable in the detector, in place, and leave it with its best epoch's weights.

    Recipe ``"gentle"``: Adam on binary cross-entropy; the learning rate is halved after 2 epochs without a lower
    validation loss, and training stops after 5. Recipe ``"strong"``, for the whole network: AdamW with weight decay
    0.05 (Loshchilov and Hutter, 2019), the learning rate rises for a tenth of a stage's steps and falls as a cosine
    does, labels smoothed by 0.02, each image changed anew every epoch (`augment.travelled`), and the detector is the
    moving average of the weights (0.999 a step) with batch statistics of its own (`fit.Average`).

    Frozen layers below the trained ones are computed once for each view of an image and kept in ``cache/``. A training
    that finished before with the same data, start and settings is reused, one that was stopped is resumed; either is
    said in one line.

    Parameters
    ----------
    detector : keras.Model from `model.build_detector`, with layers frozen as wanted
    splits : datasets.DatasetDict with ``train`` and ``validation``
    phase : int, 1 or 2; names the files
    epochs : int, at most; or a list of stages such as ``[[64, 10], [96, 8]]``, pixels inside the network and epochs.
        Each begins with the best weights of the one before and with its learning rate anew, half as high (Loshchilov
        and Hutter, 2017); the last has the detector's own size
    learning_rate : float, of Adam
    batch_size : int, images
    views : int; 1 = every image as it is, 2 = alternately so and augmented, more = more augmented copies
    recipe : {"gentle", "strong"}
    seed : int, for order, augmentation and dropout
    output_dir : str or Path, gets ``models/``, ``training_history_phase<N>.csv``, ``checkpoints/`` and ``cache/``

    Returns
    -------
    pandas.DataFrame, one row an epoch: ``accuracy, auc, loss, val_accuracy, val_auc, val_loss, learning_rate,
    stage``
    """
    size = detector.get_layer("resize").height
    stages = _stages(epochs, size)
    _check(epochs=min(count for _, count in stages), learning_rate=learning_rate, batch_size=batch_size, views=views)
    if recipe not in RECIPES:
        raise TruthPixelError(f'recipe is "{recipe}": expected {" or ".join(RECIPES)}.')
    trunk, top = split_trunk(detector)
    if (recipe == "strong" or len(stages) > 1) and trunk.output is not trunk.input:
        raise TruthPixelError(
            'the strong recipe and stages change the images anew every epoch: set unfreeze_layers="all".'
        )
    output = project_path(output_dir)
    final = output / "models" / f"phase{phase}.keras"
    history_csv = output / f"training_history_phase{phase}.csv"
    checkpoint = output / "checkpoints" / f"phase{phase}"
    record = training_record(detector, splits, stages, learning_rate, batch_size, views, recipe, seed)
    if read_record(checkpoint / "finished.json") == record and final.exists() and history_csv.exists():
        print(f"Reused: phase {phase} was trained before with the same data, start and settings.")
        detector.set_weights(keras.models.load_model(final).get_weights())
        return pd.read_csv(history_csv, index_col="epoch")
    if read_record(checkpoint / "recipe.json") != record:
        for stage in checkpoint.glob("stage*"):  # not finished.json: it still speaks of `final`
            shutil.rmtree(stage)
        write_record(checkpoint / "recipe.json", record)

    inputs, labels = _inputs(trunk, splits["train"], views, seed, output / "cache")
    validation = _inputs(trunk, splits["validation"], 1, seed, output / "cache")
    history = pd.DataFrame()
    for stage, (pixels, count) in enumerate(stages, 1):
        network = top if pixels == size else with_image_size(top, pixels)
        more = fit_stage(
            network,
            inputs,
            labels,
            validation,
            checkpoint / f"stage{stage}",
            epochs=count,
            learning_rate=learning_rate / 2 ** (stage - 1),
            batch_size=batch_size,
            recipe=recipe,
            seed=seed,
            stage=stage,
            done=len(history),
        )
        history = pd.concat([history, more])
        top.set_weights(network.get_weights())
    freeze_batch_norm(detector)  # a finished detector's statistics rest, however it is called
    with atomic_write(history_csv) as part:
        history.to_csv(part)
    save_detector(detector, final)
    shutil.rmtree(checkpoint)
    write_record(checkpoint / "finished.json", record)
    return history


def _stages(epochs, size):
    """The stages of a training as a list of [pixels, epochs]."""
    if isinstance(epochs, Number):
        return [[size, epochs]]
    try:
        stages = [[pixels, count] for pixels, count in epochs]
        at_the_end = stages[-1][0]
    except (TypeError, ValueError, IndexError) as error:
        raise TruthPixelError(f"epochs is {epochs}: expected a number, or stages as in [[64, 10], [96, 8]].") from error
    if at_the_end != size:
        raise TruthPixelError(f"epochs end at {at_the_end} pixels: expected the detector's own size, {size}.")
    return stages


def _inputs(trunk, rows, views, seed, folder):
    """What the trunk makes of each view of each image (views, N, ...), and the labels; the images are let go."""
    images, labels = thumbnails(rows)
    images = augmented_views(images, views, seed)
    features = cached_features(trunk, images.reshape(-1, *images.shape[2:]), folder)
    return features.reshape(views, len(labels), *features.shape[1:]), labels


def _check(**numbers):
    for name, value in numbers.items():
        if not value > 0:
            raise TruthPixelError(f"{name} is {value}: expected a number above 0.")
