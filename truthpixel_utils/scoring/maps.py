"""Drawings of what the detector found most likely made by AI, once the table is there."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from truthpixel_utils import demo, plots
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.labels import AI
from truthpixel_utils.scoring.places import Unit
from truthpixel_utils.scoring.reading import items_of
from truthpixel_utils.scoring.store import Store


def draw_maps(
    units: Iterator[Unit],
    store: Store,
    folder: Path,
    above: float,
    model_file: str | Path | None,
    output_dir: str | Path,
) -> int:
    """Draw, for pictures with a high probability, where it comes from, as ``explain`` does.

    Parameters
    ----------
    units, store
        What was scored.
    folder : Path
        Where the drawings go, absolute. One that is there already is not drawn again.
    above : float
        The probability, 0..1, from which on pictures are drawn whose verdict is *AI-generated*.
    model_file, output_dir
        As for `Scorer`.

    Returns
    -------
    int
        How many pictures there are above that probability.
    """
    analyze, count = None, 0
    for unit in units:
        key = store.key(unit)
        chosen = _chosen(store, key, above)
        count += len(chosen)
        for place, item in enumerate(items_of(unit) if chosen else ()):
            if place not in chosen:
                continue
            path = folder / _name(item.id, key, place)
            if path.exists():
                continue
            analyze = analyze or demo.load_analyzer(model_file, output_dir)
            try:
                report = analyze(item.read(), item.id)
            except TruthPixelError:  # it was there a moment ago
                continue
            plots.save_figure(demo.exports.figure(report), path)
    return count


def _chosen(store, key, above):
    """The places, in their unit, of the pictures that are to be drawn."""
    found, first = set(), 0
    for table in store.tables(key):
        columns = table.select(["p_ai", "verdict"]).to_pandas()
        high = (columns["p_ai"] >= above) & (columns["verdict"] == AI)
        found.update((first + np.flatnonzero(high)).tolist())
        first += table.num_rows
    return found


def _name(picture_id, key, place):
    """A name that people recognize, and that no other picture has."""
    stem = os.path.splitext(picture_id.rpartition("/")[2])[0]
    return f"{re.sub(r'[^A-Za-z0-9._-]', '_', stem)[:80]}_{key[:8]}_{place}.png"
