"""Who goes where: rows are chosen by their content, and dealt out to splits.

*Twins* are byte-identical images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data.images import digests
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import CLASSES

SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
OFFICIAL_SHARES = (0.85, 0.15)  # of CIFAKE's own training images: training and validation


def index_rows(table: datasets.Dataset, seed: int) -> pd.DataFrame:
    """Collect what dividing needs to know of each row: id, label, part, source, digest and key.

    ``key`` orders the rows by the seed and by what is in their files, not by how a copy of the data
    set lists them. Twins are told apart by their number, in the order of their ids.

    Parameters
    ----------
    table : datasets.Dataset
        From `tables.read_source`.
    seed : int
        Another seed gives other keys.

    Returns
    -------
    pandas.DataFrame
        One row an image, in the table's order.
    """
    columns = {name: table[name][:] for name in ("id", "label", "part", "source")}
    rows = pd.DataFrame({**columns, "digest": digests(table)})
    number = rows.sort_values("id").groupby("digest").cumcount()
    keys = [_key(seed, f"{digest}/{number[i]}") for i, digest in rows["digest"].items()]
    return rows.assign(key=keys)


def _key(seed: int, text: str) -> str:
    return hashlib.blake2b(f"{seed}/{text}".encode(), digest_size=8).hexdigest()


def shuffled(rows: pd.DataFrame) -> pd.DataFrame:
    """Put rows into the order of their keys.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `index_rows` returns it.

    Returns
    -------
    pandas.DataFrame
        The same rows.
    """
    return rows.sort_values("key")


def limited(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Choose `limit` rows, half of each class, and from each part of the source in proportion.

    For each class, the seats (`limit` / 2) are shared out among the parts by their numbers of
    images, and each part sends the first of its images in shuffled order.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `index_rows` returns it.
    limit : int
        Rows in all.

    Returns
    -------
    pandas.DataFrame
        The rows that were chosen.

    Raises
    ------
    TruthPixelError
        If a class has too few.
    """
    smallest_class = rows.groupby("label").size().min()
    if limit / 2 > smallest_class:
        raise TruthPixelError(
            f"limit is {limit}: only {smallest_class * 2} images can be balanced."
        )
    chosen = []
    for _, of_class in rows.groupby("label"):
        share = limit / 2 / len(of_class)
        parts = of_class.groupby("part")
        counts = _round_to(parts.size() * share, limit // 2)
        for (_, of_part), count in zip(parts, counts, strict=True):
            chosen.append(shuffled(of_part).head(count))
    return pd.concat(chosen).sort_index()


def _round_to(amounts: Sequence[float], total: int) -> np.ndarray:
    """Round amounts to integers that add up to `total`, by the method of largest remainders.

    All amounts are rounded down; what is missing in the total is given, one each, to those which
    lost most by that.

    >>> _round_to([1.4, 2.6, 3.0], 7)
    array([1, 3, 3])
    """
    amounts = np.asarray(amounts, float)
    whole = np.floor(amounts + 1e-9).astype(int)
    missing = total - whole.sum()
    largest_remainders_first = np.argsort(whole - amounts, kind="stable")
    whole[largest_remainders_first[:missing]] += 1
    return whole


def split_of_each(rows: pd.DataFrame, split: str) -> pd.Series:
    """Name the split that each row goes to.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `index_rows` returns it.
    split : str
        How to divide, see `splits.load_splits`.

    Returns
    -------
    pandas.Series of str
        The split of each row, on the index of `rows`.

    Raises
    ------
    TruthPixelError
        If the data lack a part that is needed.
    """
    parts = set(rows["part"])
    if split == "all":
        return pd.Series("test", rows.index)
    if split == "random":
        return _divide(rows.assign(source=None), SPLITS, SHARES)
    if parts == set(SPLITS):
        print(
            "Split: the three parts in which the data came "
            f'(split="{split}" is for data that came in one).'
        )
        return rows["part"]
    if split == "truthpixel":
        return _divide(_with_sources_to_divide(rows, SPLITS), SPLITS, SHARES)
    if parts != {"train", "test"}:
        raise TruthPixelError(
            'split="official" needs parts train and test; '
            f"this source has {', '.join(sorted(parts))}."
        )
    training = _with_sources_to_divide(rows[rows["part"] == "train"], SPLITS[:2])
    divided = _divide(training, SPLITS[:2], OFFICIAL_SHARES)
    return divided.reindex(rows.index).fillna("test")


def _with_sources_to_divide(rows: pd.DataFrame, names: Sequence[str]) -> pd.DataFrame:
    """Forget the sources of a class that has too few of them to fill the splits, and say so."""
    sources = rows["source"].copy()
    for label, of_class in rows.groupby("label"):
        named = of_class["source"].dropna().nunique()
        if 0 < named < len(names):
            sources_of = f"{named} source{'s' if named > 1 else ''} of {CLASSES[label]} images"
            print(
                f"Only {sources_of}: they are divided image by image, and what is measured on them "
                "promises too much."
            )
            sources[of_class.index] = None
    return rows.assign(source=sources)


def _divide(rows: pd.DataFrame, names: Sequence[str], shares: Sequence[float]) -> pd.Series:
    """Deal rows out to splits, so that twins and sources stay together and each gets its share.

    Each split is to have so many rows of each class (its target). Groups (twins, or all images of
    a source) are dealt like cards, the largest group first, each to the split that lacks the
    largest fraction of its target in the group's class. The single images come last, and fill what
    the groups have left open.

    Parameters
    ----------
    rows : pandas.DataFrame
        As `index_rows` returns it.
    names : sequence of str
        The splits.
    shares : sequence of float
        The share of the rows that each split is to have; together 1.

    Returns
    -------
    pandas.Series of str
        The split of each row, on the index of `rows`.
    """
    targets = {}
    for label, of_class in rows.groupby("label"):
        counts = _round_to(np.multiply(shares, len(of_class)), len(of_class))
        targets[label] = dict(zip(names, counts, strict=True))
    lacking = {label: dict(target) for label, target in targets.items()}

    label_of = rows["label"].to_dict()
    split_of = {}
    for group in _groups(rows):
        label = label_of[group[0]]
        fractions = {name: lacking[label][name] / max(targets[label][name], 1) for name in names}
        neediest = max(names, key=fractions.get)
        for row in group:
            lacking[label_of[row]][neediest] -= 1
            split_of[row] = neediest
    return pd.Series(split_of).reindex(rows.index)


def _groups(rows: pd.DataFrame) -> list[list[int]]:
    """Group the rows (by their index) that are of one source or, without one, twins.

    The largest group comes first; groups of one size are shuffled.
    """
    in_order = shuffled(rows)
    groups = {}
    for row, name in in_order["source"].fillna(in_order["digest"]).items():
        groups.setdefault(name, []).append(row)
    return sorted(groups.values(), key=len, reverse=True)
