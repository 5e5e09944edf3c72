"""All metadata of a file as rows: where they stand, under which name, and what they say."""

from __future__ import annotations

import contextlib
import io
from collections.abc import Iterator
from itertools import chain
from typing import Any, NamedTuple

from PIL import Image, ImageCms, IptcImagePlugin

from truthpixel_utils.demo import exif, xmp
from truthpixel_utils.demo.origin import short

MAX_ROWS = 2_000  # of the table that is shown
MAX_SHOWN = 5_000  # characters of a value in it
MAX_TOTAL = 1_000_000  # characters of all values in it
PNG_TEXT, COMMENT, IPTC, XMP = "PNG text", "JPEG comment", "IPTC", "XMP"
# Names that IPTC gives to the data sets of its record 2 that people meet.
_DATA_SETS = {
    5: "Object Name",
    25: "Keywords",
    40: "Special Instructions",
    55: "Date Created",
    60: "Time Created",
    65: "Originating Program",
    70: "Program Version",
    80: "By-line",
    85: "By-line Title",
    90: "City",
    101: "Country",
    103: "Original Transmission Reference",
    105: "Headline",
    110: "Credit",
    115: "Source",
    116: "Copyright Notice",
    118: "Contact",
    120: "Caption/Abstract",
    122: "Writer/Editor",
}


class Entry(NamedTuple):
    """One entry of a file's metadata.

    Attributes
    ----------
    where : str
        The kind of metadata that holds it.
    key : str
        Its name there.
    value : str
        What it says.
    """

    where: str
    key: str
    value: str


def entries(opened: Image.Image) -> list[Entry]:
    """Read all metadata of an image but its Content Credentials.

    Parameters
    ----------
    opened : PIL.Image.Image
        The file as Pillow opened it; its pixels are loaded if they are not yet.

    Returns
    -------
    list of Entry
        With whole values. Kinds that are damaged are left out.
    """
    found = []
    with contextlib.suppress(Exception):  # of a cut file, too: Pillow raises many kinds
        opened.load()  # a PNG may hold texts, XMP and EXIF behind its pixels
    for kind in (_exif, _iptc, _xmp, _texts, _colour_profile):
        try:
            found += kind(opened)
        except Exception:  # a stranger's bytes: each library raises kinds of its own
            continue
    return found


def table(found: list[Entry], store: dict[str, Any]) -> tuple[Entry, ...]:
    """Lay out all metadata of a file so that it can be shown: bounded, however large they are.

    Parameters
    ----------
    found : list of Entry
        What `entries` returned.
    store : dict
        What `content_credentials.read` returned.

    Returns
    -------
    tuple of Entry
        The last one says so if some did not fit.
    """
    rows, total = [], 0
    for where, key, value in chain(found, _leaves("Content Credentials", store)):
        row = Entry(where, short(key), short(value, MAX_SHOWN))
        total += len(row.key) + len(row.value)
        if len(rows) == MAX_ROWS or total > MAX_TOTAL:
            rows.append(Entry("…", "", "The file holds more metadata than this table shows."))
            break
        rows.append(row)
    return tuple(rows)


def _exif(opened: Image.Image) -> Iterator[Entry]:
    for directory, tags in exif.exif_of(opened).items():
        for tag, value in tags.items():
            yield Entry(directory, exif.tag_name(directory, tag), exif.as_text(tag, value))


def _iptc(opened: Image.Image) -> Iterator[Entry]:
    for (record, number), values in (IptcImagePlugin.getiptcinfo(opened) or {}).items():
        named = _DATA_SETS.get(number) if record == 2 else None
        for value in values if isinstance(values, list) else [values]:
            yield Entry(IPTC, named or f"{record}:{number}", exif.as_text(-1, value or b""))


def _xmp(opened: Image.Image) -> Iterator[Entry]:
    info = opened.info
    packet = info.get("xmp") or info.get("XML:com.adobe.xmp") or _raw_profile(opened)
    for name, value in xmp.properties(packet) if packet else ():
        yield Entry(XMP, name, value)


def _raw_profile(opened: Image.Image) -> bytes:
    """Undo how ImageMagick writes XMP into a PNG: its name, its length and hexadecimal digits."""
    text = str(opened.info.get("Raw profile type xmp", ""))
    return bytes.fromhex("".join(text.split()[2:]))


def _texts(opened: Image.Image) -> Iterator[Entry]:
    """Read the texts of a PNG, of which its XMP is none, and the comment of a JPEG."""
    for key, value in getattr(opened, "text", {}).items():
        if key != "XML:com.adobe.xmp":
            yield Entry(PNG_TEXT, key, str(value))
    if isinstance(comment := opened.info.get("comment"), (bytes, str)):
        content = comment if isinstance(comment, bytes) else comment.encode("utf-8", "replace")
        yield Entry(COMMENT, "comment", exif.comment_text(content))


def _colour_profile(opened: Image.Image) -> Iterator[Entry]:
    if content := opened.info.get("icc_profile"):
        profile = ImageCms.ImageCmsProfile(io.BytesIO(content))
        yield Entry("ICC profile", "description", ImageCms.getProfileDescription(profile).strip())


def _leaves(where: str, tree: object) -> Iterator[Entry]:
    """Write each value of a tree of dicts and lists as a row; the path to it is its key."""
    waiting: list[tuple[str, object]] = [("", tree)]
    while waiting:
        path, node = waiting.pop()
        if isinstance(node, dict):
            children = [(f"{path} / {key}"[-200:], child) for key, child in node.items()]
        elif isinstance(node, list):
            children = [(f"{path} / {i}"[-200:], child) for i, child in enumerate(node)]
        else:
            yield Entry(where, path.removeprefix(" / "), str(node))
            continue
        waiting += reversed(children)
