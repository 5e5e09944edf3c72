"""Texts that only a generator leaves in a file, told by their structure and not by their names.

Interfaces of Stable Diffusion write down their parameters, so that a picture can be made again. A
text that is merely called *prompt* or *parameters* may be anything.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from typing import Any

from truthpixel_utils.demo.generators import named_in

LIKE_AUTOMATIC1111 = "AUTOMATIC1111 or similar"  # many interfaces write as it does
MAX_JSON = 4_000_000  # characters that are parsed
MAX_ENDS = 20_000  # of a longer text that is no JSON, characters at either end that are looked at
_UUID = r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}"
_MIDJOURNEY = re.compile(r"(?:^|\s)--[a-z]+ ")
_MIDJOURNEY_VERSION = re.compile(r"(?:^|\s)--(?:v|niji) \d")
_ASPECT = re.compile(r"(?:^|\s)--ar \d+:\d+")
_JOB = re.compile(rf"\bJob ID: {_UUID}", re.IGNORECASE)
_STEPS = re.compile(r"\bSteps: ?\d+\b")
_SAMPLER = re.compile(r"\b(?:Sampler|Schedule type): ?\w")
_KNOWN_SAMPLER = re.compile(
    r"\bSampler: ?(?:k_)?(?:euler|dpm|ddim|ddpm|lms|heun|unipc|plms|lcm|restart|deis|tcd|res_)",
    re.I,
)
_SEED = re.compile(r"\bSeed: ?\d+\b")
_SCALE = re.compile(r"\b(?:CFG scale|Guidance Scale|Distilled CFG Scale): ?\d", re.IGNORECASE)
_VERSION = re.compile(r"\b(?:App|Version|Civitai resources|Backend): ?([^,\n]{1,60})")
_DREAM = re.compile(r"-s ?\d+ .{0,80}-S ?\d+ |-s ?\d+ .{0,80}-A ?k_")
_SIGNATURE = re.compile(r"Signature: [A-Za-z0-9+/=_-]{16,}")
_LABEL = re.compile(r"""['"]Label\\?['"]\s*:\s*\\?['"]?\s*(\d)""", re.IGNORECASE)
_NODE = re.compile(r'"class_type":\s*"\w')
# Names under which generators keep their parameters, as `_normal` writes them. Those that a chat
# with a language model has as well stand apart.
_PROMPTS = {"prompt", "positiveprompt", "fullprompt", "inputprompt"}
_SHORT_PROMPTS = {"c", "positive"}  # which count only beside a sampler
_SAMPLING = {
    "steps",
    "numinferencesteps",
    "numsteps",
    "sampler",
    "samplername",
    "scheduler",
    "cfg",
    "cfgscale",
    "guidance",
    "guidancescale",
    "usestablediffusionmodel",
    "clipskip",
}
_OTHERS = {"seed", "negativeprompt", "uc", "model", "basemodel", "loras", "vae"}
_IN_WORDS = {"sampler", "samplername", "scheduler", "usestablediffusionmodel"}
# Models that answer in words as well: a picture's description may name them as its author.
_CHATS = {"ChatGPT", "GPT image", "OpenAI", "Gemini", "Google AI", "Grok", "Hunyuan", "Doubao"}
# Names that only one program gives to a text or to a part of it.
_OWN_NAMES = {
    "mfluxversion": "MFLUX",
    "suiimageparams": "SwarmUI",
    "fooocusscheme": "Fooocus",
    "resourcestack": "Civitai",
    "invokeaimetadata": "InvokeAI",
    "invokeaigraph": "InvokeAI",
    "invokeaiworkflow": "InvokeAI",
    "sdmetadata": "InvokeAI",
    "usestablediffusionmodel": "Easy Diffusion",
    "revisedprompt": "",  # OpenAI's and others' models write what they made of a prompt
}


def writer_of(text: str) -> str | None:
    """Find the generator that wrote a text, whatever the text is called.

    Parameters
    ----------
    text : str
        Of any length.

    Returns
    -------
    str or None
        The generator's name, or an empty text if the structure is that of a generator without one;
        None if it is no generator's.
    """
    parsed = parsed_json(text)
    if parsed is not None:
        return _writer_of_json(parsed)
    text = text if len(text) <= 2 * MAX_ENDS else text[:MAX_ENDS] + "\n" + text[-MAX_ENDS:]
    if _STEPS.search(text) and (
        _KNOWN_SAMPLER.search(text)
        or (_SEED.search(text) and (_SCALE.search(text) or _SAMPLER.search(text)))
    ):
        return _interface(text)
    if text.lstrip().startswith("{") and (
        (_NODE.search(text) and '"inputs"' in text)
        or ('"last_node_id"' in text and '"nodes"' in text)
    ):
        return "ComfyUI"  # whose JSON is too long, or was cut off
    if _JOB.search(text) and _MIDJOURNEY.search(text):
        return "Midjourney"
    if _MIDJOURNEY_VERSION.search(text) and _ASPECT.search(text):
        return "Midjourney"
    return "InvokeAI" if _DREAM.search(text) else None


def writer_of_texts(texts: Mapping[str, str]) -> str | None:
    """Find the generator that wrote a file's texts, by what they are called, taken together.

    Parameters
    ----------
    texts : mapping of str to str
        The texts of a PNG.

    Returns
    -------
    str or None
        As `writer_of` does.
    """
    data = parsed_json(texts.get("generation_data", ""))
    if isinstance(data, dict) and "prompt" in data:  # as DreamStudio and Tensor.Art write it
        return ""
    return _writer_of_parameters(texts)


def is_groks(artist: str, description: str) -> bool:
    """Tell the signature that Grok leaves in EXIF, in two tags.

    Parameters
    ----------
    artist, description : str
        The tags Artist and ImageDescription.

    Returns
    -------
    bool
    """
    return bool(
        re.fullmatch(_UUID, artist.strip(), re.IGNORECASE)
        and _SIGNATURE.fullmatch(description.strip())
    )


def chinese_label(text: str) -> int | None:
    """Read the label that China requires (GB 45438-2025).

    Parameters
    ----------
    text : str
        A field called ``AIGC``.

    Returns
    -------
    int or None
        1 if the picture is AI-generated, 2 if it may be, 3 if it is suspected to be; None if the
        text is no such label.
    """
    found = _LABEL.search(html.unescape(text[:MAX_ENDS]))
    return int(found[1]) if found else None


def parsed_json(text: str) -> object:
    """Parse a text that is JSON, behind a name and a colon too, as ComfyUI writes it into EXIF.

    Parameters
    ----------
    text : str
        Of any length.

    Returns
    -------
    object
        None if it is no JSON, or too long, or too deep.
    """
    text = re.sub(
        r"^\s*(?:prompt|workflow|parameters):\s*(?=\{)", "", text[: MAX_JSON + 1], flags=re.I
    )
    if len(text) > MAX_JSON or not text.lstrip().startswith("{"):
        return None
    try:
        return json.loads(text.strip("\0 \r\n\t"))
    except (ValueError, RecursionError):
        return None


def _writer_of_json(parsed: object) -> str | None:
    if not isinstance(parsed, dict) or not parsed:
        return None
    if _is_comfy_prompt(parsed) or _is_comfy_workflow(parsed):
        return "Civitai" if "extraMetadata" in parsed else "ComfyUI"
    more = parsed.get("extraMetadata")
    if isinstance(more, str) and isinstance(told := parsed_json(more), dict):
        return None if _writer_of_parameters(told) is None else "Civitai"
    for key in ("software", "Software", "app", "version", "generator", "model"):
        value = parsed.get(key)
        name = named_in(value) if isinstance(value, str) else None
        if name is None or (key == "model" and "prompt" not in parsed):
            continue
        if name not in _CHATS or "image" in value.lower():
            return name
    return _writer_of_parameters(parsed)


def _is_comfy_prompt(parsed: dict[str, Any]) -> bool:
    nodes = [node for node in parsed.values() if isinstance(node, dict)]
    return any(
        isinstance(node.get("class_type"), str) and isinstance(node.get("inputs"), dict)
        for node in nodes
    )


def _is_comfy_workflow(parsed: dict[str, Any]) -> bool:
    nodes = parsed.get("nodes")
    return isinstance(nodes, list) and (
        "last_node_id" in parsed
        or any(isinstance(node, dict) and "widgets_values" in node for node in nodes)
    )


def _writer_of_parameters(parsed: Mapping[str, Any]) -> str | None:
    values = {_normal(key): parsed[key] for key in list(parsed)[:1000]}
    for name, program in _OWN_NAMES.items():
        if name in values:
            return program
    sampling = {
        name for name in _SAMPLING & values.keys() if name in _IN_WORDS or _is_number(values[name])
    }
    prompts = _PROMPTS | (_SHORT_PROMPTS if sampling & _IN_WORDS else set())
    prompted = any(isinstance(values[name], str) for name in prompts & values.keys())
    enough = len(sampling | (_OTHERS & values.keys())) > 1
    return "" if prompted and sampling and enough else None


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return bool(re.fullmatch(r"[\d.]{1,9}", value.strip()))
    return isinstance(value, (int, float))


def _interface(text: str) -> str:
    """Name the program whose parameters these are."""
    if "Civitai resources:" in text:
        return "Civitai"
    for said in _VERSION.findall(text)[:5]:
        if re.fullmatch(r"f\d.*|neo.*", said.strip()):
            return "Forge"
        if (name := named_in(said)) is not None:
            return name
    return LIKE_AUTOMATIC1111


def _normal(key: str) -> str:
    return re.sub(r"[\s_-]", "", str(key)[:60]).lower()
