"""The columns of a table of scores, and the parts that it is written in."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence
from typing import Any, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

SCHEMA = pa.schema(
    {
        "id": pa.string(),
        "p_ai": pa.float32(),
        "logit": pa.float32(),
        "verdict": pa.string(),
        "reason": pa.string(),
        "width": pa.int32(),
        "height": pa.int32(),
        "detector": pa.string(),
        "origin": pa.string(),
        "error": pa.string(),
        "label": pa.int8(),
        "generator": pa.string(),
    }
)


class Part(NamedTuple):
    """Some rows of a unit, written and ready to be kept.

    Attributes
    ----------
    key : str
        Stands for the unit, and for the detectors that answered.
    number : int
        Which part of the unit it is, from 0.
    content : bytes
        A parquet file.
    rows, failed : int
        How many rows it has, and how many of them could not be read.
    size : int
        Bytes of the pictures in it, for telling how far it has got.
    last : bool
        Whether the unit ends with it.
    """

    key: str
    number: int
    content: bytes
    rows: int
    failed: int
    size: int
    last: bool

    @property
    def name(self) -> str:
        """The file's name, which says what the file has to be."""
        return f"{self.key}-{self.number:06d}-{digest(self.content)}.parquet"


def make_part(
    key: str, number: int, rows: Sequence[dict[str, Any]], size: int, last: bool, unread: bool
) -> Part:
    """Write rows as a part.

    Parameters
    ----------
    key, number, size, last
        See `Part`.
    rows : sequence of dict
        With the columns of `SCHEMA`.
    unread : bool
        Whether some of them could not be reached, and are to be tried again the next time.

    Returns
    -------
    Part
    """
    facts = {"last": str(int(last)), "unread": str(int(unread)), "size": str(size)}
    table = pa.Table.from_pylist(list(rows), SCHEMA.with_metadata(facts))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    failed = table.num_rows - table["error"].null_count
    return Part(key, number, buffer.getvalue(), table.num_rows, failed, size, last)


def digest(content: bytes) -> str:
    """Say by which digits a part's name vouches for its content.

    Parameters
    ----------
    content : bytes
        The part.

    Returns
    -------
    str
        16 hexadecimal digits of its SHA-256.
    """
    return hashlib.sha256(content).hexdigest()[:16]
