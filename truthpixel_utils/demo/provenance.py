"""What a file says of its own origin: Content Credentials, IPTC's digital source type, what generators write there.

None of it enters the probability. A statement can be false or copied, and its absence says nothing: most programs and
every screenshot drop it.
"""

import io
import json
import re
from functools import lru_cache
from typing import NamedTuple

from PIL import ExifTags

LONGEST = 300  # characters of a statement that are quoted
# IPTC's terms for what a trained model made, whole or in part (cv.iptc.org/newscodes/digitalsourcetype).
AI_SOURCES = ("trainedAlgorithmicMedia", "compositeWithTrainedAlgorithmicMedia")
# Chunks of text that Stable Diffusion's interfaces leave in a PNG, and programs that name themselves in EXIF or PNG.
GENERATOR_TEXTS = {
    "parameters": "AUTOMATIC1111",
    "prompt": "ComfyUI",
    "workflow": "ComfyUI",
    "invokeai_metadata": "InvokeAI",
    "sd-metadata": "InvokeAI",
    "Dream": "InvokeAI",
}
GENERATORS = re.compile(
    r"\b(stable.?diffusion|automatic1111|comfyui|invokeai|novelai|midjourney|dall[·•-]?e|adobe firefly|google imagen"
    r"|ideogram|flux\.1|leonardo\.ai)\b",
    re.IGNORECASE,
)
SOFTWARE, USER_COMMENT = ExifTags.Base.Software, ExifTags.Base.UserComment


class Statement(NamedTuple):
    """One thing that a file says of its origin."""

    where: str  # the kind of metadata
    says: str  # quoted, shortened to `LONGEST` characters
    made_by_ai: bool  # whether that means: by a generator, whole or in part


def statements(opened, content):
    """Collect what an image file says of its origin.

    Parameters
    ----------
    opened : PIL.Image.Image, the file as Pillow opened it; its pixels are loaded if they are not
    content : bytes, the file

    Returns
    -------
    list of Statement; empty if the file says nothing
    """
    opened.load()  # a PNG may hold text behind its pixels
    texts = {str(key): value for key, value in opened.info.items() if isinstance(value, (str, bytes))}
    return [*_content_credentials(content), *_iptc(texts), *_generator_texts(texts), *_exif(*exif_of(opened))]


def exif_of(opened):
    """The tags of an image and of its EXIF block (two dicts); empty where they are damaged."""
    try:
        exif = opened.getexif()
        return dict(exif), dict(exif.get_ifd(ExifTags.IFD.Exif))
    except Exception:  # Pillow raises a kind for each way in which EXIF can be damaged; the pixels are whole
        return {}, {}


def _content_credentials(content):
    """The C2PA manifests, validated with what is in the file: nothing is fetched."""
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
def _offline():
    import c2pa

    return c2pa.Context(c2pa.Settings.from_dict({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}))


def _iptc(texts):
    """Terms of IPTC's vocabulary in the file's XMP, which Pillow gives among the texts."""
    packets = [_bytes(value) for key, value in texts.items() if key.lower() in ("xmp", "xml:com.adobe.xmp")]
    found = {term.decode() for packet in packets for term in re.findall(rb"digitalsourcetype/(\w+)", packet)}
    return [Statement("IPTC digital source type", term, term in AI_SOURCES) for term in sorted(found)]


def _generator_texts(texts):
    found = [
        Statement(f"PNG text “{key}” ({GENERATOR_TEXTS[key]})", _short(value), True)
        for key, value in texts.items()
        if key in GENERATOR_TEXTS
    ]
    software = texts.get("Software")
    return found + ([Statement("PNG text “Software”", _short(software), _is_generator(software))] if software else [])


def _exif(exif, more):
    found = []
    if software := exif.get(SOFTWARE):
        found.append(Statement("EXIF software", _short(software), _is_generator(software)))
    comment = _bytes(more.get(USER_COMMENT, b""))
    words = re.sub(r"[^\x20-\x7e]", "", comment.decode("latin-1"))  # UTF-16 or not, what is left is legible
    if "Steps:" in words and "Sampler:" in words:
        found.append(Statement("EXIF comment (AUTOMATIC1111)", _short(words.removeprefix("UNICODE")), True))
    return found


def _is_generator(software):
    return bool(GENERATORS.search(_bytes(software).decode("utf-8", "replace")))


def _bytes(value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", "replace")


def _short(value):
    words = " ".join(_bytes(value).decode("utf-8", "replace").split())
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"
