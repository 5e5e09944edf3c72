"""What a file says of its own origin, gathered from all its metadata.

It may hold Content Credentials (C2PA), IPTC's digital source type, a label that a law requires, the
name of the program that made it, parameters that a generator leaves, or a camera's EXIF.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from PIL import Image

from truthpixel_utils.demo import content_credentials, generator_texts, generators, metadata
from truthpixel_utils.demo.exif import IMAGE, PHOTO
from truthpixel_utils.demo.generator_texts import LIKE_AUTOMATIC1111
from truthpixel_utils.demo.metadata import COMMENT, IPTC, PNG_TEXT, XMP, Entry
from truthpixel_utils.demo.origin import (
    AI,
    CAMERA,
    EASY,
    PARTLY_AI,
    Statement,
    last_part,
    maker,
    short,
)

MAX_STATEMENTS = 40
LOOKED_AT = 10_000  # characters of a text in which a label may begin
MAX_CAMERA = 80  # characters of a camera's name: what is longer is no camera
# Fields, by the last part of their name in lower case.
_SOURCE_TYPE = {"digitalsourcetype", "digitalsourcefiletype"}
_SOFTWARE = {
    "software",
    "processingsoftware",
    "creatortool",
    "generator",
    "originatingprogram",
    "softwareagent",
}
_AI_ONLY = {"aisystemused", "aipromptinformation"}  # IPTC's fields for what a generator was told
_DEVICE = {"make", "model", "makernote", "source"}  # of the camera, or what stands in its place
_SENTENCES = {"credit", "comment", "usercomment", "description", "imagedescription", "xpcomment"}
_SENTENCES |= {"caption/abstract", "parameters"}
_EXPOSURE = {"ExposureTime", "FNumber", "ISOSpeedRatings", "PhotographicSensitivity", "FocalLength"}
_VOCABULARY = re.compile(
    r"(?:https?://cv\.iptc\.org/newscodes/digitalsourcetype/|digsrctype:)\w+/?", re.I
)
_AIGC = re.compile(r"""['"]AIGC\\?['"]\s*:""")
_LABELS = {1: "AI-generated", 2: "possibly AI-generated", 3: "suspected to be AI-generated"}


class Findings(NamedTuple):
    """What is known of a file beside its pixels.

    Attributes
    ----------
    statements : tuple of Statement
        What it says of its origin.
    metadata : tuple of Entry
        All its metadata.
    """

    statements: tuple[Statement, ...]
    metadata: tuple[Entry, ...]


def look_into(opened: Image.Image, content: bytes) -> Findings:
    """Read what a file says of its origin, and all its metadata.

    Parameters
    ----------
    opened : PIL.Image.Image
        The file as Pillow opened it; its pixels are loaded if they are not yet.
    content : bytes
        The file.

    Returns
    -------
    Findings

    Raises
    ------
    TruthPixelError
        If the reader has named a trust list that cannot be read.
    """
    entries = metadata.entries(opened)
    store, problem = content_credentials.read(content)
    found = [*content_credentials.statements(store, problem), *_from_metadata(entries)]
    distinct = tuple(dict.fromkeys(found))[:MAX_STATEMENTS]
    return Findings(distinct, metadata.table(entries, store))


def camera_of(entries: list[Entry]) -> str:
    """Name the camera that EXIF names; some generators write their own things in its place.

    Parameters
    ----------
    entries : list of Entry
        What `metadata.entries` returned.

    Returns
    -------
    str
        Empty if there is none.
    """
    make, model = (_first(entries, IMAGE, key).strip("\0 ") for key in ("Make", "Model"))
    for text in (make, model):
        if len(text) > MAX_CAMERA or "{" in text or generators.named_for_certain(text) is not None:
            return ""
    return model if model.startswith(make) else f"{make} {model}".strip()


def _from_metadata(entries: list[Entry]) -> Iterator[Statement]:
    yield from _labels(entries)
    for entry in entries:
        yield from _software(entry)
        yield from _sentence(entry)
        yield from _generator_text(entry)
    yield from _png_texts_together(entries)
    yield from _groks_signature(entries)
    yield from _camera(entries)


def _labels(entries: list[Entry]) -> Iterator[Statement]:
    """Find IPTC's digital source type, and the label that China requires."""
    for entry in entries:
        name = _name(entry)
        if name in _SOURCE_TYPE or _is_source_type(entry):
            term = short(last_part(entry.value))
            yield Statement("IPTC digital source type", term, maker(term))
        elif (number := _label_of(entry)) in _LABELS:
            words = f"{_LABELS[number]}: {entry.value}"
            origin = AI if number == 1 else ""
            yield Statement(f"China's AIGC label in {entry.where}", short(words), origin)


def _label_of(entry: Entry) -> int | None:
    if _name(entry) == "aigc" or _AIGC.search(entry.value[:LOOKED_AT]):
        return generator_texts.chinese_label(entry.value)
    if _name(entry) == "label" and "AIGC/" in entry.key:
        return generator_texts.chinese_label(f"'Label': {entry.value}")
    return None


def _is_source_type(entry: Entry) -> bool:
    """Tell IPTC's vocabulary where there is no field for it, as in IPTC's older records."""
    value = entry.value[:LOOKED_AT].strip()
    bare = entry.where == IPTC and maker(value) in (AI, PARTLY_AI)
    return bare or bool(_VOCABULARY.fullmatch(value))


def _software(entry: Entry) -> Iterator[Statement]:
    """Quote a field that names the creating software; where a camera is named, only a generator."""
    name = _name(entry)
    is_device = name in _DEVICE and entry.where in (IMAGE, PHOTO, PNG_TEXT)
    if name in _AI_ONLY:
        yield _quote(entry, AI)
    if not entry.value.strip() or not (name in _SOFTWARE or is_device):
        return
    named = generators.named_for_certain if is_device else generators.named_in
    by = named(entry.value)
    if by is not None:
        # A step of editing that a generator took made part of the picture, at most.
        origin = PARTLY_AI if "History" in entry.key else AI
        yield _quote(entry, origin, by)
    elif name in _SOFTWARE and "/" not in entry.key:
        yield _quote(entry)


def _sentence(entry: Entry) -> Iterator[Statement]:
    """Find a sentence such as *Made with Google AI*, or a comment that is a generator's name."""
    if _name(entry) not in _SENTENCES:
        return
    if said := generators.made_with(entry.value):
        by, edited = said
        yield _quote(entry, PARTLY_AI if edited else AI, by)
    elif (by := generators.alone(entry.value)) is not None:
        yield _quote(entry, AI, by)


def _generator_text(entry: Entry) -> Iterator[Statement]:
    """Find a text that only a generator writes, by its structure."""
    by = generator_texts.writer_of(entry.value)
    if by is not None:
        of_another = entry.where == XMP and by == LIKE_AUTOMATIC1111  # which writes no XMP
        yield _quote(entry, AI, "" if of_another else by)
    elif entry.where == PNG_TEXT and entry.key == "postprocessing" and "upscale" in entry.value:
        yield _quote(entry, by=LIKE_AUTOMATIC1111)  # which enlarges photographs as well


def _png_texts_together(entries: list[Entry]) -> Iterator[Statement]:
    """Find texts that only a generator calls so, such as one for each of its parameters."""
    texts = {entry.key: entry.value for entry in entries if entry.where == PNG_TEXT}
    by = generator_texts.writer_of_texts(texts)
    if by is not None and all(generator_texts.writer_of(one) is None for one in texts.values()):
        words = ", ".join(f"{key}: {value[:60]}" for key, value in list(texts.items())[:20])
        yield Statement("PNG texts", short(words), AI, by)


def _groks_signature(entries: list[Entry]) -> Iterator[Statement]:
    artist, signature = (_first(entries, IMAGE, key) for key in ("Artist", "ImageDescription"))
    if generator_texts.is_groks(artist, signature):
        yield Statement("EXIF Artist and ImageDescription", short(signature), AI, "Grok")


def _camera(entries: list[Entry]) -> Iterator[Statement]:
    """Quote the camera, if the file has its settings too: a scanner has a maker and no exposure."""
    has_settings = any(_first(entries, PHOTO, key) for key in _EXPOSURE)
    if has_settings and (camera := camera_of(entries)):
        yield Statement("EXIF camera", camera, CAMERA, camera)


def _quote(entry: Entry, origin: str = "", by: str = "") -> Statement:
    places = {IMAGE: "EXIF", PHOTO: "EXIF", PNG_TEXT: "PNG text", COMMENT: "JPEG"}
    where = f"{places.get(entry.where, entry.where)} {short(entry.key, 60)}"
    return Statement(where, short(entry.value), origin, by, standing=EASY)


def _name(entry: Entry) -> str:
    """The last part of a field's name: XMP's prefixes are any, and so are capitals."""
    key = re.split(r"[:/]", entry.key)[-1] if entry.where == XMP else entry.key
    return key.replace(" ", "").lower()


def _first(entries: list[Entry], where: str, key: str) -> str:
    return next((one.value for one in entries if one.where == where and one.key == key), "")
