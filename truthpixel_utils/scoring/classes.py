"""What the names of folders and fields say of a picture's class, where they say it at all.

A name is never guessed at: folders name classes only where both stand beside each other, and a
number is no name.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from truthpixel_utils.data.rows import CAMERA, printable
from truthpixel_utils.data.sources import PARTS
from truthpixel_utils.labels import label_of


class Class(NamedTuple):
    """What is known of a picture's class.

    Attributes
    ----------
    label : int or None
        1 = AI-generated, 0 = real; None where nobody says.
    generator : str or None
        What made it, where the data say so.
    """

    label: int | None = None
    generator: str | None = None

    def below(self, folder: str, beside: Iterable[str]) -> Class:
        """Say what is known in a folder of one in which this is known.

        Parameters
        ----------
        folder : str
            The inner folder's name.
        beside : iterable of str
            The names of all folders there: real and AI-generated ones beside each other are a data
            set's classes.

        Returns
        -------
        Class
        """
        if self.label is None:
            label = label_of(folder)
            if label is None or len({label_of(name) for name in beside} - {None}) < 2:
                return self
            return Class(label, CAMERA if label == 0 else None)
        if self.generator is None and folder.lower() not in PARTS:
            return Class(self.label, printable(folder))
        return self


NO_CLASS = Class()


def class_of(label: object, generator: object, names: list[str] | None = None) -> Class:
    """Read a picture's class from a field of a table or of a text beside it.

    Parameters
    ----------
    label : object
        The class's name, or its number where `names` says what numbers mean.
    generator : object
        What made the picture, if anything names it.
    names : list of str, optional
        The classes, by their numbers.

    Returns
    -------
    Class
        Without a label where the name is not known.
    """
    is_number = isinstance(label, int) and not isinstance(label, bool)
    if is_number:
        label = names[label] if names and 0 <= label < len(names) else None
    found = label_of(label) if isinstance(label, str) else None
    by = printable(generator) if isinstance(generator, str) and generator else None
    return Class(found, by or (CAMERA if found == 0 else None))
