"""The batches of an epoch, in an order that follows from the seed and the number of the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from truthpixel_utils.backend import keras

Change = Callable[[np.ndarray, np.random.Generator], np.ndarray]


@dataclass
class Examples:
    """What a network learns from, or is watched on.

    Attributes
    ----------
    inputs : np.ndarray
        Pixels or features (views, N, ...), or what is read like such an array.
    labels : np.ndarray
        Labels (N,), 0 or 1.
    change : Callable, optional
        Function of an image and a numpy.random.Generator that returns the image as the network is
        to meet it this time.
    weights : np.ndarray, optional
        Probability (N,) of drawing each image; without them, an epoch has each image once.
    """

    inputs: np.ndarray
    labels: np.ndarray
    change: Change | None = None
    weights: np.ndarray | None = None


class Batches(keras.utils.PyDataset):
    """One view of each image an epoch, in batches.

    Order and views follow from the seed and the number of the epoch, so that a resumed training
    meets the same batches. Inputs are read batch by batch: features that are larger than memory
    stay on disk.

    Parameters
    ----------
    examples : Examples
        What the batches are of.
    batch_size : int
        Images a batch; the last batch may have fewer.
    seed : int, optional
        Seed of order and changes; without one, the order is the images' own.
    epoch : int
        Number of epochs that were trained already.
    """

    def __init__(
        self,
        examples: Examples,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
    ):
        super().__init__()
        self.examples, self.batch_size, self.seed, self.epoch = examples, batch_size, seed, epoch
        self._arrange()

    def __len__(self) -> int:
        return math.ceil(len(self.examples.labels) / self.batch_size)

    def __getitem__(self, batch: int) -> tuple[np.ndarray, np.ndarray]:
        rows = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        examples = self.examples
        views = (rows + self.epoch) % len(examples.inputs)
        inputs = examples.inputs[views, rows]
        if examples.change:
            rng = np.random.default_rng((self.seed, self.epoch, batch))
            inputs = np.stack([examples.change(image, rng) for image in inputs])
        return inputs.astype(np.float32), examples.labels[rows]

    def on_epoch_end(self) -> None:
        """Go on to the order and the views of the next epoch."""
        self.epoch += 1
        self._arrange()

    def _arrange(self):
        weights, count = self.examples.weights, len(self.examples.labels)
        self.order = np.arange(count)
        if self.seed is None:
            return
        rng = np.random.default_rng((self.seed, self.epoch))
        if weights is None:
            rng.shuffle(self.order)
        else:
            self.order = rng.choice(count, count, p=weights)
