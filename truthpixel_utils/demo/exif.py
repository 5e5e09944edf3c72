"""EXIF as a file has it: every directory, and its values as text, in whatever encoding."""

from __future__ import annotations

import re
from typing import Any

from PIL import ExifTags, Image

MAX_PARTS = 64  # numbers of one value that are shown
IMAGE, PHOTO = "EXIF (image)", "EXIF (photo)"
_DIRECTORIES = {
    PHOTO: ExifTags.IFD.Exif,
    "EXIF (GPS)": ExifTags.IFD.GPSInfo,
    "EXIF (interoperability)": ExifTags.IFD.Interop,
    "EXIF (thumbnail)": ExifTags.IFD.IFD1,
}
_POINTERS = {ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo, ExifTags.IFD.Interop}
# Tags of Windows, which hold UTF-16.
_WINDOWS = {
    ExifTags.Base.XPTitle,
    ExifTags.Base.XPComment,
    ExifTags.Base.XPAuthor,
    ExifTags.Base.XPKeywords,
    ExifTags.Base.XPSubject,
}


def exif_of(opened: Image.Image) -> dict[str, dict[int, Any]]:
    """Read the directories of an image's EXIF block.

    Parameters
    ----------
    opened : PIL.Image.Image
        The file as Pillow opened it.

    Returns
    -------
    dict of str to dict
        By the directory's name, its tags and values; a directory that is damaged is empty.
    """
    try:
        exif = opened.getexif()
        directories = {IMAGE: dict(exif)}
    except Exception:  # Pillow raises a kind for each way EXIF can be damaged; the pixels are whole
        return {IMAGE: {}, PHOTO: {}}
    for name, directory in _DIRECTORIES.items():
        try:
            directories[name] = dict(exif.get_ifd(directory))
        except Exception:
            directories[name] = {}
    for tags in directories.values():
        for pointer in _POINTERS:
            tags.pop(pointer, None)
    return directories


def tag_name(directory: str, tag: int) -> str:
    """Name a tag as the standard does.

    Parameters
    ----------
    directory : str
        A key of what `exif_of` returns.
    tag : int
        The tag's number.

    Returns
    -------
    str
        Its number where the standard has no name for it.
    """
    names = ExifTags.GPSTAGS if "GPS" in directory else ExifTags.TAGS
    return str(names.get(tag, f"0x{tag:04x}"))


def as_text(tag: int, value: object) -> str:
    """Write a tag's value as text.

    Parameters
    ----------
    tag : int
        The tag's number.
    value : object
        As Pillow gives it.

    Returns
    -------
    str
        Of bytes that are no text, how many there are.
    """
    if isinstance(value, str):
        value = _as_bytes(value)
    if isinstance(value, (tuple, list)):
        return ", ".join(map(str, value[:MAX_PARTS])) + ("…" if len(value) > MAX_PARTS else "")
    if not isinstance(value, bytes):
        return str(value)
    if tag in _WINDOWS:
        return value.decode("utf-16-le", "replace").strip("\0 ")
    if tag == ExifTags.Base.UserComment or b"\0" not in value.strip(b"\0 "):
        text = comment_text(value)
        if _is_legible(text):
            return text
    elif tag == ExifTags.Base.MakerNote:  # nearly always binary: only plain letters make a text
        text = comment_text(value)
        if _is_legible(text) and max(text) < "\u0250":
            return text
    return f"{len(value):,} bytes"


def comment_text(value: bytes) -> str:
    """Decode a UserComment: eight bytes may say how it is encoded, and are not always right.

    Parameters
    ----------
    value : bytes
        As it stands in the file.

    Returns
    -------
    str
    """
    code = value[:8].upper()
    body = value
    if code.startswith((b"ASCII\0", b"UNICODE\0", b"JIS\0")) or code == bytes(8):
        body = value[8:]
    if code.startswith(b"JIS\0"):
        return body.decode("iso2022_jp", "replace").strip("\0 ")
    if body[:2] in (b"\xff\xfe", b"\xfe\xff"):
        return body.decode("utf-16", "replace").strip("\0 ")
    if _is_wide(body, code.startswith(b"UNICODE\0")):
        big = _variety(body[0::2]) <= _variety(body[1::2])
        return body.decode("utf-16-be" if big else "utf-16-le", "replace").strip("\0 ")
    return body.decode("utf-8" if _is_utf8(body) else "latin-1").strip("\0 ")


def _is_wide(text: bytes, claimed: bool) -> bool:
    """Tell UTF-16 from UTF-8, which some programs write where they claim the other."""
    if b"\0" in text.strip(b"\0"):
        return True
    few, many = sorted((_variety(text[0::2]), _variety(text[1::2])))
    return claimed and (4 * few <= many or not _is_utf8(text))


def _variety(half: bytes) -> int:
    """Count the values of a half of UTF-16's pairs: the high half of any script has few."""
    return len(set(half[:1000]))


def _is_utf8(text: bytes) -> bool:
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


def _as_bytes(text: str) -> bytes:
    """Undo Pillow's reading as Latin-1: what is UTF-8 in the file shows as such."""
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return text.encode("utf-8", "replace")


def _is_legible(text: str) -> bool:
    """Tell text from bytes that only happen to decode."""
    sample = text[:1000]
    odd = len(re.findall(r"[\x00-\x08\x0e-\x1f\x7f-\x9f\ufffd]", sample))
    return odd <= len(sample) // 20
