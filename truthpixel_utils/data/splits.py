"""Rows, labels, splits and thumbnails: everything between a folder of images and what the network is shown.

Labels: 1 = AI-generated (the positive class), 0 = real; always by class *name*. Images: uint8 RGB, 0..255.
"""

import hashlib
from concurrent.futures import ThreadPoolExecutor

import cv2
import datasets
import numpy as np
import pandas as pd

from truthpixel_utils.data import sources
from truthpixel_utils.data.sources import to_rgb
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import KEYS

THUMBNAIL = 32  # pixels a side: the size at which CIFAKE, and so the detector, knows the world
SPLITS = ("train", "validation", "test")
SHARES = (0.70, 0.15, 0.15)
ROW = ["image", "label", "id", "generator"]
OFFICIAL_SHARES = (0.85, 0.15)  # of CIFAKE's own training images: training and validation


def load_splits(source="auto", split="truthpixel", limit=None, seed=42):
    """Load a data set and divide it into training, validation and test rows.

    Parameters
    ----------
    source : str or Path
        ``"auto"`` (see `sources.find`), ``"sample"``, ``"hub"``, or a folder of parquet shards or class folders.
    split : {"truthpixel", "official"}
        ``"truthpixel"``: 70/15/15 of all images, twins (byte-identical images) always on one side.
        ``"official"``: the data set's own test part; its training part divided 85/15.
        A source that brings a validation part of its own (the sample: divided by photograph) is used as it came.
    limit : int, optional
        Use this many images in all, half of them real.
    seed : int
        The same seed chooses the same rows on any machine and from any copy of the data set.

    Returns
    -------
    datasets.DatasetDict with ``train``, ``validation``, ``test``; columns ``image, label, id, generator``.

    Raises
    ------
    TruthPixelError for a missing folder, a single class, unknown class names, an impossible split or limit.
    """
    if split not in ("truthpixel", "official"):
        raise TruthPixelError(f'split is {split!r}: expected "truthpixel" or "official".')
    if limit is not None and limit < 20:
        raise TruthPixelError(f"limit is {limit}: at least 20 images are needed to fill three splits with two classes.")
    table = _without_damaged(sources.read_source(sources.find_source(source)))
    rows = _index(table, seed)
    if limit is not None:
        rows = _limited(rows, limit)
    sides = _sides(rows, split)
    columns = table.select_columns(ROW)
    splits = {side: columns.select(_shuffled(rows[sides == side]).index) for side in SPLITS}
    if missing := [side for side, part in splits.items() if len(set(part["label"])) < 2]:
        raise TruthPixelError(f"{len(rows)} images leave no real or no AI-generated one for {', '.join(missing)}.")
    return datasets.DatasetDict(splits)


def load_all(source):
    """Load every image of a data set, undivided: to measure on, never to train on.

    Returns
    -------
    datasets.Dataset with columns ``image, label, id, generator``; raises as `load_splits` does.
    """
    return _without_damaged(sources.read_source(sources.find_source(source))).select_columns(ROW)


def summary(splits):
    """Count images by split and class.

    Returns
    -------
    pandas.DataFrame, one row a split, with columns ``real``, ``ai`` and ``total`` (images).
    """
    counts = {name: np.bincount(part["label"], minlength=2) for name, part in splits.items()}
    table = pd.DataFrame(counts, index=list(KEYS)).T
    return table.assign(total=table.sum(axis=1))


def leak_report(splits):
    """Count images of a split that stand, byte for byte, in a split before it: what was learned is then no test.

    Returns
    -------
    pandas.DataFrame, one row for validation (looked for in train) and one for test (looked for in train and
    validation): ``images``, ``seen before`` (images), ``share`` (0..1).
    """
    known = {name: digests(splits[name]) for name in SPLITS}
    twins = {name: _seen_before(known, name).sum() for name in SPLITS[1:]}
    table = pd.DataFrame({"images": {name: len(known[name]) for name in twins}, "seen before": twins})
    return table.assign(share=table["seen before"] / table["images"])


def seen_before(splits):
    """Find the test images that stand, byte for byte, in training or validation: bool array (N,)."""
    return _seen_before({name: digests(splits[name]) for name in SPLITS}, "test")


def _seen_before(known, name):
    """Which of a split's digests a split before it holds; known: digests by split."""
    earlier = {digest for split in SPLITS[: SPLITS.index(name)] for digest in known[split]}
    return np.array([digest in earlier for digest in known[name]])


def digests(rows):
    """Hash the encoded image of each row: a list of hexadecimal str; equal ones are twins, byte for byte."""
    return [hashlib.sha256(image).hexdigest() for batch in encoded_images(rows) for image in batch]


def thumbnail(image, size=THUMBNAIL):
    """Make any image what the detector was trained on: centre square, area-averaged to a thumbnail.

    This is the only way an image reaches the network, in training, scoring and the demo.

    Parameters
    ----------
    image : bytes, PIL.Image.Image or uint8 array (height, width, 3)
    size : int, pixels a side

    Returns
    -------
    uint8 array (size, size, 3), RGB, 0..255
    """
    pixels = image if isinstance(image, np.ndarray) else np.asarray(to_rgb(image))
    height, width = pixels.shape[:2]
    side = min(height, width)
    top, left = (height - side) // 2, (width - side) // 2
    square = pixels[top : top + side, left : left + side]
    if side == size:
        return square
    return cv2.resize(square, (size, size), interpolation=cv2.INTER_AREA if side > size else cv2.INTER_LINEAR)


def thumbnails(rows, size=THUMBNAIL):
    """Decode a split into arrays.

    Parameters
    ----------
    rows : datasets.Dataset with columns ``image`` and ``label``
    size : int, pixels a side

    Returns
    -------
    images : uint8 array (N, size, size, 3), RGB, 0..255
    labels : float32 array (N,), 1 = AI-generated
    """
    images = np.empty((len(rows), size, size, 3), np.uint8)
    start = 0
    with ThreadPoolExecutor() as pool:  # Pillow and OpenCV let go of Python's lock while they decode
        for batch in encoded_images(rows):
            images[start : start + len(batch)] = list(pool.map(lambda data: thumbnail(data, size), batch))
            start += len(batch)
    return images, np.asarray(rows["label"], np.float32)


def encoded_images(rows):
    """The encoded images of a split, as lists of bytes: never all at once, since a data set may outgrow the memory."""
    for batch in rows.select_columns("image").with_format("arrow").iter(256):
        yield batch.column("image").combine_chunks().field("bytes").to_pylist()


def _without_damaged(table):
    problems, ids = table["problem"][:], table["id"][:]
    bad = [i for i, problem in enumerate(problems) if problem]
    if not bad:
        return table
    names = [f"{ids[i]} ({problems[i]})" for i in bad[:5]]
    print(f"Left out {len(bad)} damaged images: {'; '.join(names)}{' ...' if len(bad) > 5 else ''}")
    return table.select([i for i, problem in enumerate(problems) if not problem])


def _index(table, seed):
    """What splitting needs to know of each row; `key` orders rows by seed and content, not by how files are listed."""
    columns = {name: table[name][:] for name in ("id", "label", "part")}
    rows = pd.DataFrame({**columns, "twins": digests(table)})
    nth = rows.sort_values("id").groupby("twins").cumcount()
    return rows.assign(key=[_key(seed, f"{twins}/{nth[i]}") for i, twins in rows["twins"].items()])


def _key(seed, text):
    return hashlib.blake2b(f"{seed}/{text}".encode(), digest_size=8).hexdigest()


def _shuffled(rows):
    return rows.sort_values("key")


def _limited(rows, limit):
    """`limit` rows, half of each class, each part of the source in proportion."""
    share = limit / 2 / rows.groupby("label").size()
    if (share > 1).any():
        raise TruthPixelError(
            f"limit is {limit}: only {rows.groupby('label').size().min() * 2} images can be balanced."
        )
    chosen = []
    for label, of_class in rows.groupby("label"):
        sizes = of_class.groupby("part").size()
        for part, count in zip(sizes.index, _round_to(sizes * share[label], limit // 2)):
            chosen.append(_shuffled(of_class[of_class.part == part]).head(count))
    return pd.concat(chosen).sort_index()


def _round_to(amounts, total):
    """Round amounts to integers that add up to `total` (largest remainders)."""
    amounts = np.asarray(amounts, float)
    whole = np.floor(amounts + 1e-9).astype(int)
    whole[np.argsort(whole - amounts, kind="stable")[: total - whole.sum()]] += 1
    return whole


def _sides(rows, split):
    """The name of the split each row goes to, as a Series on the same index."""
    parts = set(rows["part"])
    if parts == set(SPLITS):
        print("Split: as the source brings it.")
        return rows["part"]
    if split == "truthpixel":
        return _divide(rows, SPLITS, SHARES)
    if parts != {"train", "test"}:
        raise TruthPixelError(
            f'split="official" needs parts train and test; this source has {", ".join(sorted(parts))}.'
        )
    inner = _divide(rows[rows.part == "train"], SPLITS[:2], OFFICIAL_SHARES)
    return inner.reindex(rows.index).fillna("test")


def _divide(rows, names, shares):
    """Deal groups of twins, largest first, to the split that lacks most: exact counts, no twin on two sides."""
    lacking = {
        label: dict(zip(names, _round_to(np.multiply(shares, len(of_class)), len(of_class))))
        for label, of_class in rows.groupby("label")
    }
    target = {label: dict(counts) for label, counts in lacking.items()}
    sides = {}
    alone = ~rows["twins"].duplicated(keep=False)
    groups = [
        (group.label.iloc[0], list(group.index)) for _, group in _shuffled(rows[~alone]).groupby("twins", sort=False)
    ]
    groups.sort(key=lambda group: -len(group[1]))
    groups += [(label, [i]) for i, label in _shuffled(rows[alone])["label"].items()]
    for label, members in groups:
        counts = lacking[label]
        side = max(names, key=lambda name: counts[name] / max(target[label][name], 1))
        counts[side] -= len(members)
        sides.update(dict.fromkeys(members, side))
    return pd.Series(sides).reindex(rows.index)
