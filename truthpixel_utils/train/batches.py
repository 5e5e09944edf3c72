"""The batches of an epoch, in an order that follows from the seed and the number of the epoch."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np

from truthpixel_utils.backend import keras

Examples = tuple[np.ndarray, np.ndarray]  # inputs (views, N, ...) and labels (N,)


class Batches(keras.utils.PyDataset):
    """One view of each image an epoch, in batches.

    Order and views follow from the seed and the number of the epoch, so that a resumed training
    meets the same batches. Inputs are read batch by batch: features that are larger than memory
    stay on disk.

    Parameters
    ----------
    inputs : np.ndarray
        Pixels or features (views, N, ...).
    labels : np.ndarray
        Labels (N,), 0 or 1.
    batch_size : int
        Images a batch; the last batch may have fewer.
    seed : int, optional
        Seed of order and changes; without one, the order is the images' own.
    epoch : int
        Number of epochs that were trained already.
    change : Callable, optional
        Function of an image and a numpy.random.Generator that returns the image as the network is
        to meet it this time.
    """

    def __init__(
        self,
        inputs: np.ndarray,
        labels: np.ndarray,
        batch_size: int,
        seed: int | None = None,
        epoch: int = 0,
        change: Callable[[np.ndarray, np.random.Generator], np.ndarray] | None = None,
    ):
        super().__init__()
        self.inputs, self.labels, self.batch_size = inputs, labels, batch_size
        self.seed, self.epoch, self.change = seed, epoch, change
        self._arrange()

    def __len__(self) -> int:
        return math.ceil(len(self.labels) / self.batch_size)

    def __getitem__(self, batch: int) -> Examples:
        rows = self.order[batch * self.batch_size : (batch + 1) * self.batch_size]
        views = (rows + self.epoch) % len(self.inputs)
        inputs = self.inputs[views, rows]
        if self.change:
            rng = np.random.default_rng((self.seed, self.epoch, batch))
            inputs = np.stack([self.change(image, rng) for image in inputs])
        return inputs.astype(np.float32), self.labels[rows]

    def on_epoch_end(self) -> None:
        """Go on to the order and the views of the next epoch."""
        self.epoch += 1
        self._arrange()

    def _arrange(self):
        self.order = np.arange(len(self.labels))
        if self.seed is not None:
            np.random.default_rng((self.seed, self.epoch)).shuffle(self.order)
