"""The two classes: their order, their names, and what a detector may answer.

Label 0 is real and label 1 is AI-generated, the positive class. Nowhere else in the package are
these names spelled out.
"""

from __future__ import annotations

import re

KEYS = ("real", "ai")  # short names, by label: of table columns, of colours, of files
CLASSES = ("real", "AI-generated")  # by label, as a reader sees them
REAL, AI = CLASSES

# The detector abstains between its two thresholds, and wherever an image is out of distribution.
CANNOT_TELL = "cannot tell"
VERDICTS = (REAL, CANNOT_TELL, AI)  # in the order of the probability

# What data sets call a class, in lower case -> label. A name that is not here is an error: a wrong
# guess would teach a detector the opposite.
CLASS_NAMES = {
    "real": 0,
    "nature": 0,
    "human": 0,
    "fake": 1,
    "ai": 1,
    "ai-generated": 1,
    "generated": 1,
    "synthetic": 1,
}


def label_of(name: str) -> int | None:
    """Tell which class a data set means.

    Parameters
    ----------
    name : str
        What it calls the class. Upper and lower case are alike, so are ``_`` and ``-``, and a
        number in front says nothing.

    Returns
    -------
    int or None
        1 = AI-generated, 0 = real; None for a name that is not known.

    Examples
    --------
    >>> label_of("0_real"), label_of("AI_Generated"), label_of("1")
    (0, 1, None)
    """
    plain = re.sub(r"[_\s]+", "-", name.strip().lower())
    return CLASS_NAMES.get(re.sub(r"^\d+-", "", plain))
