"""The pictures of a unit, one after the other: nothing is unpacked to disk, nothing held for long.

Whatever cannot be read is an item as well, and says why when it is read.
"""

from __future__ import annotations

import json
import os
import tarfile
import tempfile
import zipfile
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import groupby, islice
from pathlib import Path
from typing import IO, NamedTuple

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
from fsspec.core import url_to_fs

from truthpixel_utils.data import LEFT_BY_PROGRAMS
from truthpixel_utils.data.rows import printable
from truthpixel_utils.data.shards import open_shard
from truthpixel_utils.demo import check_size
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.scoring.classes import NO_CLASS, Class, class_of
from truthpixel_utils.scoring.places import File, Unit, kind_of

FETCHED_TOGETHER = 32  # files of a store that are asked for at once
ROWS_TOGETHER = 32  # of a parquet shard
BUFFER = 2**20  # bytes of a column that are read at a time: a row group may be larger than memory
TEXTS = (".json", ".cls", ".txt")  # what a WebDataset has beside a picture that may say its class
MAX_TEXT = 100_000  # bytes of such a text


class Unread(TruthPixelError):
    """A file that could not be reached; it may be there the next time."""


class Item(NamedTuple):
    """A picture that has not been read yet, or a reason why there is none.

    Attributes
    ----------
    id : str
        Where it lies.
    read : callable
        Returns the file's bytes, or raises a `TruthPixelError` that says why it cannot.
    of_class : Class
        What the data say of its class.
    """

    id: str
    read: Callable[[], bytes]
    of_class: Class = NO_CLASS


def items_of(unit: Unit, skip: int = 0) -> Iterator[Item]:
    """Yield the pictures of a unit, always in the same order.

    Parameters
    ----------
    unit : Unit
        From `places.find_units`.
    skip : int
        How many to leave out at the beginning.

    Yields
    ------
    Item
        An archive or shard that is damaged ends in an item that says so.
    """
    if unit.kind == "files":
        yield from _loose(unit.files[skip:])
        return
    [shard] = unit.files
    readers = {"parquet": _parquet, "zip": _zip, "tar": _tar}
    number = -1
    try:
        if shard.problem:
            raise Unread(f"{shard.id} cannot be read ({shard.problem}).")
        fs, path = url_to_fs(shard.url)
        with _opened(fs, path, unit.kind) as file:
            for number, item in enumerate(readers[unit.kind](shard, file)):
                if number >= skip:
                    yield item
    except Exception as error:  # whatever a damaged archive makes its library raise
        yield Item(shard.id, partial(_raise, _what_is_wrong(shard, error)))
        return
    if number < 0 and unit.named:
        yield Item(shard.id, partial(_raise, TruthPixelError(_nothing_in(shard, unit.kind))))


@contextmanager
def _opened(fs, path, kind):
    """Open a file, or a copy of it where it cannot be read from any place on."""
    with fs.open(path) as file:
        # A tar is read from its beginning to its end.
        if kind == "tar" or _starts_anywhere(file):
            yield file
            return
    with tempfile.TemporaryDirectory() as folder:  # so it is with some servers of the web
        fs.get_file(path, os.path.join(folder, "copy"))
        with open(os.path.join(folder, "copy"), "rb") as file:
            yield file


def _starts_anywhere(file):
    try:
        if file.seek(0, os.SEEK_END):
            file.seek(-1, os.SEEK_CUR)
            file.read(1)
        file.seek(0)
    except (OSError, ValueError):
        return False
    return True


def _what_is_wrong(shard, error):
    if isinstance(error, TruthPixelError):
        return error
    if isinstance(error, OSError) and error.errno:
        return Unread(f"{shard.id} cannot be read ({str(error.strerror).lower()}).")
    if not shard.size:
        return TruthPixelError(f"{shard.id} is empty: fetch it again, or remove it.")
    return TruthPixelError(f"{shard.id} is damaged or cut short: fetch it again.")


def _nothing_in(shard, kind):
    wanted = "has no column image with files of images in it"
    return f"{shard.id} {wanted if kind == 'parquet' else 'holds no pictures'}."


def _raise(error):
    raise error


def _loose(files):
    """Files of this machine are read when they are asked for; those of a store many at once."""
    for in_store, group in groupby(files, key=lambda file: "://" in file.url):
        group = iter(group)
        if not in_store:
            yield from (Item(file.id, partial(_read_local, file), file.of_class) for file in group)
            continue
        while together := list(islice(group, FETCHED_TOGETHER)):
            yield from _fetched(together)


def _read_local(file: File) -> bytes:
    if file.problem:
        raise Unread(f"{file.id} cannot be read ({file.problem}).")
    check_size(file.size, file.id)
    try:
        return Path(file.url).read_bytes()
    except OSError as error:
        raise Unread(f"{file.id} cannot be read ({error.strerror.lower()}).") from None


def _fetched(files):
    """Fetch files of one store, and yield them in their order."""
    fs, _ = url_to_fs(files[0].url)
    paths, refused = {}, {}
    for file in files:
        try:
            if file.problem:
                raise Unread(f"{file.id} cannot be read ({file.problem}).")
            check_size(file.size, file.id)
            paths[file.url] = fs._strip_protocol(file.url)
        except TruthPixelError as error:
            refused[file.url] = error
    # A list, even of one path: given a single name, fsspec returns no dict.
    found = fs.cat(list(paths.values()), on_error="return") if paths else {}
    for file in files:
        content = refused.get(file.url) or found.get(paths.get(file.url), FileNotFoundError())
        if isinstance(content, Exception) and not isinstance(content, TruthPixelError):
            words = str(content).splitlines()[:1] or [type(content).__name__]
            content = Unread(f"{file.id} cannot be fetched ({words[0]}).")
        yield Item(file.id, partial(_given, content), file.of_class)


def _given(content):
    if isinstance(content, Exception):
        raise content
    return content


def _parquet(shard: File, file: IO[bytes]) -> Iterator[Item]:
    """Yield the rows of a shard whose column image holds files, alone or with their names."""
    if "://" not in shard.url:
        open_shard(shard.url).close()  # says what a file is that is no shard
    table = pq.ParquetFile(file, buffer_size=BUFFER)
    schema = table.schema_arrow
    columns = {name.lower(): name for name in schema.names}
    if "image" not in columns or not _holds_files(schema.field(columns["image"]).type):
        return
    wanted = {key: columns[key] for key in ("image", "label", "generator") if key in columns}
    names = _class_names(schema, wanted.get("label"))
    row = 0
    for batch in table.iter_batches(ROWS_TOGETHER, columns=list(wanted.values())):
        values = {key: batch.column(name).to_pylist() for key, name in wanted.items()}
        for i, image in enumerate(values["image"]):
            content = image.get("bytes") if isinstance(image, dict) else image
            label, by = (
                values[key][i] if key in values else None for key in ("label", "generator")
            )
            of_class = class_of(label, by, names) if label is not None or by else shard.of_class
            yield Item(f"{shard.id}#{row}", partial(_given, content or b""), of_class)
            row += 1


def _holds_files(kind):
    if pa.types.is_struct(kind):
        place = kind.get_field_index("bytes")
        return place >= 0 and _holds_files(kind.field(place).type)
    return pa.types.is_binary(kind) or pa.types.is_large_binary(kind)


def _class_names(schema, column):
    """The names of a column's classes, where the table brings them along."""
    try:
        feature = datasets.Features.from_arrow_schema(schema).get(column)
    except (TypeError, ValueError):
        return None
    return feature.names if isinstance(feature, datasets.ClassLabel) else None


def _zip(shard: File, file: IO[bytes]) -> Iterator[Item]:
    """Yield the pictures of a zip archive; folders REAL and FAKE in it name their classes."""
    with zipfile.ZipFile(file) as archive:
        members = [one for one in archive.infolist() if _is_picture(one.filename)]
        folders = defaultdict(set)  # in each folder
        for member in members:
            parts = member.filename.split("/")[:-1]
            for depth, name in enumerate(parts):
                folders[tuple(parts[:depth])].add(name)
        for member in members:
            parts = member.filename.split("/")[:-1]
            of_class = shard.of_class
            for depth, name in enumerate(parts):
                of_class = of_class.below(name, folders[tuple(parts[:depth])])
            name = f"{shard.id}/{printable(member.filename)}"
            content = _of_zip(archive, member, name)
            yield Item(name, partial(_given, content), of_class)


def _of_zip(archive, member, name):
    try:
        check_size(member.file_size, name)
        return archive.read(member)
    except TruthPixelError as error:
        return error
    except Exception as error:  # encrypted, of another compression, or damaged
        return TruthPixelError(f"{name} cannot be unpacked ({str(error).lower()}).")


def _tar(shard: File, file: IO[bytes]) -> Iterator[Item]:
    """Yield the pictures of a tar archive, read from its beginning to its end.

    In a WebDataset the files of one sample lie beside each other and have one name up to its first
    dot: a text among them may name the class.
    """
    with tarfile.open(fileobj=file, mode="r|*") as archive:
        members = (one for one in archive if one.isfile())
        for _, sample in groupby(members, key=lambda one: _key(one.name)):
            pictures, texts = [], {}
            for member in sample:
                suffix = os.path.splitext(member.name)[1].lower()
                if _is_picture(member.name):
                    pictures.append((member.name, _of_tar(archive, member, shard.id)))
                elif suffix in TEXTS and member.size <= MAX_TEXT:
                    texts[suffix] = archive.extractfile(member).read().decode("utf-8", "replace")
            of_class = _from_texts(texts) or shard.of_class
            for name, content in pictures:
                yield Item(f"{shard.id}/{printable(name)}", partial(_given, content), of_class)
            archive.members.clear()  # it would keep a note of every member that it has met


def _of_tar(archive, member, shard):
    try:
        check_size(member.size, f"{shard}/{printable(member.name)}")
    except TruthPixelError as error:
        return error
    return archive.extractfile(member).read()


def _key(name):
    folder, _, last = name.rpartition("/")
    return folder, last.partition(".")[0]


def _from_texts(texts):
    """Read a class from the texts of a sample: ``label`` and ``generator`` in JSON, or a name."""
    try:
        facts = json.loads(texts.get(".json", "{}"))
    except ValueError:
        facts = {}
    facts = facts if isinstance(facts, dict) else {}
    label = facts.get("label", texts.get(".cls", texts.get(".txt")))
    found = class_of(label, facts.get("generator"))
    return None if found == NO_CLASS else found


def _is_picture(name):
    parts = name.split("/")
    left = any(part.startswith(".") or part.lower() in LEFT_BY_PROGRAMS for part in parts)
    return kind_of(name) == "files" and not left
