"""XMP as a list of properties and their values, whichever way RDF writes them down."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from xml.etree.ElementTree import Element

from defusedxml import ElementTree

MAX_BYTES = 1_000_000  # of a packet that are read
MAX_PROPERTIES = 2_000
MAX_DEPTH = 4  # names of a path that are kept, from its end
_SOURCE_TYPE = re.compile(rb"https?://cv\.iptc\.org/newscodes/digitalsourcetype/\w+", re.IGNORECASE)
_RDF = "http://www.w3.org/1999/02/22-rdf-syntax-ns#"
# Elements and attributes that hold properties and are none themselves.
_WRAPPING = (f"{{{_RDF}}}", "{adobe:ns:meta/}", "{http://www.w3.org/XML/1998/namespace}")


def properties(packet: str | bytes) -> list[tuple[str, str]]:
    """Read the properties of an XMP packet.

    Of a damaged one these are those before the damage, and any source type of IPTC's vocabulary.

    Parameters
    ----------
    packet : str or bytes
        The packet.

    Returns
    -------
    list of (name, value)
        Names have the prefix that the file gives them, such as ``photoshop:Credit``; a property
        within another stands behind it and a slash.
    """
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    found = []
    try:
        for one in _walk(packet.lstrip(b"\0 \r\n\t")[:MAX_BYTES]):
            found.append(one)
            if len(found) == MAX_PROPERTIES:
                break
    except Exception:  # the parser and its guard raise many kinds; what came before them stays
        addresses = set(_SOURCE_TYPE.findall(packet[:MAX_BYTES]))
        found += [("DigitalSourceType", address.decode()) for address in sorted(addresses)[:10]]
    return found


def _walk(packet: bytes) -> Iterator[tuple[str, str]]:
    """Yield each property: an attribute, an address that an element refers to, or its text."""
    prefixes: dict[str, str] = {}
    path: list[str] = []
    events = ("start-ns", "start", "end")
    for event, item in ElementTree.iterparse(io.BytesIO(packet), events=events):
        if event == "start-ns":
            prefixes[item[1]] = item[0]
            continue
        element: Element = item
        wraps = element.tag.startswith(_WRAPPING)
        if event == "start":
            if not wraps:
                path.append(_short_name(element.tag, prefixes))
            for name, value in element.attrib.items():
                if name in (f"{{{_RDF}}}resource", f"{{{_RDF}}}about") and path and value:
                    yield _joined(path), value
                elif not name.startswith(_WRAPPING):
                    yield _joined([*path[-MAX_DEPTH:], _short_name(name, prefixes)]), value
        else:
            text = (element.text or "").strip()
            if text and path:
                yield _joined(path), text
            if not wraps:
                path.pop()
            element.clear()


def _joined(path: list[str]) -> str:
    return "/".join(path[-MAX_DEPTH:])


def _short_name(tag: str, prefixes: dict[str, str]) -> str:
    """Write {http://…}name as prefix:name."""
    space, _, name = tag.rpartition("}")
    prefix = prefixes.get(space[1:], "")
    return f"{prefix}:{name}" if prefix else name
