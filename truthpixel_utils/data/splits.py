"""How a data set is divided: into training, validation and test rows.

Labels: 1 = AI-generated (the positive class), 0 = real. *Twins* are byte-identical images.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path

import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data.images import encoded_images
from truthpixel_utils.data.sources import find_source
from truthpixel_utils.data.tables import read_source
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import CLASSES, KEYS

KINDS = ("truthpixel", "random", "official", "all")
SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
ROW = ["image", "label", "id", "generator", "source", "squares", "format", "width", "height"]
OFFICIAL_SHARES = (0.85, 0.15)  # of CIFAKE's own training images: training and validation


def load_splits(
    source: str | Path = "auto",
    split: str = "truthpixel",
    limit: int | None = None,
    seed: int = 42,
) -> datasets.DatasetDict:
    """Load a data set and divide it into training, validation and test rows.

    Parameters
    ----------
    source : str or Path
        ``"auto"`` (see `sources.find_source`), ``"sample"``, ``"hub"``, or a folder of parquet
        shards or class folders.
    split : {"truthpixel", "random", "official", "all"}
        ``"truthpixel"``: 70/15/15 of all images, with twins always in one split, and so with
        all images of a source (a photographer, a repository, a generator's gallery) where the
        data name one: they are twins in all but bytes.
        ``"random"``: the same without regard to sources, which promises too much.
        ``"official"``: the data set's own test part; its training part is divided 85/15.
        ``"all"``: every image is a test image, for a detector that was trained on others.
        A source that brings a validation part of its own is used as it came (the course's sample
        does: it is divided by photograph).
    limit : int, optional
        Use this many images in all, half of them real; at least 20.
    seed : int
        The same seed chooses the same rows on any machine and from any copy of the data set.

    Returns
    -------
    datasets.DatasetDict
        ``train``, ``validation`` and ``test``, each with the columns ``image, label, id, generator,
        source, squares, format, width, height``, see `tables.read_source`.

    Raises
    ------
    TruthPixelError
        For a missing folder, a single class, unknown class names, an impossible split or limit.
    """
    if split not in KINDS:
        known = ", ".join(f'"{kind}"' for kind in KINDS)
        raise TruthPixelError(f"split is {split!r}: expected one of {known}.")
    if limit is not None and limit < 20:
        raise TruthPixelError(
            f"limit is {limit}: at least 20 images are needed "
            "to fill three splits with two classes."
        )
    table = _without_damaged(read_source(find_source(source)))
    rows = _index(table, seed)
    if limit is not None:
        rows = _limited(rows, limit)
    split_of = _split_of_each(rows, split)
    columns = table.select_columns(ROW)
    splits = {name: columns.select(_shuffled(rows[split_of == name]).index) for name in SPLITS}
    needed = SPLITS if split != "all" else ("test",)
    if missing := [name for name in needed if len(set(splits[name]["label"])) < 2]:
        raise TruthPixelError(
            f"{len(rows)} images leave no real or no AI-generated one for {', '.join(missing)}."
        )
    return datasets.DatasetDict(splits)


def load_all(source: str | Path) -> datasets.Dataset:
    """Load every image of a data set, undivided: to measure on, never to train on.

    Parameters
    ----------
    source : str or Path
        As `load_splits` takes it.

    Returns
    -------
    datasets.Dataset
        The columns of a split, see `load_splits`.

    Raises
    ------
    TruthPixelError
        For a missing folder, a single class, or unknown class names.
    """
    return _without_damaged(read_source(find_source(source))).select_columns(ROW)


def leave_one_out(
    rows: datasets.Dataset, by: str = "generator"
) -> Iterator[tuple[str, np.ndarray]]:
    """Leave out the AI-generated images of one generator at a time.

    A detector that is trained on the others meets, in what was left out, a generator it never saw.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``label`` and `by`.
    by : str
        The column that names what is left out: ``"generator"`` or ``"source"``.

    Yields
    ------
    name : str
        The generator that is left out.
    left_out : bool array (N,)
        True for its images.
    """
    names, labels = np.array(rows[by][:]), np.array(rows["label"][:])
    for name in sorted(set(names[labels == 1])):
        yield name, (names == name) & (labels == 1)


def summary(splits: datasets.DatasetDict) -> pd.DataFrame:
    """Count images by split and class.

    Parameters
    ----------
    splits : datasets.DatasetDict
        As `load_splits` returns them.

    Returns
    -------
    pandas.DataFrame
        One row a split, with the columns ``real``, ``ai`` and ``total`` (images).
    """
    counts = {name: np.bincount(part["label"], minlength=2) for name, part in splits.items()}
    table = pd.DataFrame(counts, index=list(KEYS)).T
    return table.assign(total=table.sum(axis=1))


def digests(rows: datasets.Dataset) -> list[str]:
    """Hash the encoded image of each row by SHA-256.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with a column ``image``.

    Returns
    -------
    list of str
        One hexadecimal digest a row; twins have the same one.
    """
    found = []
    for batch in encoded_images(rows):
        found.extend(hashlib.sha256(image).hexdigest() for image in batch)
    return found


def _without_damaged(table: datasets.Dataset) -> datasets.Dataset:
    """Leave out the images that do not decode, and say so in one line."""
    problems, ids = table["problem"][:], table["id"][:]
    bad = [i for i, problem in enumerate(problems) if problem]
    if not bad:
        return table
    names = [f"{ids[i]} ({problems[i]})" for i in bad[:5]]
    more = " ..." if len(bad) > 5 else ""
    print(f"Left out {len(bad)} damaged images: {'; '.join(names)}{more}")
    return table.select([i for i, problem in enumerate(problems) if not problem])


def _index(table: datasets.Dataset, seed: int) -> pd.DataFrame:
    """Collect what dividing needs to know of each row: id, label, part, source, digest and key.

    ``key`` orders the rows by the seed and by what is in their files, not by how a copy of the data
    set lists them. Twins are told apart by their number, in the order of their ids.
    """
    columns = {name: table[name][:] for name in ("id", "label", "part", "source")}
    rows = pd.DataFrame({**columns, "digest": digests(table)})
    number = rows.sort_values("id").groupby("digest").cumcount()
    keys = [_key(seed, f"{digest}/{number[i]}") for i, digest in rows["digest"].items()]
    return rows.assign(key=keys)


def _key(seed: int, text: str) -> str:
    return hashlib.blake2b(f"{seed}/{text}".encode(), digest_size=8).hexdigest()


def _shuffled(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.sort_values("key")


def _limited(rows: pd.DataFrame, limit: int) -> pd.DataFrame:
    """Choose `limit` rows, half of each class, and from each part of the source in proportion.

    For each class, the seats (`limit` / 2) are shared out among the parts by their numbers of
    images, and each part sends the first of its images in shuffled order.
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
            chosen.append(_shuffled(of_part).head(count))
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


def _split_of_each(rows: pd.DataFrame, split: str) -> pd.Series:
    """Name the split that each row goes to; the result has the index of `rows`."""
    parts = set(rows["part"])
    if split == "all":
        return pd.Series("test", rows.index)
    if split == "random":
        return _divide(rows.assign(source=None), SPLITS, SHARES)
    if parts == set(SPLITS):
        print("Split: as the source brings it.")
        return rows["part"]
    if split == "truthpixel":
        return _divide(_with_sources_to_divide(rows), SPLITS, SHARES)
    if parts != {"train", "test"}:
        raise TruthPixelError(
            'split="official" needs parts train and test; '
            f"this source has {', '.join(sorted(parts))}."
        )
    divided = _divide(rows[rows["part"] == "train"], SPLITS[:2], OFFICIAL_SHARES)
    return divided.reindex(rows.index).fillna("test")


def _with_sources_to_divide(rows: pd.DataFrame) -> pd.DataFrame:
    """Forget the sources of a class that has too few of them to fill three splits, and say so."""
    sources = rows["source"].copy()
    for label, of_class in rows.groupby("label"):
        named = of_class["source"].dropna().nunique()
        if 0 < named < len(SPLITS):
            print(
                f"Only {named} sources of {CLASSES[label]} images: they are divided image by "
                "image, and what is measured on them promises too much."
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
        As `_index` returns it.
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
    shuffled = _shuffled(rows)
    groups = {}
    for row, name in shuffled["source"].fillna(shuffled["digest"]).items():
        groups.setdefault(name, []).append(row)
    return sorted(groups.values(), key=len, reverse=True)
