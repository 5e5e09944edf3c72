"""A table of scores from beginning to end, on this machine or on a cluster."""

from __future__ import annotations

import json
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache
from itertools import chain
from pathlib import Path
from typing import IO, NamedTuple

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from tqdm import tqdm

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, leftovers
from truthpixel_utils.locks import alone_in
from truthpixel_utils.scoring.places import Unit, as_unit, find_units
from truthpixel_utils.scoring.store import Store, state_of
from truthpixel_utils.scoring.table import SCHEMA, Part

ENGINES = ("local", "ray")
ROW_GROUP = 65_536  # rows of the table that are written at a time


class Finished(NamedTuple):
    """What a run has made.

    Attributes
    ----------
    rows, failed : int
        How many pictures the table has, and how many of them could not be read.
    reused : int
        How many were there already.
    """

    rows: int
    failed: int
    reused: int


def score(
    paths: str | Path | Sequence[str | Path],
    out: str | Path | None = None,
    *,
    model: str | Path | None = None,
    engine: str = "local",
    output_dir: str | Path = "outputs",
) -> pd.DataFrame:
    """Score pictures: files, folders, archives and shards, on this machine or in a store.

    Parameters
    ----------
    paths : str, Path or sequence of them
        As for the command ``truthpixel score``.
    out : str or Path, optional
        The parquet file to write. Parts lie beside it while the work goes on, so that a call that
        was killed goes on when it is repeated. By default nothing is kept.
    model : str or Path, optional
        A detector's file or name; by default those of the package that are on.
    engine : {"local", "ray"}
        What does the work.
    output_dir : str or Path
        The folder in which the course's own detector lies.

    Returns
    -------
    pandas.DataFrame
        A row a picture, with the columns of `SCHEMA`, also for those that could not be read.

    Raises
    ------
    TruthPixelError
        If nothing is found, a detector is missing, or the table cannot be written.

    Examples
    --------
    >>> truthpixel_utils.score("album").verdict.value_counts()  # doctest: +SKIP
    """
    paths = [paths] if isinstance(paths, (str, Path)) else list(paths)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(out).absolute() if out else Path(folder) / "scores.parquet"
        run(paths, file, model, output_dir, engine, quiet=True)
        whole = {pa.int8(): pd.Int8Dtype(), pa.int32(): pd.Int32Dtype()}  # which may lack numbers
        return pq.read_table(file).to_pandas(types_mapper=whole.get)


def run(
    paths: Sequence[str | Path],
    out: Path,
    model_file: str | Path | None = None,
    output_dir: str | Path = "outputs",
    engine: str = "local",
    *,
    aside: Iterable[Path] = (),
    then: Callable[[Iterator[Unit], Store], None] | None = None,
    quiet: bool = False,
) -> Finished:
    """Score pictures into a table, and go on where an earlier run of the same was killed.

    Parameters
    ----------
    paths : sequence of str or Path
        What to score, see `places.find_units`.
    out : Path
        The parquet file to write, absolute.
    model_file, output_dir
        Who answers, as for `Scorer`.
    engine : {"local", "ray"}
        What does the work.
    aside : iterable of Path
        Other folders that results are written to: nothing in them is scored.
    then : callable, optional
        Called with the units and the store when all rows are there.
    quiet : bool
        Whether to tell nothing of how far it has got.

    Returns
    -------
    Finished
    """
    if engine not in ENGINES:
        raise TruthPixelError(f'engine is "{engine}": expected {" or ".join(ENGINES)}.')
    folder = out.with_name(f"{out.name}.parts")
    with alone_in(folder, "scoring", "--out"), _listed(paths, [out, folder, *aside]) as listed:
        for file in leftovers(out):  # of a run that was killed while it wrote the table
            file.unlink()
        store = Store(folder, state_of(model_file, output_dir))
        work, reused, size = _look_what_is_there(listed, store)
        with _progress(listed.size, size, quiet) as tell:
            for part in _work(engine)(work, model_file, output_dir):
                store.keep(part)
                tell(part)
        keys = {store.key(unit) for unit in listed.units()}
        store.keep_only(keys)
        rows, failed = _write_table(out, listed.units(), store)
        if then:
            then(listed.units(), store)
    return Finished(rows, failed, reused)


class Listed(NamedTuple):
    """The units of a run, noted in a file: there may be more than fit into memory.

    Attributes
    ----------
    file : file object
        A unit a line, as JSON.
    size : int
        Bytes of all of them.
    """

    file: IO[str]
    size: int

    def units(self) -> Iterator[Unit]:
        """Yield the units in their order."""
        self.file.seek(0)
        for line in iter(self.file.readline, ""):
            yield as_unit(json.loads(line))


@contextmanager
def _listed(paths, aside):
    """List what is to be scored, once."""
    with tempfile.TemporaryFile("w+", encoding="utf-8") as file:
        size, count = 0, 0
        for unit in find_units(paths, aside):
            file.write(json.dumps(unit) + "\n")
            size, count = size + unit.size, count + 1
        if not count:
            raise TruthPixelError(
                f"{', '.join(map(str, paths))} holds no pictures, archives or shards."
            )
        yield Listed(file, size)


def _look_what_is_there(listed, store):
    """Return the units that are left to do, and how many rows and bytes are there already."""
    left, reused, size = {}, 0, 0
    for unit in listed.units():
        key = store.key(unit)
        parts, complete = store.done(key)
        reused += sum(part.rows for part in parts)
        size += unit.size if complete else sum(part.size for part in parts)
        if not complete:
            left[key] = len(parts)
    keyed = ((store.key(unit), unit) for unit in listed.units())
    # A unit that was named twice is done once.
    work = ((key, unit, left.pop(key)) for key, unit in keyed if key in left)
    return work, reused, size


def _work(engine):
    if engine == "ray":
        from truthpixel_utils.scoring.by_ray import parts_by_ray

        return parts_by_ray
    return _parts_here


def _parts_here(work, model_file, output_dir):
    """Yield the parts of units, made in this process."""
    from truthpixel_utils.scoring.scorer import tasks_of

    tasks = (task for key, unit, done in work for task in tasks_of(key, unit, done))
    first = next(tasks, None)
    if first is not None:  # else no detector need be loaded
        scorer = _loaded(model_file, output_dir, state_of(model_file, output_dir))
        yield from scorer.parts(chain([first], tasks))


@lru_cache(maxsize=1)
def _loaded(model_file, output_dir, state):
    """Load the detectors once for several calls, as long as their files stay the same."""
    from truthpixel_utils.scoring.scorer import Scorer

    return Scorer(model_file, output_dir)


@contextmanager
def _progress(total, before, quiet):
    """Tell how far it has got: pictures, how many a second, and the time that is left by bytes."""
    often = 1 if sys.stderr.isatty() else 10  # seconds
    form = "{percentage:3.0f} %, {remaining} left{desc}"
    with tqdm(total=total, bar_format=form, mininterval=often, disable=quiet) as bar:
        bar.update(before)
        bar.initial = before  # the rate is of what this run does
        start, rows, failed = time.monotonic(), 0, 0

        def tell(part: Part):
            nonlocal rows, failed
            rows, failed = rows + part.rows, failed + part.failed
            rate = rows / max(time.monotonic() - start, 1e-9)
            words = f", {rows:,} pictures, {rate:,.0f} a second"
            bar.set_description_str(words + (f", {failed:,} not read" if failed else ""), False)
            bar.update(part.size)

        yield tell


def _write_table(out, units, store):
    """Put the parts of all units behind each other; return how many rows there are, and failed."""
    rows, failed, waiting, height = 0, 0, [], 0
    with atomic_write(out) as path, pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        for unit in units:
            for table in store.tables(store.key(unit)):
                rows += table.num_rows
                failed += table.num_rows - table["error"].null_count
                waiting.append(table.replace_schema_metadata())
                height += table.num_rows
                if height >= ROW_GROUP:
                    writer.write_table(pa.concat_tables(waiting))
                    waiting, height = [], 0
        if waiting:
            writer.write_table(pa.concat_tables(waiting))
    return rows, failed
