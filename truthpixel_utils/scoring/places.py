"""What somebody wants scored, as units of work: files, archives and shards, here or in a bucket.

A unit is what one worker reads: about a thousand loose files, or one archive or shard. It holds
nothing but names, sizes and times of change, so that listing is quick and a unit can be sent.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

from fsspec.core import has_magic, url_to_fs
from fsspec.implementations.local import LocalFileSystem

from truthpixel_utils.data import LEFT_BY_PROGRAMS, SUFFIXES
from truthpixel_utils.data.rows import printable
from truthpixel_utils.data.shards import holds_images
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.scoring.classes import NO_CLASS, Class

FILES_TOGETHER = 1024  # loose files in a unit
SHARDS = {".parquet": "parquet", ".zip": "zip"}
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
# What changes when a file does, in the words of one file system or another.
STAMPS = ("mtime", "ETag", "etag", "LastModified", "updated", "created")


class File(NamedTuple):
    """A file, and what is known of it before it is opened.

    Attributes
    ----------
    url : str
        Where it lies, with the protocol; of a local file the absolute path.
    id : str
        The same as the reader has named it.
    size : int
        Its bytes; 0 where nobody says.
    stamp : str
        What changes when the file does: a time, or a store's own mark.
    of_class : Class
        What the folders above it say.
    problem : str
        Why it cannot be opened, if that is known already.
    """

    url: str
    id: str
    size: int
    stamp: str
    of_class: Class = NO_CLASS
    problem: str = ""


class Unit(NamedTuple):
    """What one worker reads.

    Attributes
    ----------
    kind : str
        ``"files"``, ``"parquet"``, ``"zip"`` or ``"tar"``.
    files : tuple of File
        Up to 1,024 loose files, or the one archive or shard.
    named : bool
        Whether the reader has named the shard, and not a folder that it lies in: then one that
        holds no pictures is an error.
    """

    kind: str
    files: tuple[File, ...]
    named: bool

    @property
    def size(self) -> int:
        """Bytes of all its files."""
        return sum(file.size for file in self.files)


def as_unit(fields: Sequence[Any]) -> Unit:
    """Make a unit of what JSON has made of one.

    Parameters
    ----------
    fields : list
        What ``json.loads(json.dumps(unit))`` returns.

    Returns
    -------
    Unit
    """
    kind, files, named = fields
    read = [File(*file[:4], Class(*file[4]), file[5]) for file in files]
    return Unit(kind, tuple(read), named)


def find_units(paths: Sequence[str | Path], aside: Iterable[Path] = ()) -> Iterator[Unit]:
    """List what is to be scored.

    Parameters
    ----------
    paths : sequence of str or Path
        Files, folders, archives (zip, tar, WebDataset's shards), parquet shards, patterns such as
        ``album/*.jpg``, and addresses of any of these that fsspec knows.
    aside : iterable of Path
        Files and folders that are passed over, absolute: those that results are written to.

    Yields
    ------
    Unit
        Always in the same order for the same files. Of a folder, the files that are pictures by
        their names, and archives and shards.

    Raises
    ------
    TruthPixelError
        If a pattern matches nothing, or a protocol is not known here.
    """
    loose: dict[str, list[File]] = {}  # by protocol
    skipped = {str(path) for path in aside}
    for path in map(str, paths):
        for kind, file, named in _files_at(path, skipped):
            if kind != "files":
                yield Unit(kind, (file,), named)
                continue
            waiting = loose.setdefault(_protocol(file.url), [])
            waiting.append(file)
            if len(waiting) == FILES_TOGETHER:
                yield Unit("files", tuple(waiting), named)
                waiting.clear()
    for waiting in loose.values():
        if waiting:
            yield Unit("files", tuple(waiting), True)


def _files_at(path, skipped):
    """Yield (kind, file, whether it was named) of what one path stands for."""
    try:
        fs, inner = url_to_fs(str(Path(path).expanduser()) if _is_local(path) else path)
    except (ImportError, ValueError) as error:
        raise TruthPixelError(f"{path} cannot be looked up: {error}.") from None
    named = partial(_named, path, fs)
    is_pattern = has_magic(path) and not (_is_local(path) and os.path.lexists(inner))
    if not is_pattern:
        yield from _walk_or_name(fs, inner, path, named, skipped)
        return
    matches = sorted(fs.glob(inner))
    if not matches:
        raise TruthPixelError(f"{path} matches nothing: name files, folders, archives or shards.")
    for match in matches:
        yield from _walk_or_name(fs, match, named(match), named, skipped)


def _walk_or_name(fs, inner, shown, named, skipped):
    """Yield the files of a folder, or the one file that was named."""
    if _is_web(fs):  # where a folder is a page of links, and its address ends in a slash
        is_folder, facts = inner.endswith("/"), {}
    else:
        try:
            facts = fs.info(inner)
        except Exception as error:  # each file system has kinds of its own
            yield "files", _file(fs, inner, shown, {}, problem=_reason(error)), True
            return
        is_folder = facts["type"] == "directory"
    if is_folder:
        yield from _below(fs, inner, named, skipped, NO_CLASS, ())
    else:
        yield kind_of(inner) or "files", _file(fs, inner, shown, facts), True


def _below(fs, folder, named, skipped, of_class, above):
    """Yield the pictures, archives and shards in a folder and in those in it."""
    real = os.path.realpath(folder) if _is_local_fs(fs) else folder
    if real in above:  # a link back up
        return
    try:
        entries = sorted(fs.ls(folder, detail=True), key=lambda entry: entry["name"])
    except Exception as error:
        yield "files", _file(fs, folder, named(folder), {}, problem=_reason(error)), True
        return
    folders = [_last(entry) for entry in entries if _is_folder(entry)]
    for entry in entries:
        path, name = entry["name"], _last(entry)
        is_itself = path.rstrip("/") == folder.rstrip("/")  # as some stores list a folder
        if is_itself or name.startswith(".") or name.lower() in LEFT_BY_PROGRAMS or path in skipped:
            continue
        if _is_folder(entry):
            inner = of_class.below(name, folders)
            yield from _below(fs, path, named, skipped, inner, (*above, real))
        elif kind := kind_of(name):
            if kind == "parquet" and _is_other_table(fs, path):
                continue
            yield kind, _file(fs, path, named(path), entry, of_class), False


def _is_other_table(fs, path):
    """Tell a table without pictures, such as an earlier one of scores."""
    try:
        return _is_local_fs(fs) and not holds_images(path)  # in a store, when it is read
    except TruthPixelError:
        return False  # damaged: its row will say so


def kind_of(name: str) -> str | None:
    """Tell by its name what a file is.

    Parameters
    ----------
    name : str
        Of the file, or its path.

    Returns
    -------
    str or None
        ``"files"`` for a picture, ``"parquet"``, ``"zip"``, ``"tar"``; None for anything else.
    """
    name = name.lower().partition("?")[0]
    if name.endswith(TARS):
        return "tar"
    suffix = os.path.splitext(name)[1]
    return "files" if suffix in SUFFIXES else SHARDS.get(suffix)


def _file(fs, path, shown, facts, of_class=NO_CLASS, problem=""):
    """Note what is known of a file; the web tells no size in a list, and is asked for each."""
    if _is_web(fs) and not facts.get("size") and not problem:
        try:
            facts = fs.info(path)
        except Exception as error:
            problem = _reason(error)
    if facts.get("type") == "other":  # a link to nowhere, or a pipe, which would never end
        problem = "it is a link to nowhere, or no file"
    stamp = " ".join(str(facts[name]) for name in STAMPS if facts.get(name))
    url = path if _is_local_fs(fs) else fs.unstrip_protocol(path)
    size = int(facts.get("size") or 0)
    return File(url, printable(str(shown)), size, stamp, of_class, problem)


def _named(root, fs, path):
    """Write a path as the reader would: below what they have named."""
    if not _is_local_fs(fs):
        return fs.unstrip_protocol(path)
    return path if os.path.isabs(root) else os.path.relpath(path)


def _reason(error):
    if isinstance(error, FileNotFoundError):
        return "no such file"
    words = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return str(words).splitlines()[0].lower()


def _is_folder(entry):
    return entry["type"] == "directory"


def _last(entry):
    return entry["name"].rstrip("/").rpartition("/")[2]


def _is_local(path):
    return "://" not in path and "::" not in path


def _is_local_fs(fs):
    return isinstance(fs, LocalFileSystem)


def _is_web(fs):
    return "http" in fs.protocol


def _protocol(url):
    return url.partition("://")[0] if "://" in url else ""
