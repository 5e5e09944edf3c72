"""Parts on disk: each written whole, checked when it is read, and found again by what it is of."""

from __future__ import annotations

import hashlib
import io
import json
import os
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from truthpixel_utils import __version__, model
from truthpixel_utils.demo.content_credentials import TRUST_LIST
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write
from truthpixel_utils.scoring.places import Unit
from truthpixel_utils.scoring.table import Part, digest

LAYOUT = 1  # part of every key: raise it when `Scorer` makes other rows of the same pictures


def state_of(model_file: str | Path | None, output_dir: str | Path) -> str:
    """Say in a text on what, beside the pictures, their rows depend.

    Parameters
    ----------
    model_file : str or Path or None
        Which detector answers, as for `Scorer`.
    output_dir : str or Path
        The folder in which the course's own detector lies.

    Returns
    -------
    str
        JSON: the detectors' files and rules by their digests, and the version of this package.
    """
    found = [model.find_detector(model_file, output_dir)] if model_file else list(model.ON)
    files = [file for path in found for file in (path, path.with_suffix(".json"))]
    if named := os.environ.get(TRUST_LIST):
        files.append(Path(named).expanduser())
    digests = [(file.name, digest(file.read_bytes())) for file in files if file.is_file()]
    return json.dumps([LAYOUT, __version__, digests])


class Store:
    """The folder of parts of one table.

    Parameters
    ----------
    folder : Path
        Where they lie.
    state : str
        From `state_of`.
    """

    def __init__(self, folder: Path, state: str) -> None:
        self.folder, self.state = folder, state
        folder.mkdir(parents=True, exist_ok=True)
        for name in os.listdir(folder):  # what a killed run has not finished writing
            if name.startswith(".") and name.endswith(".parquet"):
                (folder / name).unlink()
        names = sorted(name for name in os.listdir(folder) if name.endswith(".parquet"))
        self.names = {name.rpartition("-")[0]: name for name in names}

    def key(self, unit: Unit) -> str:
        """Stand for a unit as it is now, and for those who answer.

        Parameters
        ----------
        unit : Unit
            From `places.find_units`.

        Returns
        -------
        str
            24 hexadecimal digits; others when a file has changed, or a detector.
        """
        return hashlib.sha256(f"{self.state}{json.dumps(unit)}".encode()).hexdigest()[:24]

    def keep(self, part: Part) -> None:
        """Write a part, whole or not at all.

        Parameters
        ----------
        part : Part
            From `Scorer.parts`.
        """
        with atomic_write(self.folder / part.name) as path:
            path.write_bytes(part.content)
        self.names[part.name.rpartition("-")[0]] = part.name

    def done(self, key: str) -> tuple[list[Part], bool]:
        """Find the parts of a unit that need not be made again, and throw damaged ones away.

        Parameters
        ----------
        key : str
            The unit's key.

        Returns
        -------
        parts : list of Part
            Whole ones, from the first on without a gap. One with pictures that could not be reached
            is made anew.
        complete : bool
            Whether the unit ends with the last of them.
        """
        parts = []
        while (name := self.names.get(f"{key}-{len(parts):06d}")) is not None:
            part, unread = self._read(name)
            if part is None or unread:
                self._forget_from(key, len(parts))
                break
            parts.append(part)
            if part.last:
                return parts, True
        return parts, False

    def tables(self, key: str) -> Iterator[pa.Table]:
        """Yield the rows of a unit, a part after the other.

        Parameters
        ----------
        key : str
            The unit's key.

        Yields
        ------
        pyarrow.Table

        Raises
        ------
        TruthPixelError
            If a part was damaged since it was written.
        """
        number, last = 0, False
        while not last and (name := self.names.get(f"{key}-{number:06d}")) is not None:
            part, _ = self._read(name)
            if part is None:
                raise TruthPixelError(
                    f"{self.folder / name} was damaged a moment ago: the same command makes it "
                    "again."
                )
            yield pq.read_table(io.BytesIO(part.content))
            number, last = number + 1, part.last

    def keep_only(self, keys: set[str]) -> None:
        """Remove the parts of other pictures, or of other detectors.

        Parameters
        ----------
        keys : set of str
            The keys of the units that are in the table.
        """
        for start, name in list(self.names.items()):
            if start.partition("-")[0] not in keys:
                (self.folder / name).unlink(missing_ok=True)
                del self.names[start]

    def _forget_from(self, key, number):
        """Remove a unit's parts from one on: those behind a gap are made anew with it."""
        while (name := self.names.pop(f"{key}-{number:06d}", None)) is not None:
            (self.folder / name).unlink(missing_ok=True)
            number += 1

    def _read(self, name):
        """Read a part if it is what its name says, and whether pictures of it were out of reach."""
        start, _, found = name.removesuffix(".parquet").rpartition("-")
        try:
            content = (self.folder / name).read_bytes()
        except OSError:
            return None, False
        if digest(content) != found:
            return None, False
        table = pq.read_table(io.BytesIO(content))
        facts = table.schema.metadata
        failed = table.num_rows - table["error"].null_count
        key, _, number = start.rpartition("-")
        last, unread = (facts[word] == b"1" for word in (b"last", b"unread"))
        size = int(facts[b"size"])
        return Part(key, int(number), content, table.num_rows, failed, size, last), unread
