"""The same work on a cluster, by Ray Data: a worker makes the parts of the units that it is given.

The parts come back to the process that was started, which writes them: no worker needs a disk that
all of them share, and a worker that dies costs what it was at.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.scoring.places import Unit, as_unit
from truthpixel_utils.scoring.scorer import Scorer, tasks_of
from truthpixel_utils.scoring.table import Part

MOST_BLOCKS = 10_000  # that Ray has to keep in mind; a block is one unit, or several of very many
CORES = 4  # of a worker without a GPU, or as many as the smallest machine has


class Worker:
    """A `Scorer` that takes and gives what Ray carries.

    Parameters
    ----------
    model_file, output_dir
        As for `Scorer`.
    """

    def __init__(self, model_file: str | None, output_dir: str) -> None:
        self.scorer = Scorer(model_file, output_dir)

    def __call__(self, batch: pa.Table) -> Iterator[pa.Table]:
        """Score units.

        Parameters
        ----------
        batch : pyarrow.Table
            Columns ``key``, ``unit`` (JSON) and ``done``.

        Yields
        ------
        pyarrow.Table
            One row, the fields of a `Part`.
        """
        for row in batch.to_pylist():
            unit = as_unit(json.loads(row["unit"]))
            for part in self.scorer.parts(tasks_of(row["key"], unit, row["done"])):
                yield pa.Table.from_pylist([part._asdict()])


def parts_by_ray(
    work: Iterator[tuple[str, Unit, int]], model_file: str | Path | None, output_dir: str | Path
) -> Iterator[Part]:
    """Have units scored by all machines of a cluster.

    Parameters
    ----------
    work : iterator of (key, Unit, int)
        What is to be done, and how many parts of each are there.
    model_file, output_dir
        As for `Scorer`; the machines must find the file under the same path.

    Yields
    ------
    Part
        In the order in which they are finished.

    Raises
    ------
    TruthPixelError
        If Ray is not installed.
    """
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")  # of a cluster started here
    try:
        import ray
        import ray.data
    except ImportError:
        raise TruthPixelError(
            'the engine "ray" needs Ray: pip install "truthpixel-utils[ray]".'
        ) from None
    rows = [{"key": key, "unit": json.dumps(unit), "done": done} for key, unit, done in work]
    if not rows:
        return
    if not ray.is_initialized():
        ray.init(log_to_driver=False)  # the cluster that RAY_ADDRESS names, else this machine
    ray.data.DataContext.get_current().enable_progress_bars = False
    units = ray.data.from_items(rows, override_num_blocks=min(len(rows), MOST_BLOCKS))
    if model_file is not None and str(model_file) not in model.PACKAGED:
        model_file = str(model.find_detector(model_file, output_dir))  # absolute, for the workers
    made = units.map_batches(
        Worker,
        fn_constructor_args=(model_file, str(output_dir)),
        batch_size=None,
        batch_format="pyarrow",
        **_workers(ray, len(rows)),
    )
    for row in made.iter_rows():
        yield Part(**{name: _plain(row[name]) for name in Part._fields})


def _workers(ray: Any, units: int) -> dict[str, Any]:
    """Choose how many workers there are at most, and what each of them takes of a machine."""
    machines = [node["Resources"] for node in ray.nodes() if node["Alive"]]
    gpus = int(sum(machine.get("GPU", 0) for machine in machines))
    if gpus:
        takes, most = {"num_gpus": 1}, gpus
    else:
        cores = [int(machine["CPU"]) for machine in machines if machine.get("CPU", 0) >= 1]
        each = min([CORES, *cores])
        takes, most = {"num_cpus": each}, sum(count // each for count in cores)
    workers = ray.data.ActorPoolStrategy(min_size=1, max_size=max(1, min(most, units)))
    return takes | {"compute": workers}


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
