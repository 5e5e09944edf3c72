"""Images that stand in two splits, byte for byte: what was learned by heart is then no test.

And images of one source: they are twins in all but bytes.
"""

from __future__ import annotations

import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data.dividing import SPLITS
from truthpixel_utils.data.images import digests

# The photographs that the sample was cut from, as a pattern. Its files are named after them:
# coffee_0012.jpg.
SAMPLE_PHOTOGRAPHS = (
    "actors|alpaca|angelfish|astronaut|baseball|bee|brushes|butterfly|calf|camels|capitol|"
    "castle|cheetah|chelsea|china|clownfish|coffee|cow|crab|dandelion|dog|dogs|drums|duck|fig|"
    "flower|gate|giraffe|goat|gorilla|hawamahal|hedgehog|heron|hopper|horse|kingfisher|kitten|"
    "koala|lemur|liberty|macaw|machupicchu|mariachi|meerkats|moose|mountains|opera|panda|"
    "penguin|redpanda|rhinoceros|rocket|scissors|sheep|skyscraper|squirrel|tajmahal|toucan|"
    "volleyball|windmills"
)


def leak_report(splits: datasets.DatasetDict) -> pd.DataFrame:
    """Count the images of a split that stand, byte for byte, in a split before it.

    A detector may have learned such an image by heart, and so it tests nothing.

    Parameters
    ----------
    splits : datasets.DatasetDict
        As `load_splits` returns them.

    Returns
    -------
    pandas.DataFrame
        One row for validation (whose images are looked for in train) and one for test (looked for
        in train and validation): ``images``, ``seen before`` (images), ``share`` (0..1).
    """
    digests_of = {name: digests(splits[name]) for name in SPLITS}
    images = {name: len(digests_of[name]) for name in SPLITS[1:]}
    twins = {name: _seen_before(digests_of, name).sum() for name in SPLITS[1:]}
    table = pd.DataFrame({"images": images, "seen before": twins})
    return table.assign(share=table["seen before"] / table["images"])


def seen_before(splits: datasets.DatasetDict) -> np.ndarray:
    """Find the test images that stand, byte for byte, in training or validation.

    Parameters
    ----------
    splits : datasets.DatasetDict
        As `load_splits` returns them.

    Returns
    -------
    bool array (N,)
        One value for each of the N test images, in their order.
    """
    return _seen_before({name: digests(splits[name]) for name in SPLITS}, "test")


def source_of(rows: datasets.Dataset | pd.DataFrame) -> pd.Series:
    """Name the source of each image, as far as the data tell it.

    Parameters
    ----------
    rows : datasets.Dataset or pandas.DataFrame
        N rows with the columns ``id`` and ``source``.

    Returns
    -------
    pandas.Series of str
        What the data name: a photographer, a repository, a generator's gallery; of the course's
        sample the photograph that an image was cut from. NaN where there is nothing to go by. The
        index is 0 to N - 1.
    """
    sources = pd.Series(list(rows["source"][:]), dtype=object)
    ids = pd.Series(list(rows["id"][:]), dtype=object)
    pattern = rf"/({SAMPLE_PHOTOGRAPHS})_\d{{4}}[_.]"
    return sources.fillna(ids.str.extract(pattern, expand=False))


def _seen_before(digests_of: dict[str, list[str]], name: str) -> np.ndarray:
    """Tell which digests of the split `name` stand in a split before it."""
    earlier = set()
    for before in SPLITS[: SPLITS.index(name)]:
        earlier.update(digests_of[before])
    return np.array([digest in earlier for digest in digests_of[name]])
