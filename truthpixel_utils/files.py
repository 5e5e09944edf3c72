"""Where things lie on disk, how they get there whole, and what is said while they do."""

from __future__ import annotations

import contextlib
import errno
import os
import shutil
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from truthpixel_utils.errors import TruthPixelError

# The clone from which this package was installed (``pip install -e .``), or, where there is none,
# the folder in which one works.
_CLONE = Path(__file__).resolve().parents[1]
PROJECT = _CLONE if (_CLONE / "notebooks").is_dir() else Path.cwd()
PRETRAINED = Path(__file__).resolve().parent / "pretrained"
# What a system says where nothing can be written: the disk is full or read-only, or not one's own.
# (Windows has no quotas.)
_CANNOT_WRITE = {
    *(errno.ENOSPC, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM, errno.EIO),
    *(errno.ENOTDIR, errno.EEXIST, errno.EISDIR, errno.ENAMETOOLONG),
    getattr(errno, "EDQUOT", errno.ENOSPC),
}
_PROBE = 2**20  # bytes that are written, and gone at once, to see whether a folder takes any


def project_path(path: str | Path) -> Path:
    """Make a path absolute; a relative one starts at the project, wherever the kernel was started.

    Parameters
    ----------
    path : str or Path
        ``~`` stands for one's home.

    Returns
    -------
    Path
        The absolute path. The environment variable ``TRUTHPIXEL_HOME`` names another folder for
        relative paths to start from; the tests use it to leave ``outputs`` alone.
    """
    return Path(os.environ.get("TRUTHPIXEL_HOME", PROJECT)) / Path(path).expanduser()


@contextmanager
def atomic_write(path: str | Path) -> Iterator[Path]:
    """Write a file whole or not at all: no reader ever sees half of one.

    Parameters
    ----------
    path : str or Path
        The file to write; its folder is made if need be.

    Yields
    ------
    Path
        A temporary path beside it, for the block to write to. It is moved onto `path` if the block
        ends well, and removed if not.

    Raises
    ------
    TruthPixelError
        If the disk is full, read-only, or somebody else's.

    Examples
    --------
    >>> with atomic_write("outputs/notes.txt") as part:  # doctest: +SKIP
    ...     part.write_text("whole")
    """
    path = Path(path)
    # The name keeps its suffix, by which those who write choose a format.
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield part
        os.replace(part, path)
    except OSError as error:
        if not _is_about_writing(error, part):
            raise
        raise TruthPixelError(
            f"{path} cannot be written ({_reason(error, path)}): make room there, or name another "
            "folder."
        ) from None
    finally:
        with contextlib.suppress(OSError):
            part.unlink(missing_ok=True)


def leftovers(path: str | Path) -> list[Path]:
    """List what `atomic_write` left beside a file where it was killed.

    Parameters
    ----------
    path : str or Path
        The file that was to be written.

    Returns
    -------
    list of Path
        Temporary files, which nobody will read.
    """
    path = Path(path)
    return sorted(path.parent.glob(f".{'[0-9a-f]' * 8}-{path.name}"))


def writable_folder(path: str | Path, named: str) -> Path:
    """Make a folder, and make sure before any work is done that it takes files.

    Parameters
    ----------
    path : str or Path
        A relative path starts at the project.
    named : str
        The parameter or flag that names it, for the error message.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    TruthPixelError
        If the folder cannot be made, or nothing can be written to it.
    """
    folder = project_path(path)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(bytes(_PROBE))
    except OSError as error:
        raise TruthPixelError(
            f"{named} is {path}: nothing can be written there ({_reason(error, folder)}). Name "
            "another folder."
        ) from None
    return folder


def require_room(folder: str | Path, size: int) -> None:
    """Insist that a disk has room for a file.

    A file that is mapped into memory grows as it is filled: a full disk would end the process then.

    Parameters
    ----------
    folder : str or Path
        Where the file is to lie; a relative path starts at the project.
    size : int
        Its bytes.

    Raises
    ------
    TruthPixelError
        If there is less.
    """
    folder = project_path(folder)
    there = next(path for path in (folder, *folder.parents) if path.exists())
    free = shutil.disk_usage(there).free
    if free < size:
        raise TruthPixelError(
            f"{folder} has room for {free / 1e6:,.0f} MB, and {size / 1e6:,.0f} MB are needed: "
            "make room there, or name another output_dir."
        )


def empty_folder(path: str | Path) -> Path:
    """Make a folder without files in it, so that those of an earlier run do not mix with new ones.

    Parameters
    ----------
    path : str or Path
        A relative path starts at the project. Files that lie in the folder are removed, folders
        inside it are not.

    Returns
    -------
    Path
        The folder, absolute.
    """
    folder = project_path(path)
    folder.mkdir(parents=True, exist_ok=True)
    for file in folder.iterdir():
        if file.is_file():
            file.unlink()
    return folder


@contextmanager
def silenced() -> Iterator[None]:
    """Send what compiled code writes to the standard error's file descriptor nowhere.

    Python's own ``contextlib.redirect_stderr`` reaches only what Python writes.
    """
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def status_line() -> Callable[[str], None]:
    """Open a line of text in a notebook, for telling how far something has got.

    Returns
    -------
    function
        Called with a str, it replaces the line's text; outside a notebook it does nothing.
    """
    from IPython import get_ipython  # here, since it takes longer to import than all the rest
    from IPython.display import display

    if get_ipython() is None:
        return lambda text: None
    line = display({"text/plain": ""}, raw=True, display_id=True)
    return lambda text: line.update({"text/plain": text}, raw=True)


def require_file(path: str | Path, made_by: str) -> Path:
    """Insist that a file is there.

    Parameters
    ----------
    path : str or Path
        The file; a relative path starts at the project.
    made_by : str
        The notebook that makes it, such as ``"04_finetune"``.

    Returns
    -------
    Path
        The file's absolute path.

    Raises
    ------
    TruthPixelError
        If there is no such file; the message names the notebook.
    """
    path = project_path(path)
    if not path.exists():
        raise TruthPixelError(
            f"{path} is missing: run notebooks/{made_by}.ipynb first, it makes this file."
        )
    return path


def _is_about_writing(error: OSError, part: Path) -> bool:
    """Whether an error says that a file cannot be written, and not that another cannot be read."""
    about = error.filename is None or Path(os.fsdecode(error.filename)) in (part, *part.parents)
    return error.errno in _CANNOT_WRITE and about


def _reason(error: OSError, path: Path) -> str:
    for part in (path, *path.parents):
        if part.is_file() and part != path:
            return f"{part} is a file"
    if path.is_file() and isinstance(error, FileExistsError):
        return "it is a file"
    return os.strerror(error.errno).lower()  # libraries put sentences of their own into strerror
