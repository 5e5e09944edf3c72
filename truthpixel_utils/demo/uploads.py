"""The files that people upload: what is read, what is refused, and what a file is."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Sequence

from PIL import Image

from truthpixel_utils.data import to_rgb
from truthpixel_utils.data.formats import FORMATS, READ, what_else
from truthpixel_utils.demo.exif import IMAGE, PHOTO
from truthpixel_utils.demo.metadata import Entry
from truthpixel_utils.demo.provenance import camera_of
from truthpixel_utils.errors import TruthPixelError

MAX_BYTES = 50_000_000  # in a file
MAX_PIXELS = 50_000_000  # in an image: what a good phone takes; this bounds the memory for it


def open_upload(content: bytes, name: str) -> tuple[Image.Image, Image.Image]:
    """Open an image file that may be anything.

    Parameters
    ----------
    content : bytes
        The file.
    name : str
        Its name, for error messages.

    Returns
    -------
    opened : PIL.Image.Image
        The file as Pillow opened it, for what it says of itself.
    image : PIL.Image.Image
        Its pixels, upright, of mode RGB.

    Raises
    ------
    TruthPixelError
        In one sentence, if the bytes are too many, or no whole image of a format in `data.formats`.
    """
    if not content:
        raise TruthPixelError(f"{name} is empty (0 bytes): choose another file.")
    check_size(len(content), name)
    if other := what_else(content, name):
        kind, advice = other
        raise TruthPixelError(f"{name} is {kind}: {advice}.")
    try:
        opened = Image.open(io.BytesIO(content))
        known = opened.format in FORMATS
        if known and opened.width * opened.height > MAX_PIXELS:  # before a pixel is decoded
            raise Image.DecompressionBombError
        image = to_rgb(opened) if known else None
    except Image.DecompressionBombError:
        raise TruthPixelError(
            f"{name} claims too many pixels: up to {MAX_PIXELS / 1e6:.0f} million are read."
        ) from None
    except Exception as error:  # Pillow raises many kinds for bad bytes; one sentence is enough
        raise TruthPixelError(
            f"{name} is not an image that can be read: a whole {READ} file works."
        ) from error
    if not known:
        raise TruthPixelError(f"{name} is a {opened.format} file: a {READ} file works.")
    return opened, image


def check_size(size: int, name: str) -> None:
    """Refuse a file that is too large to be read.

    Parameters
    ----------
    size : int
        Its bytes.
    name : str
        Its name, for the error message.

    Raises
    ------
    TruthPixelError
        If it has more than 50 MB.
    """
    if size > MAX_BYTES:
        found, most = size / 1e6, MAX_BYTES / 1e6
        raise TruthPixelError(f"{name} has {found:.0f} MB: files up to {most:.0f} MB are read.")


def describe_file(
    name: str,
    content: bytes,
    opened: Image.Image,
    size: tuple[int, int],
    metadata: Sequence[Entry],
) -> dict[str, str]:
    """Say what a file is.

    Parameters
    ----------
    name : str
        The file's name.
    content : bytes
        The file.
    opened : PIL.Image.Image
        The file as Pillow opened it.
    size : tuple of two ints
        Width and height of the upright image, in pixels.
    metadata : sequence of Entry
        The file's metadata, see `metadata.entries`.

    Returns
    -------
    dict of str to str
        Name and text of each property. Camera and date are as the file claims, and left out where
        it claims none.
    """
    return {
        "file": name,
        "format": opened.format,
        "size": f"{size[0]} × {size[1]} pixels",
        "mode": opened.mode,
        "file size": f"{len(content) / 1024:.1f} kB",
        **_camera_and_date(metadata),
        "SHA-256": hashlib.sha256(content).hexdigest(),
    }


def _camera_and_date(metadata: Sequence[Entry]) -> dict[str, str]:
    """Read the camera and the date that a file claims; what it does not claim is left out."""
    values = {(one.where, one.key): one.value for one in metadata}
    taken = values.get((PHOTO, "DateTimeOriginal")) or values.get((IMAGE, "DateTime"))
    claimed = (("camera", camera_of(metadata)), ("date", taken))
    return {name: text[:80] for name, text in claimed if text}
