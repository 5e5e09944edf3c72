"""The training loop: Keras's own, with a checkpoint after each epoch that it can go on from."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
from IPython.display import display

from truthpixel_utils.backend import keras
from truthpixel_utils.files import atomic_write
from truthpixel_utils.model import save_detector
from truthpixel_utils.train.augment import reseed
from truthpixel_utils.train.batches import Batches, Examples
from truthpixel_utils.train.devices import on_devices
from truthpixel_utils.train.recipes import GENTLE, RECIPES
from truthpixel_utils.train.settings import Settings


class EpochSeed(keras.callbacks.Callback):
    """Lets dropout follow from the seed and the number of the epoch.

    Parameters
    ----------
    seed : int
        The training's seed.
    """

    def __init__(self, seed: int):
        super().__init__()
        self.seed = seed

    def on_epoch_begin(self, epoch: int, logs: dict | None = None) -> None:
        """Set the random state of every layer that has one."""
        reseed(self.model, self.seed, epoch)


class EpochCheckpoint(keras.callbacks.Callback):
    """Saves each epoch when it ends, so that a training that was killed goes on after it.

    It has to be the last callback, so that it sees the epoch as the others leave it. It writes
    ``best.keras``, the weights of the lowest validation loss, as validation saw them;
    ``history.csv``, a row an epoch; and ``last.keras``, weights and optimizer as the epoch left
    them. A killed process may stop between any two of them, which does no harm in this order: the
    epoch counts as done once ``last.keras`` is there, and else is trained again, the same.

    Parameters
    ----------
    folder : Path
        Where the three files go.
    stage : int
        The stage's number, from 1.
    history : pandas.DataFrame
        The epochs of this stage that an earlier, stopped run has left; it may be empty.
    steering : Sequence of keras.callbacks.Callback
        The recipe's callbacks. What they know follows from the history; a resumed training shows
        them the epochs that they have missed.

    Attributes
    ----------
    history : pandas.DataFrame
        All epochs of this stage so far.
    """

    def __init__(
        self,
        folder: Path,
        stage: int,
        history: pd.DataFrame,
        steering: Sequence[keras.callbacks.Callback],
    ):
        super().__init__()
        self.folder, self.stage, self.steering = folder, stage, steering
        self.history = history
        self.table = display(_rounded(history), display_id=True)

    def on_train_begin(self, logs: dict | None = None) -> None:
        """Show the recipe's callbacks the epochs that an earlier run has trained."""
        for epoch, row in enumerate(self.history.to_dict("records")):
            for callback in self.steering:
                callback.on_epoch_end(epoch, row)

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Remember the weights that validation sees: the recipe may have put in others."""
        self.validated_weights = self.model.get_weights()

    def on_epoch_end(self, epoch: int, logs: dict | None = None) -> None:
        """Add a row to the history and write the three files."""
        row = dict(logs)
        row.setdefault("learning_rate", _number(self.model.optimizer.learning_rate))
        row["stage"] = self.stage
        number = epoch + 1  # Keras counts from 0
        row = pd.DataFrame([row], index=pd.Index([number], name="epoch")).astype(float)
        self.history = pd.concat([self.history, row])
        if best_epoch(self.history) == number:
            self._save_best()
        with atomic_write(self.folder / "history.csv") as part:
            self.history.to_csv(part)
        save_detector(self.model, self.folder / "last.keras")
        if self.table:  # there is none outside a notebook
            self.table.update(_rounded(self.history))

    def _save_best(self):
        in_training = self.model.get_weights()
        self.model.set_weights(self.validated_weights)
        save_detector(self.model, self.folder / "best.keras")
        self.model.set_weights(in_training)


def fit_stage(
    network: keras.Model,
    training: Examples,
    validation: Examples,
    settings: Settings,
    stage: int,
    folder: Path,
    epochs_before: int = 0,
    strategy: str = "auto",
) -> pd.DataFrame:
    """Train a network for one stage and leave it with the weights of its best epoch.

    Parameters
    ----------
    network : keras.Model
        What is to be trained, in place, such as the top that `model.split_trunk` gives.
    training : Examples
        Inputs as the network takes them, and labels.
    validation : Examples
        The same of other images, which decide about the best epoch.
    settings : Settings
        Of the whole training.
    stage : int
        Which of its stages this is, from 1.
    folder : Path
        Where the checkpoint lies. What an earlier, stopped run of the same training has left there
        is gone on with.
    epochs_before : int
        Epochs that the stages before this one have trained.
    strategy : str
        Which devices compute, see `devices.on_devices`.

    Returns
    -------
    pandas.DataFrame
        One row an epoch, see `phases.train_phase`.
    """
    with on_devices(network, strategy) as trained:
        history = _fit(trained, training, validation, settings, stage, folder, epochs_before)
    network.set_weights(keras.models.load_model(folder / "best.keras").get_weights())
    return history


def _fit(network, training, validation, settings, stage, folder, epochs_before):
    """Train for one stage, see `fit_stage`; the weights are those of the last epoch."""
    recipe = RECIPES[settings.recipe]
    _, epochs = settings.stages[stage - 1]
    steps = math.ceil(len(training.labels) / settings.batch_size)
    recipe.compile(network, settings.learning_rate_of(stage), steps * epochs)
    history = _resume(network, folder, steps)

    size, seed = settings.batch_size, settings.seed
    steering = recipe.callbacks(Batches(training, size, seed))
    checkpoint = EpochCheckpoint(folder, stage, history, steering)
    if len(history) < epochs and not _has_stopped(history, settings.recipe):
        done = epochs_before + len(history)
        if len(history):
            print(f"Resumed after epoch {done}.")
        batches = Batches(training, size, seed, done)
        watched = Batches(validation, size)
        network.fit(
            batches,
            validation_data=watched,
            initial_epoch=done,
            epochs=epochs_before + epochs,
            callbacks=[*steering, EpochSeed(seed), checkpoint],
            shuffle=False,
            verbose=0,
        )
        # TensorFlow never forgets a dataset: the mapped features would stay in memory.
        del batches.examples, watched.examples
    return checkpoint.history


def best_epoch(history: pd.DataFrame) -> int:
    """Find the epoch whose weights are kept.

    Parameters
    ----------
    history : pandas.DataFrame
        One row an epoch, as `phases.train_phase` returns it; ``stage`` and ``val_loss`` are read.

    Returns
    -------
    int
        The epoch of the lowest validation loss in the last stage of the history. Those of an
        earlier stage saw smaller images, and their losses do not compare.

    Examples
    --------
    >>> history = pd.DataFrame({"val_loss": [0.1, 0.4, 0.3], "stage": [1, 2, 2]}, index=[1, 2, 3])
    >>> best_epoch(history)
    3
    """
    last = history["stage"] == history["stage"].iloc[-1]
    return int(history.loc[last, "val_loss"].idxmin())


def read_history(path: Path) -> pd.DataFrame:
    """Read the history of a training as it was when it was written, to the last bit.

    Parameters
    ----------
    path : Path
        A CSV file with a row an epoch.

    Returns
    -------
    pandas.DataFrame
        Indexed by the epoch's number.
    """
    return pd.read_csv(path, index_col="epoch", float_precision="round_trip")


def _resume(network, folder, steps):
    """Restore weights and optimizer as the last whole epoch left them; return the history so far.

    `steps` is the number of batches in an epoch.
    """
    if not (folder / "last.keras").exists():
        return pd.DataFrame()
    last = keras.models.load_model(folder / "last.keras")
    network.set_weights(last.get_weights())
    network.optimizer.build(network.trainable_variables)
    for variable, saved in zip(network.optimizer.variables, last.optimizer.variables, strict=True):
        if variable.name != "learning_rate":  # `on_train_begin` has it lowered again
            variable.assign(saved)
    history = read_history(folder / "history.csv")
    whole_epochs = int(_number(last.optimizer.iterations)) // steps
    return history.head(whole_epochs)  # the last row may have been written without its weights


def _number(variable):
    """A variable of the optimizer as a number, on however many devices it lies."""
    return float(keras.ops.convert_to_numpy(variable))


def _has_stopped(history, recipe):
    """Whether the gentle recipe has run out of patience, and an earlier run has stopped for it."""
    if recipe != "gentle" or history.empty:
        return False
    return history.index[-1] - best_epoch(history) >= GENTLE.early_stopping_patience


def _rounded(history):
    """The history of one stage as it is displayed: no wider than a page of text."""
    if history.empty:
        return history
    short = history.round(4).assign(learning_rate=history["learning_rate"].map("{:.2g}".format))
    return short.drop(columns="stage")  # it is the same in every row
