"""Where things lie on disk, how they get there whole, and what is said while they do."""

from __future__ import annotations

import os
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

    Examples
    --------
    >>> with atomic_write("outputs/notes.txt") as part:  # doctest: +SKIP
    ...     part.write_text("whole")
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    # The name keeps its suffix, by which those who write choose a format.
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


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
