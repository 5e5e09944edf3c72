"""What a statement is, and what IPTC's terms for a picture's source mean.

A file's statement of its origin can be false, and its absence says nothing: most programs and every
screenshot drop it. None of it enters the probability.
"""

from __future__ import annotations

import re
from typing import NamedTuple

LONGEST = 300  # characters of a statement that are quoted
EASY = "easily added or removed"  # how far most of what stands in a file can be trusted

# Whom a statement names as the picture's maker; an empty text where it names none.
AI, PARTLY_AI, CAMERA = "AI", "AI in part", "camera"
_CLAIMS = {AI: "made by AI", PARTLY_AI: "made by AI in part", CAMERA: "taken with a camera"}

# IPTC's terms (cv.iptc.org/newscodes/digitalsourcetype) and C2PA's own, in lower case. What an
# algorithm drew that was not trained (algorithmicMedia), or a game showed (virtualRecording), is
# neither.
_MAKERS = {
    "digitalcapture": CAMERA,
    "computationalcapture": CAMERA,
    "compositecapture": CAMERA,
    "negativefilm": CAMERA,
    "positivefilm": CAMERA,
    "compositesynthetic": PARTLY_AI,
}


class Statement(NamedTuple):
    """One thing that a file says of its origin.

    Attributes
    ----------
    where : str
        The kind of metadata that holds it.
    says : str
        What stands there, shortened to `LONGEST` characters.
    origin : str
        Whom it names as the maker: `AI`, `PARTLY_AI`, `CAMERA`, or nobody (an empty text).
    by : str
        The generator, camera or program that it names, if it names one.
    validated : bool
        Whether a signature over the whole picture was checked and holds. Of whom it is, is another
        question.
    standing : str
        The same for the reader: why to trust it, or why not.
    link : str
        How the picture came from the one that the statement is about, such as ``made from``; an
        empty text if it is about the picture itself.
    """

    where: str
    says: str
    origin: str = ""
    by: str = ""
    validated: bool = False
    standing: str = EASY
    link: str = ""

    @property
    def made_by_ai(self) -> bool:
        """Whether it means that a generator made the picture, whole or in part."""
        return self.origin in (AI, PARTLY_AI)

    @property
    def claim(self) -> str:
        """What it claims, in words that a heading can begin with; empty if it claims nothing."""
        if not self.origin:
            return ""
        claim = _CLAIMS[self.origin]
        if self.link:
            claim = f"{self.link} a picture that was {claim}"
        return claim[0].upper() + claim[1:]


def maker(term: str) -> str:
    """Say whom a term of IPTC's or C2PA's vocabulary names as the maker.

    Parameters
    ----------
    term : str
        Its last part, such as ``trainedAlgorithmicMedia``.

    Returns
    -------
    str
        `AI`, `PARTLY_AI`, `CAMERA`, or an empty text.
    """
    term = term.lower()
    if term.startswith("trainedalgorithmic"):  # ...Media, and C2PA's ...Data
        return AI
    if "trainedalgorithmic" in term:
        return PARTLY_AI
    return _MAKERS.get(term, "")


def last_part(term: str) -> str:
    """Take the term from an address of IPTC's vocabulary, however it is written.

    Parameters
    ----------
    term : str
        An address, a short code such as ``digsrctype:digitalCapture``, or the bare term.

    Returns
    -------
    str

    Examples
    --------
    >>> last_part("http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture/")
    'digitalCapture'
    """
    address = re.split(r"[?;]", "".join(term[:LONGEST].split()))[0]
    return re.split(r"[/:#]", address.rstrip("/#"))[-1]


def strongest(makers: list[str]) -> str:
    """Choose what counts of several makers: AI before AI in part, and that before a camera.

    Parameters
    ----------
    makers : list of str
        `AI`, `PARTLY_AI`, `CAMERA`, or empty texts.

    Returns
    -------
    str
        One of them, or an empty text.
    """
    return next((one for one in _CLAIMS if one in makers), "")


def short(text: str, longest: int = LONGEST) -> str:
    """Shorten a text that a stranger wrote, to one line that can be shown anywhere.

    Parameters
    ----------
    text : str
        Of any length.
    longest : int
        Characters that are kept, at most.

    Returns
    -------
    str
    """
    words = text[: 2 * longest]
    if not words.isprintable():  # line ends, and what would steer a terminal or turn text round
        words = "".join(letter if letter.isprintable() else " " for letter in words)
    words = " ".join(words.split())
    cut = len(words) > longest or len(text) > 2 * longest
    return words[: longest - 1] + "…" if cut else words
