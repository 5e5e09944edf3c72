"""Where things lie on disk, and how they get there whole."""

import os
import uuid
from contextlib import contextmanager
from pathlib import Path

from IPython import get_ipython
from IPython.display import display

from truthpixel_utils.errors import TruthPixelError

# The clone this package was installed from (``pip install -e .``), or, without one, the folder one works in.
_CLONE = Path(__file__).resolve().parents[1]
PROJECT = _CLONE if (_CLONE / "notebooks").is_dir() else Path.cwd()
PRETRAINED = Path(__file__).resolve().parent / "pretrained"


def project_path(path):
    """Return `path` as an absolute `Path`; a relative one starts at the project, wherever the kernel was started.

    ``TRUTHPIXEL_HOME`` names another folder to start from; the tests use it to leave ``outputs`` alone.
    """
    return Path(os.environ.get("TRUTHPIXEL_HOME", PROJECT)) / Path(path).expanduser()


@contextmanager
def atomic_write(path):
    """Yield a temporary path beside `path`, moved onto it if the block ends well: a reader never sees half a file."""
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{uuid.uuid4().hex[:8]}-{path.name}")  # keeps the suffix: savers choose a format by it
    try:
        yield part
        os.replace(part, path)
    finally:
        part.unlink(missing_ok=True)


def empty_folder(path):
    """Return `path` as a folder without files in it, so that those of an earlier run do not mix with new ones."""
    folder = project_path(path)
    folder.mkdir(parents=True, exist_ok=True)
    for file in filter(Path.is_file, folder.iterdir()):
        file.unlink()
    return folder


@contextmanager
def silenced():
    """Send what compiled code writes to the standard error's file descriptor nowhere, for the length of a block."""
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def status_line():
    """Return a function that shows a line of text and rewrites it when called again; outside a notebook it is silent."""
    line = display({"text/plain": ""}, raw=True, display_id=True) if get_ipython() else None
    return (lambda text: line.update({"text/plain": text}, raw=True)) if line else lambda text: None


def require_file(path, made_by):
    """Return `path` if it exists; else raise a `TruthPixelError` that names the notebook which makes it."""
    path = project_path(path)
    if not path.exists():
        raise TruthPixelError(f"{path} is missing: run notebooks/{made_by}.ipynb first, it makes this file.")
    return path
