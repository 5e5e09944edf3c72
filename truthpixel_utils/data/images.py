"""From any image file to the pixels that the network is shown: upright, RGB, square, a thumbnail.

Pixels are uint8 RGB, 0..255, everywhere outside the network.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import datasets
import numpy as np
from PIL import ExifTags, Image, ImageCms

import truthpixel_utils.data.formats  # noqa: F401  (lets Pillow read HEIC)
from truthpixel_utils.data.windows import WINDOWS, View, centre_square, look, windows

# Pixels a side: the size of CIFAKE's images, and so of all that the detector has seen.
THUMBNAIL = 32
# Of the images that are decoded at a time; of windows it may be nine times as many.
PIXELS_AT_ONCE = 2**20

SRGB = ImageCms.createProfile("sRGB")
# What undoes each value of EXIF's orientation tag; 1 means upright.
TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}


def to_rgb(image: bytes | Image.Image) -> Image.Image:
    """Convert any image to RGB.

    EXIF's orientation is applied, colours of another profile (Display P3, Adobe RGB, a printer's)
    are brought to sRGB, 16 bits are scaled to 8, and transparency is laid on white.

    Parameters
    ----------
    image : bytes or PIL.Image.Image
        An encoded image (JPEG, PNG, WebP, ...) or an opened one, of any mode.

    Returns
    -------
    PIL.Image.Image
        The image in mode RGB.

    Raises
    ------
    OSError, ValueError or SyntaxError
        If the bytes are not a whole image (these are Pillow's own errors).

    Examples
    --------
    >>> to_rgb(Image.new("RGBA", (1, 1), (200, 0, 0, 0))).getpixel((0, 0))
    (255, 255, 255)
    """
    if isinstance(image, bytes):
        image = Image.open(io.BytesIO(image))
    image = _in_srgb(_upright(image))
    if image.mode.startswith("I"):  # 16-bit grey: Pillow's own conversion would clip at 255
        image = Image.fromarray((np.asarray(image) / 257).clip(0, 255).astype(np.uint8))
    if image.mode in ("RGBA", "LA", "PA") or "transparency" in image.info:
        image = image.convert("RGBA")
        image = Image.alpha_composite(Image.new("RGBA", image.size, "white"), image)
    image.load()  # a file that is cut short is found out here
    # A copy of a large photograph takes many megabytes, so it is made only where it is needed.
    return image if image.mode == "RGB" else image.convert("RGB")


def _upright(image: Image.Image) -> Image.Image:
    """Turn an image as its EXIF says.

    Pillow's own `ImageOps.exif_transpose` fails on an image if any tag beside this one is damaged.
    """
    try:
        orientation = image.getexif().get(ExifTags.Base.Orientation)
    except Exception:  # Pillow raises a kind for each way EXIF can be damaged; the pixels are whole
        return image
    return image.transpose(TURNS[orientation]) if orientation in TURNS else image


def _in_srgb(image: Image.Image) -> Image.Image:
    """Bring the colours of an image to sRGB if it brings a profile that says they are others."""
    embedded = image.info.get("icc_profile")
    if not embedded or image.mode not in ("RGB", "RGBA", "CMYK"):
        return image
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(embedded))
        if "sRGB" in ImageCms.getProfileDescription(profile):
            return image
        mode = "RGBA" if image.mode == "RGBA" else "RGB"
        return ImageCms.profileToProfile(image, profile, SRGB, outputMode=mode)
    except (ImageCms.PyCMSError, OSError):  # the profile is damaged, or of another kind of image
        return image


def thumbnail(image: bytes | Image.Image | np.ndarray, size: int = THUMBNAIL) -> np.ndarray:
    """Make any image what the detector was trained on: the centre square, scaled by area average.

    Training, scoring, explaining and the demo all call this function: an image has no other way to
    the network.

    Parameters
    ----------
    image : bytes, PIL.Image.Image or uint8 array (H, W, 3)
        An image of any size; as an array it is RGB, 0..255.
    size : int
        Pixels a side of the thumbnail. A smaller image is scaled up, by bilinear interpolation.

    Returns
    -------
    uint8 array (size, size, 3)
        RGB, 0..255.

    Raises
    ------
    OSError, ValueError or SyntaxError
        If bytes are given that are not a whole image (these are Pillow's own errors).

    Examples
    --------
    >>> thumbnail(np.zeros((480, 640, 3), np.uint8)).shape
    (32, 32, 3)
    """
    pixels = image if isinstance(image, np.ndarray) else np.asarray(to_rgb(image))
    return centre_square(pixels, size)


def thumbnails(rows: datasets.Dataset, size: int = THUMBNAIL) -> tuple[np.ndarray, np.ndarray]:
    """Decode the images of a split and make each a thumbnail.

    Parameters
    ----------
    rows : datasets.Dataset
        N rows with columns ``image`` and ``label``.
    size : int
        Pixels a side.

    Returns
    -------
    images : uint8 array (N, size, size, 3)
        RGB, 0..255, in the order of `rows`.
    labels : float32 array (N,)
        1 = AI-generated, 0 = real.
    """
    images = np.empty((len(rows), size, size, 3), np.uint8)
    start = 0
    with ThreadPoolExecutor() as pool:  # Pillow and OpenCV release Python's lock while they decode
        for batch in encoded_images(rows):
            decoded = list(pool.map(partial(thumbnail, size=size), batch))
            images[start : start + len(batch)] = decoded
            start += len(batch)
    return images, np.asarray(rows["label"], np.float32)


def seen(rows: datasets.Dataset, view: View) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield what a detector sees of the rows of a split, in batches.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with the columns ``image`` and ``squares``.
    view : View
        How the detector looks at a picture, see `model.view_of`.

    Yields
    ------
    images : uint8 array (n, size, size, 3)
        One image a row, or all the windows of a row one after the other.
    owners : int array (n,)
        The number of the row that each belongs to.
    """
    table = rows.select_columns(["image", "squares"]).with_format("arrow")
    batch_rows = max(16, PIXELS_AT_ONCE // view.size**2)
    first = 0
    with ThreadPoolExecutor() as pool:
        for batch in table.iter(batch_rows):
            files = batch.column("image").combine_chunks().field("bytes").to_pylist()
            squares = batch.column("squares").to_pylist()
            shown = list(pool.map(partial(_shown, view=view), files, squares))
            owners = np.repeat(np.arange(first, first + len(shown)), [len(part) for part in shown])
            yield np.concatenate(shown), owners
            first += len(shown)


def _shown(file: bytes, squares: list[bytes], view: View) -> np.ndarray:
    if view.kind == WINDOWS and squares:
        return windows([np.asarray(to_rgb(square)) for square in squares], view.size)
    return look(np.asarray(to_rgb(file)), view)


def encoded_images(rows: datasets.Dataset) -> Iterator[list[bytes]]:
    """Yield the encoded images of a split in batches: a data set may be larger than the memory.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with a column ``image``.

    Yields
    ------
    list of bytes
        The files of up to 256 images as they were read, in the order of `rows`.
    """
    for batch in rows.select_columns("image").with_format("arrow").iter(256):
        yield batch.column("image").combine_chunks().field("bytes").to_pylist()


def digests(rows: datasets.Dataset) -> list[str]:
    """Hash the encoded image of each row by SHA-256.

    Parameters
    ----------
    rows : datasets.Dataset
        Rows with a column ``image``.

    Returns
    -------
    list of str
        One hexadecimal digest a row; twins have the same one.
    """
    found = []
    for batch in encoded_images(rows):
        found.extend(hashlib.sha256(image).hexdigest() for image in batch)
    return found
