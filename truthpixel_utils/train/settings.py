"""What a reader of the course may choose about a training, and what of it makes sense."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from numbers import Number

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.train.recipes import RECIPES

Epochs = int | Sequence[Sequence[int]]  # a number, or stages such as [[64, 10], [96, 8]]


@dataclass(frozen=True)
class Settings:
    """All that is chosen about a training.

    The record of a training holds these fields by name: under another one it would begin anew.

    Attributes
    ----------
    stages : tuple of (int, int)
        Pixels a side inside the network and epochs at most, stage by stage; see `read_stages`.
    learning_rate : float
        Of the optimizer, in the first stage.
    batch_size : int
        Images a step.
    views : int
        Views of each image that epochs alternate between; see `augment.augmented_views`.
    recipe : str
        A name in `recipes.RECIPES`.
    seed : int
        Seed of order, augmentation and dropout.

    Raises
    ------
    TruthPixelError
        If a number is not above 0 or there is no such recipe.
    """

    stages: tuple[tuple[int, int], ...]
    learning_rate: float
    batch_size: int
    views: int
    recipe: str
    seed: int

    def __post_init__(self) -> None:
        numbers = {
            "epochs": min(epochs for _, epochs in self.stages),
            "learning_rate": self.learning_rate,
            "batch_size": self.batch_size,
            "views": self.views,
        }
        for name, value in numbers.items():
            if not value > 0:
                raise TruthPixelError(f"{name} is {value}: expected a number above 0.")
        if self.recipe not in RECIPES:
            known = " or ".join(RECIPES)
            raise TruthPixelError(f'recipe is "{self.recipe}": expected {known}.')

    def learning_rate_of(self, stage: int) -> float:
        """Where a stage begins: each half as high as the one before.

        Parameters
        ----------
        stage : int
            The stage's number, from 1.

        Returns
        -------
        float
            The optimizer's learning rate.
        """
        return self.learning_rate / 2 ** (stage - 1)


def read_stages(epochs: Epochs, image_size: int) -> tuple[tuple[int, int], ...]:
    """Write the epochs of a training as stages.

    Parameters
    ----------
    epochs : int or sequence of (int, int)
        A number of epochs; or stages, each with pixels a side inside the network and epochs.
    image_size : int
        Pixels a side inside the detector: what the last stage must have.

    Returns
    -------
    tuple of (int, int)
        Pixels a side and epochs of each stage.

    Raises
    ------
    TruthPixelError
        If `epochs` is neither, or ends at another size than the detector has.

    Examples
    --------
    >>> read_stages(10, image_size=96)
    ((96, 10),)
    >>> read_stages([[64, 10], [96, 8]], image_size=96)
    ((64, 10), (96, 8))
    """
    if isinstance(epochs, Number):
        return ((image_size, epochs),)
    try:
        stages = tuple((pixels, count) for pixels, count in epochs)
        last_size, _ = stages[-1]
    except (TypeError, ValueError, IndexError) as error:
        raise TruthPixelError(
            f"epochs is {epochs}: expected a number, or stages as in [[64, 10], [96, 8]]."
        ) from error
    if last_size != image_size:
        raise TruthPixelError(
            f"epochs end at {last_size} pixels: expected the detector's own size, {image_size}."
        )
    return stages
