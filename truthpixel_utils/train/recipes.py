"""The two recipes of a training: its optimizer, its loss, and the callbacks that steer it.

Both have the same three parts for the training loop: `compile`, `callbacks`, and `changes_images`,
which says whether every image is changed anew each time the network meets it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from truthpixel_utils.backend import keras
from truthpixel_utils.train.batches import Batches
from truthpixel_utils.train.devices import steps_at_once


@dataclass(frozen=True)
class Gentle:
    """For a head on a frozen backbone: Adam, which the validation loss slows down and then stops.

    Attributes
    ----------
    early_stopping_patience : int
        Epochs without a lower validation loss before training stops.
    lr_patience : int
        Epochs without one before the learning rate is halved.
    """

    early_stopping_patience: int = 5
    lr_patience: int = 2

    changes_images: ClassVar[bool] = False

    def compile(self, network: keras.Model, learning_rate: float, steps: int) -> None:
        """Give the network its loss and optimizer, in place.

        Parameters
        ----------
        network : keras.Model
            The network to train, in place.
        learning_rate : float
            Where Adam begins.
        steps : int
            Batches that the training will have at most; this recipe has no use for it.
        """
        _compile(network, keras.optimizers.Adam(learning_rate), label_smoothing=0.0)

    def callbacks(self, batches: Batches) -> list[keras.callbacks.Callback]:
        """Build the callbacks that steer a training.

        Parameters
        ----------
        batches : Batches
            Of training images; this recipe has no use for them.

        Returns
        -------
        list of keras.callbacks.Callback
            They follow the validation loss, epoch by epoch.
        """
        return [
            keras.callbacks.ReduceLROnPlateau("val_loss", factor=0.5, patience=self.lr_patience),
            keras.callbacks.EarlyStopping("val_loss", patience=self.early_stopping_patience),
        ]


@dataclass(frozen=True)
class Strong:
    """For the whole network: AdamW on images that are corrupted anew in every epoch.

    Weight decay is decoupled from the gradient (Loshchilov and Hutter, *Decoupled weight decay
    regularization*, 2019). The learning rate rises in a straight line and falls as a cosine does
    (the same authors, *SGDR*, 2017). Labels are smoothed (Szegedy et al., *Rethinking the Inception
    architecture*, 2016). The detector is the moving average of the weights (Izmailov et al.,
    *Averaging weights leads to wider optima and better generalization*, 2018).

    Attributes
    ----------
    weight_decay : float
        Share of the learning rate by which a step shrinks each weight; biases and batch
        normalisation are left out.
    label_smoothing : float
        Share of a label that is spread over both classes.
    warm_up : float
        Share of a stage's steps in which the learning rate rises.
    average : float
        Share of the moving average that a step keeps, at most, see `momentum`.
    statistics : int
        Batches on which batch normalisation's statistics are measured for the average.
    """

    weight_decay: float = 0.05
    label_smoothing: float = 0.02
    warm_up: float = 0.1
    average: float = 0.999
    statistics: int = 32

    changes_images: ClassVar[bool] = True

    def compile(self, network: keras.Model, learning_rate: float, steps: int) -> None:
        """Give the network its loss and optimizer, in place.

        Parameters
        ----------
        network : keras.Model
            The network to train, in place.
        learning_rate : float
            The highest that the schedule reaches.
        steps : int
            Batches until the learning rate has fallen to 0.
        """
        warm_up = int(self.warm_up * steps)
        schedule = keras.optimizers.schedules.CosineDecay(
            0.0, steps - warm_up, warmup_target=learning_rate, warmup_steps=warm_up
        )
        optimizer = keras.optimizers.AdamW(
            schedule, self.weight_decay, use_ema=True, ema_momentum=self.momentum(steps)
        )
        optimizer.exclude_from_weight_decay(var_names=["bias", "gamma", "beta"])
        _compile(network, optimizer, self.label_smoothing)

    def momentum(self, steps: int) -> float:
        """Share of the moving average that a step keeps, in a stage of so many steps.

        At 0.999 a short stage would end as the network that it began with: a fifth of its steps
        are to make most of the average.

        Parameters
        ----------
        steps : int
            Batches of the whole stage.

        Returns
        -------
        float
            0..1.

        Examples
        --------
        >>> STRONG.momentum(6640), STRONG.momentum(1000)
        (0.999, 0.995)
        """
        return min(self.average, max(0.0, 1 - 5 / steps))

    def callbacks(self, batches: Batches) -> list[keras.callbacks.Callback]:
        """Build the callbacks that steer a training.

        Parameters
        ----------
        batches : Batches
            Of training images, for the average's statistics.

        Returns
        -------
        list of keras.callbacks.Callback
            One that puts the average in place for validation.
        """
        return [AveragedWeights(batches, self.statistics)]


GENTLE, STRONG = Gentle(), Strong()
RECIPES = {"gentle": GENTLE, "strong": STRONG}


class AveragedWeights(keras.callbacks.SwapEMAWeights):
    """Lets validation see the moving average of the weights instead of the weights in training.

    The statistics that batch normalisation gathers in training do not fit the average: with them it
    may answer at random. They are therefore measured for it on some batches before each validation,
    and put back afterwards (Izmailov et al., *Averaging weights leads to wider optima and better
    generalization*, 2018).

    Parameters
    ----------
    batches : Batches
        Batches of training images to measure on.
    count : int
        Number of batches to measure on, at most; the first ones are taken.
    """

    def __init__(self, batches: Batches, count: int):
        super().__init__()
        self.batches = batches
        self.count = min(count, len(batches))

    def on_test_begin(self, logs: dict | None = None) -> None:
        """Put the average and its own statistics into the network."""
        super().on_test_begin(logs)
        self.norms = []
        self.in_training = []
        for layer in self.model.layers:
            if isinstance(layer, keras.layers.BatchNormalization) and layer.trainable:
                statistics = layer.moving_mean.numpy(), layer.moving_variance.numpy()
                self.norms.append(layer)
                self.in_training.append((layer.momentum, *statistics))
        for i in range(self.count):
            for norm in self.norms:
                norm.momentum = i / (i + 1)  # makes the moving mean the plain mean over all batches
            inputs, _ = self.batches[i]
            self.model(inputs, training=True)

    def on_test_end(self, logs: dict | None = None) -> None:
        """Put the weights and statistics of the training back."""
        for norm, (momentum, mean, variance) in zip(self.norms, self.in_training, strict=True):
            norm.momentum = momentum
            norm.moving_mean.assign(mean)
            norm.moving_variance.assign(variance)
        super().on_test_end(logs)


def _compile(network, optimizer, label_smoothing):
    network.compile(
        optimizer,
        loss=keras.losses.BinaryCrossentropy(label_smoothing=label_smoothing),
        metrics=["accuracy", keras.metrics.AUC(name="auc")],
        steps_per_execution=steps_at_once(25),
    )
