"""What a file says of its own origin.

It may hold Content Credentials (C2PA), IPTC's digital source type, or texts that generators write.
None of it enters the probability. A statement can be false or copied, and its absence says nothing:
most programs and every screenshot drop it.
"""

from __future__ import annotations

import io
import json
import re
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from PIL import ExifTags, Image

if TYPE_CHECKING:
    import c2pa

LONGEST = 300  # characters of a statement that are quoted
# IPTC's terms for what a trained model made, whole or in part
# (cv.iptc.org/newscodes/digitalsourcetype).
AI_SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
# Chunks of text that Stable Diffusion's interfaces leave in a PNG, with the interface's name.
GENERATOR_TEXTS = {
    "parameters": "AUTOMATIC1111",
    "prompt": "ComfyUI",
    "workflow": "ComfyUI",
    "invokeai_metadata": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "Dream": "InvokeAI",
}
# Generators that name themselves in EXIF or PNG.
GENERATORS = re.compile(
    r"\b(stable.?diffusion|automatic1111|comfyui|invokeai|novelai|midjourney|dall[·•-]?e"
    r"|adobe firefly|google imagen|ideogram|flux\.1|leonardo\.ai)\b",
    re.IGNORECASE,
)
SOFTWARE, USER_COMMENT = ExifTags.Base.Software, ExifTags.Base.UserComment


class Statement(NamedTuple):
    """One thing that a file says of its origin.

    Attributes
    ----------
    where : str
        The kind of metadata that holds it.
    says : str
        What stands there, shortened to `LONGEST` characters.
    made_by_ai : bool
        Whether it means that a generator made the image, whole or in part.
    """

    where: str
    says: str
    made_by_ai: bool


def statements(opened: Image.Image, content: bytes) -> list[Statement]:
    """Collect what an image file says of its origin.

    Parameters
    ----------
    opened : PIL.Image.Image
        The file as Pillow opened it; its pixels are loaded if they are not yet.
    content : bytes
        The file.

    Returns
    -------
    list of Statement
        Empty if the file says nothing.
    """
    opened.load()  # a PNG may hold text behind its pixels
    texts = {}
    for key, value in opened.info.items():
        if isinstance(value, (str, bytes)):
            texts[str(key)] = value
    return [
        *_content_credentials(content),
        *_iptc(texts),
        *_generator_texts(texts),
        *_exif(*exif_of(opened)),
    ]


def exif_of(opened: Image.Image) -> tuple[dict[int, Any], dict[int, Any]]:
    """Read the tags of an image.

    Parameters
    ----------
    opened : PIL.Image.Image
        The file as Pillow opened it.

    Returns
    -------
    tags : dict of int to value
        The tags of the image itself, such as `PIL.ExifTags.Base.Software`.
    exif : dict of int to value
        Those of its EXIF block. Both are empty where they are damaged.
    """
    try:
        exif = opened.getexif()
        return dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))
    except Exception:  # Pillow raises a kind for each way EXIF can be damaged; the pixels are whole
        return {}, {}


def _content_credentials(content: bytes) -> list[Statement]:
    """Read the C2PA manifests, and validate them with what is in the file: nothing is fetched."""
    import c2pa

    where = "Content Credentials"
    try:
        reader = c2pa.Reader.try_create("", io.BytesIO(content), context=_offline())
        if reader is None:
            return []
        with reader:
            store, state = json.loads(reader.json()), reader.get_validation_state()
    except c2pa.C2paError as error:
        elsewhere = str(error).startswith("Remote")
        words = "kept elsewhere; not fetched" if elsewhere else f"could not be read: {error}"
        return [Statement(where, _short(words), False)]
    manifests = store.get("manifests") or {}
    manifest = manifests.get(store.get("active_manifest")) or {}
    generators = [info.get("name", "") for info in manifest.get("claim_generator_info") or []]
    signer = (manifest.get("signature_info") or {}).get("issuer") or "nobody"
    # An edited image keeps the manifest of what it was made from: what that was is said there.
    assertions = json.dumps([one.get("assertions") for one in manifests.values()])
    sources = sorted(set(re.findall(r"digitalsourcetype/(\w+)", assertions)))
    words = f"by {', '.join(generators) or 'an unnamed program'}, signed as {signer}, "
    words += "unchanged since" if state in ("Valid", "Trusted") else "changed since, or damaged"
    words += "" if state == "Trusted" else " (who signed was not checked)"
    if sources:
        words += f"; source: {', '.join(sources)}"
    return [Statement(where, _short(words), bool(set(sources) & set(AI_SOURCES)))]


@lru_cache
def _offline() -> c2pa.Context:
    """Return settings under which c2pa fetches nothing from anywhere."""
    import c2pa

    settings = {"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}
    return c2pa.Context(c2pa.Settings.from_dict(settings))


def _iptc(texts: dict[str, str | bytes]) -> list[Statement]:
    """Find terms of IPTC's vocabulary in the file's XMP, which Pillow gives among the texts."""
    terms = set()
    for key, value in texts.items():
        if key.lower() in ("xmp", "xml:com.adobe.xmp"):
            terms.update(re.findall(rb"digitalsourcetype/(\w+)", _bytes(value)))
    where = "IPTC digital source type"
    words = sorted(term.decode() for term in terms)
    return [Statement(where, word, word in AI_SOURCES) for word in words]


def _generator_texts(texts: dict[str, str | bytes]) -> list[Statement]:
    """Find chunks of text that generators leave in a PNG, and the program that wrote it."""
    found = []
    for key, value in texts.items():
        if key in GENERATOR_TEXTS:
            where = f"PNG text “{key}” ({GENERATOR_TEXTS[key]})"
            found.append(Statement(where, _short(value), True))
    if software := texts.get("Software"):
        found.append(Statement("PNG text “Software”", _short(software), _is_generator(software)))
    return found


def _exif(exif: dict[int, Any], more: dict[int, Any]) -> list[Statement]:
    """Find the program that wrote the file, and the comment that AUTOMATIC1111 leaves in EXIF."""
    found = []
    if software := exif.get(SOFTWARE):
        found.append(Statement("EXIF software", _short(software), _is_generator(software)))
    comment = _bytes(more.get(USER_COMMENT, b"")).decode("latin-1")
    words = re.sub(r"[^\x20-\x7e]", "", comment)  # UTF-16 or not, what is left is legible
    if "Steps:" in words and "Sampler:" in words:
        where = "EXIF comment (AUTOMATIC1111)"
        found.append(Statement(where, _short(words.removeprefix("UNICODE")), True))
    return found


def _is_generator(software: str | bytes) -> bool:
    return bool(GENERATORS.search(_bytes(software).decode("utf-8", "replace")))


def _bytes(value: object) -> bytes:
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _short(value: str | bytes) -> str:
    words = " ".join(_bytes(value).decode("utf-8", "replace").split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
