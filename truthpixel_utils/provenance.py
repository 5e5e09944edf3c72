"""What a file says of its own origin: Content Credentials, IPTC's digital source type, what generators write beside pixels.

None of it enters the probability. A statement can be false or copied, and its absence says nothing: most programs and
every screenshot drop it.
"""

import io
import json
import re
from functools import lru_cache
from typing import NamedTuple

from PIL import Image

LONGEST = 300  # characters of a statement that are quoted
# Of IPTC's vocabulary (cv.iptc.org/newscodes/digitalsourcetype), the terms for what a trained model made, whole or in part.
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
    r"stable.?diffusion|automatic1111|comfyui|invokeai|novelai|midjourney|dall.?e|firefly|imagen|ideogram|flux\.1|leonardo\.ai",
    re.IGNORECASE,
)
SOFTWARE, USER_COMMENT = 0x0131, 0x9286  # tags of EXIF


class Statement(NamedTuple):
    """One thing that a file says of its origin."""

    where: str  # the kind of metadata
    says: str  # quoted, shortened to `LONGEST` characters
    made_by_ai: bool  # whether that means: by a generator, whole or in part


def statements(content):
    """Collect what an image file says of its origin.

    Parameters
    ----------
    content : bytes, an image file that Pillow opens

    Returns
    -------
    list of Statement; empty if the file says nothing
    """
    with Image.open(io.BytesIO(content)) as image:
        texts = {str(key): value for key, value in image.info.items() if isinstance(value, (str, bytes))}
        exif = image.getexif()
    return [*_content_credentials(content), *_iptc(content, texts), *_generator_texts(texts), *_exif(exif)]


def _content_credentials(content):
    """The active C2PA manifest, validated with what is in the file: nothing is fetched."""
    import c2pa

    try:
        reader = c2pa.Reader.try_create("", io.BytesIO(content), context=_offline())
    except c2pa.C2paError as error:
        return [Statement("Content Credentials", f"damaged: {_short(error)}", False)]
    if reader is None:
        return []
    with reader:
        store, state = json.loads(reader.json()), reader.get_validation_state()
    manifest = store["manifests"].get(store.get("active_manifest"), {})
    generators = [info.get("name", "") for info in manifest.get("claim_generator_info", [])]
    issuer = (manifest.get("signature_info") or {}).get("issuer", "nobody")
    sources = sorted(set(re.findall(r"digitalsourcetype/(\w+)", json.dumps(manifest.get("assertions", [])))))
    words = f"by {', '.join(generators) or 'an unnamed program'}, signed by {issuer}, {state or 'not validated'}"
    if sources:
        words += f"; source: {', '.join(sources)}"
    return [Statement("Content Credentials", _short(words), bool(set(sources) & set(AI_SOURCES)))]


@lru_cache
def _offline():
    import c2pa

    return c2pa.Context(c2pa.Settings.from_dict({"verify": {"remote_manifest_fetch": False, "ocsp_fetch": False}}))


def _iptc(content, texts):
    """Terms of IPTC's vocabulary in the file's XMP: in its own chunk, or as text in a PNG."""
    packets = re.findall(rb"<x:xmpmeta.*?</x:xmpmeta>", content, re.DOTALL)
    packets += [_bytes(value) for key, value in texts.items() if key.lower() in ("xmp", "xml:com.adobe.xmp")]
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


def _exif(exif):
    found = []
    if software := exif.get(SOFTWARE):
        found.append(Statement("EXIF software", _short(software), _is_generator(software)))
    comment = _bytes(exif.get_ifd(0x8769).get(USER_COMMENT, b""))
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
