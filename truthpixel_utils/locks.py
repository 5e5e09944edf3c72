"""Two runs do not share a folder to write to: each would write over what the other reads."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from filelock import FileLock, Timeout

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import writable_folder


@contextmanager
def alone_in(
    folder: str | Path, what: str, named: str = "output_dir", wait: bool = False
) -> Iterator[None]:
    """Keep a second run of the same kind out of a folder, for as long as the block takes.

    The lock ends with the process, however that ends.

    Parameters
    ----------
    folder : str or Path
        Where both would write; a relative path starts at the project.
    what : str
        What is run, such as ``"course"``; it names the lock.
    named : str
        The parameter or flag that names the folder, for error messages.
    wait : bool
        Whether to wait until the other run has ended.

    Raises
    ------
    TruthPixelError
        If another run is at work there (and `wait` is False), or nothing can be written there.
    """
    folder = writable_folder(folder, named)
    lock = FileLock(folder / f".{what}.lock")
    try:
        lock.acquire(blocking=wait)
    except Timeout:
        raise TruthPixelError(
            f"another {what} is at work in {folder}: wait until it has ended, or name another "
            f"{named}."
        ) from None
    except NotImplementedError:  # some network drives know no locks
        yield
        return
    try:
        yield
    finally:
        lock.release()
