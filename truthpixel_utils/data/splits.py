"""How a data set is divided: into training, validation and test rows.

Labels: 1 = AI-generated (the positive class), 0 = real. *Twins* are byte-identical images;
`dividing` says who goes where.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data.dividing import SPLITS, index_rows, limited, shuffled, split_of_each
from truthpixel_utils.data.sources import find_source
from truthpixel_utils.data.tables import UNLABELLED, read_source
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import KEYS

KINDS = ("truthpixel", "random", "official", "all")
ROW = ["image", "label", "id", "generator", "source", "squares", "format", "width", "height"]


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
    table = _usable(read_source(find_source(source)))
    rows = index_rows(table, seed)
    if limit is not None:
        rows = limited(rows, limit)
    split_of = split_of_each(rows, split)
    columns = table.select_columns(ROW)
    splits = {name: columns.select(shuffled(rows[split_of == name]).index) for name in SPLITS}
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
    return _usable(read_source(find_source(source))).select_columns(ROW)


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


def _usable(table: datasets.Dataset) -> datasets.Dataset:
    """Leave out the images that do not decode or have no label; say so, a line for each kind."""
    rows = pd.DataFrame({"id": table["id"][:], "problem": table["problem"][:]})
    bad = rows[rows["problem"].notna()]
    if bad.empty:
        return table
    unlabelled = bad[bad["problem"] == UNLABELLED]
    damaged = bad[bad["problem"] != UNLABELLED]
    if len(unlabelled):
        _tell_left_out("{} without a label", list(unlabelled["id"]))
    if len(damaged):
        names = [f"{name} ({problem})" for name, problem in damaged.itertuples(index=False)]
        _tell_left_out("damaged {}", names)
    if len(bad) == len(rows):
        raise TruthPixelError(f"none of the {len(rows)} images can be used.")
    return table.select(rows.index[rows["problem"].isna()])


def _tell_left_out(what: str, names: list[str]) -> None:
    """Print one line; `what` has a place for the word image."""
    what = what.format("image" if len(names) == 1 else "images")
    more = " ..." if len(names) > 5 else ""
    print(f"Left out {len(names):,} {what}: {'; '.join(names[:5])}{more}")
