"""The kinds of image file that are read, and what to do with those that are not."""

from __future__ import annotations

import contextlib
import re
from pathlib import Path

import pillow_heif

pillow_heif.register_heif_opener()  # Pillow reads HEIC, as iPhones write it, only after this
with contextlib.suppress(ImportError):  # JPEG XL, where somebody has installed pillow-jxl-plugin
    import pillow_jxl  # noqa: F401

# Pillow's name of each format, and how files of it end. MPO is a JPEG with more pictures behind it.
FORMATS = {
    "JPEG": (".jpg", ".jpeg", ".jfif", ".jpe"),
    "MPO": (".mpo",),
    "PNG": (".png",),
    "WEBP": (".webp",),
    "HEIF": (".heic", ".heif", ".hif"),
    "AVIF": (".avif",),
    "GIF": (".gif",),
    "BMP": (".bmp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm"),
    "JXL": (".jxl",),
}
SUFFIXES = tuple(suffix for suffixes in FORMATS.values() for suffix in suffixes)
READ = "JPG, PNG, WebP, HEIC, AVIF, GIF, BMP or TIFF"  # for sentences

RAW = (".arw", ".cr2", ".cr3", ".dng", ".nef", ".nrw", ".orf", ".pef", ".raf", ".rw2", ".srw")
# How files begin that are no images, or none that Pillow reads: what they are, and what helps.
_BEGINNINGS = (
    (rb"%PDF", "a PDF document", "save the picture in it as PNG"),
    (rb"PK\x03\x04|Rar!|7z\xbc\xaf", "an archive", "unpack it first"),
    (rb"8BPS", "a Photoshop file", "export it as PNG"),
    (rb"\x1aE\xdf\xa3|RIFF....AVI ", "a video", "save a frame of it as PNG"),
    (rb"....ftyp(isom|iso2|mp4|M4V|qt|avc1|3gp)", "a video", "save a frame of it as PNG"),
    (rb"\xff\x0a|...\x0cJXL ", "a JPEG XL file", "install pillow-jxl-plugin, or save it as PNG"),
    (rb"version https://git-lfs", "a Git LFS pointer, not the file itself", "run git lfs pull"),
    (rb"\s*<(!doctype )?html", "a web page", "open it in a browser and save the picture itself"),
    (rb".{0,1000}<svg", "an SVG drawing", "export it as PNG"),
)


def what_else(content: bytes, name: str) -> tuple[str, str] | None:
    """Tell what a file is that is not read, and what its owner can do.

    Parameters
    ----------
    content : bytes
        The file; its beginning is enough.
    name : str
        Its name. Its suffix tells cameras' raw files, which look like TIFF and hold a small preview
        in front.

    Returns
    -------
    tuple of two str, or None
        What it is, such as "a PDF document", and what would help; None if it is none of these.

    Examples
    --------
    >>> what_else(b"%PDF-1.7", "flyer.jpg")
    ('a PDF document', 'save the picture in it as PNG')
    """
    if Path(name).suffix.lower() in RAW:
        return "a camera's raw file", "export it as JPEG"
    for beginning, kind, advice in _BEGINNINGS:
        if re.match(beginning, content, re.DOTALL | re.IGNORECASE):
            return kind, advice
    return None
