"""The images that somebody names on a command line: files, and folders of files."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from truthpixel_utils.data import READ, SUFFIXES, files_below
from truthpixel_utils.errors import TruthPixelError


def images_in(paths: Sequence[Path], out: Path) -> list[Path]:
    """Put the images of a folder in its place, in the order of their names.

    Parameters
    ----------
    paths : sequence of Path
        Files, which are taken as they are, and folders.
    out : Path
        Where results are written, absolute: what an earlier call has drawn there is left out.

    Returns
    -------
    list of Path

    Raises
    ------
    TruthPixelError
        If a folder holds no images.
    """
    images = []
    for path in paths:
        if not path.is_dir():
            images.append(path)
            continue
        here = path.absolute()
        drawn = out if out != here and out not in here.parents else None
        inside = [
            file
            for file in sorted(files_below(path))
            if file.suffix.lower() in SUFFIXES and drawn not in file.absolute().parents
        ]
        if not inside:
            raise TruthPixelError(f"{path} holds no {READ} files.")
        images += inside
    return images


def read_file(path: Path) -> bytes:
    """Read a file.

    Parameters
    ----------
    path : Path
        The file.

    Returns
    -------
    bytes

    Raises
    ------
    TruthPixelError
        If it is missing or may not be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror.lower()
        raise TruthPixelError(f"{path} cannot be read ({reason}): name {READ} files.") from None
