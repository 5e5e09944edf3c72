"""The generators that people meet, by the names under which files mention them.

A name counts in a field that names the creating software, and in a sentence such as *Made with …*:
a title or a person may bear any of them.
"""

from __future__ import annotations

import re

LONGEST_NAME = 300  # characters of a field that may name a program
# Anywhere in such a field, none of these is part of another program's or a camera's name.
_UNMISTAKABLE = {
    # Interfaces first: their names often contain that of a model.
    "Forge": r"stable-diffusion-webui-forge|webui[ -]forge|forge (?:neo|webui)",
    "SD.Next": r"sd\.next|vladmandic",
    "AUTOMATIC1111": r"automatic1111|a1111|stable-diffusion-webui",
    "ComfyUI": r"comfy[ -]?ui",
    "Fooocus": r"(?:ruined ?)?fooocus",
    "InvokeAI": r"invoke[ -]?ai",
    "NovelAI": r"novel[ -]?ai",
    "SwarmUI": r"(?:stable ?)?swarm[ -]?ui",
    "Draw Things": r"draw things",
    "DiffusionBee": r"diffusion ?bee",
    "Easy Diffusion": r"easy diffusion",
    "Mochi Diffusion": r"mochi diffusion",
    "MFLUX": r"mflux",
    "Civitai": r"civitai",
    "DreamStudio": r"dreamstudio",
    "NightCafe": r"nightcafe",
    "Playground": r"playground ?ai|playground v2\.5",
    "Tensor.Art": r"tensor\.?art",
    "SeaArt": r"seaart",
    "Craiyon": r"craiyon",
    "Bing Image Creator": r"bing image creator|microsoft image creator",
    # Services and models.
    "Midjourney": r"midjourney|niji[ ·・-]?journey",
    "DALL·E": r"dall[ ·•∙⋅・‧.-]?e",
    "GPT image": r"gpt[ -]?image|gpt-4o",
    "ChatGPT": r"chatgpt",
    "Sora": r"sora \(?openai\)?|openai sora",
    "OpenAI": r"openai",
    "Nano Banana": r"nano[ -]?banana",
    "Imagen": r"google imagen|vertex imagen|imagen-[234]|imagenfx",
    "Gemini": r"google gemini|gemini[ -]\d(?:\.\d)?[ -](?:flash|pro)|gemini (?:flash|pro) image",
    "Google AI": r"google (?:generative )?ai",
    "Adobe Firefly": r"adobe firefly|firefly image \d",
    "Ideogram": r"ideogram\.ai|ideogram ai|ideogram[ -]v\d",
    "FLUX": r"black ?forest ?labs|flux\.[12]|flux[.-](?:dev|schnell|pro)|flux[ .-]kontext"
    r"|flux[ .-]?(?:1|2|1\.1)[ .\[-]+(?:dev|schnell|pro|kontext|krea|klein|max|flex)",
    "Leonardo.Ai": r"leonardo[ .]?ai|leonardo phoenix",
    "Recraft": r"recraft",
    "Seedream": r"seedream|seededit",
    "Jimeng": r"jimeng|dreamina|即梦(?:ai)?",
    "Doubao": r"doubao|豆包(?:ai)?",
    "Grok": r"grok[ -]imagine|grok[ -]\d|xai (?:grok|aurora)",
    "Qwen-Image": r"qwen[ -]?image",
    "Wan": r"(?:tongyi ?)?wanxiang|通义万相|wan ?2\.\d",
    "Hunyuan": r"hunyuan(?:image|dit)?|混元",
    "Kling": r"kling ?ai|可灵(?:ai)?",
    "Kolors": r"kwai[ -]kolors",
    "Reve": r"reve\.(?:art|com)|reve (?:ai|image)",
    "Krea": r"krea\.ai|krea ai",
    "HiDream": r"hidream",
    "ERNIE-ViLG": r"ernie-vilg|文心一格",
    "LiblibAI": r"liblib ?ai",
    "YandexART": r"yandexart|шедеврум",
    "Amazon Nova Canvas": r"nova canvas|titan image generator",
    "Runway": r"runwayml|runway gen-\d",
    "Luma": r"luma photon|luma dream machine",
    "PixArt": r"pixart-(?:α|alpha|Σ|sigma)",
    "Kandinsky": r"kandinsky \d",
    # A model, after those that are built on it.
    "Stable Diffusion": r"stable[ -]?diffusion|stability\.?[ -]?ai|sdxl|sd ?3\.5|stable cascade"
    r"|stable image (?:core|ultra)",
    "": r"ai[ -]generated|txt2img|text2image",  # a generator, without its name
}
# These are words of their own: they count where the field holds nothing else but a version.
_WHOLE = {
    "Ideogram": r"ideogram",
    "Imagen": r"imagen",
    "Gemini": r"gemini",
    "Adobe Firefly": r"firefly",
    "Grok": r"grok|xai",
    "Kling": r"kling",
    "Reve": r"reve",
    "Krea": r"krea",
    "Sora": r"sora",
    "Midjourney": r"niji",
    "Kolors": r"kolors",
    "Z-Image": r"z-image(?:[ -]turbo)?",
}
_ANYWHERE = {
    name: re.compile(rf"(?<![a-z])(?:{pattern})(?![a-z])", re.IGNORECASE)
    for name, pattern in _UNMISTAKABLE.items()
}
_ALONE = {
    name: re.compile(rf"(?:{pattern})(?:[ -]?ai)?(?:[ -]v?\d[\d.]*)?", re.IGNORECASE)
    for name, pattern in _WHOLE.items()
}
_MADE_WITH = re.compile(
    r"\W{0,3}(?:(?:this )?(?:image|picture|photo|artwork) (?:was )?)?(?:ai[ -])?"
    r"(made|created|generated|produced|rendered|imagined|edited)"
    r" (with|by|using|in|via) (?:the )?(.{1,60})",
    re.IGNORECASE,
)
# A version or more of the name, and then another sentence; not *Stability AI's party*.
_AFTER_A_NAME = re.compile(
    r"(?:[ .-]?v?\d[\w.]*)?(?: (?:[A-Z\d][\w.]*|\w\w?)){0,3}\s*(?:[\[,.;:(|–—-].*)?", re.DOTALL
)
_AI_ITSELF = re.compile(r"(?:generative |an )?(?:ai|artificial intelligence)\W*", re.IGNORECASE)


def named_in(field: str) -> str | None:
    """Find the generator that a field names as the creating software.

    Parameters
    ----------
    field : str
        What stands in a field such as EXIF's Software.

    Returns
    -------
    str or None
        Its usual name, or an empty text if the field speaks of a generator without a name; None
        if it speaks of none.

    Examples
    --------
    >>> named_in("Fooocus v2.2.0"), named_in("Flux Capacitor camera app")
    ('Fooocus', None)
    """
    found = named_for_certain(field)
    if found is not None:
        return found
    return _named_by_all_of(field)


def named_for_certain(field: str) -> str | None:
    """Find a generator by a name that is no other thing's, not even a camera's.

    Parameters
    ----------
    field : str
        What stands in a field such as EXIF's Make.

    Returns
    -------
    str or None
        As `named_in` does.
    """
    words = _trim(field)
    return next((name for name, pattern in _ANYWHERE.items() if pattern.search(words)), None)


def alone(text: str) -> str | None:
    """Find the generator whose name is all that a comment holds.

    Parameters
    ----------
    text : str
        A comment or a description.

    Returns
    -------
    str or None
        Its usual name.
    """
    words = _trim(text)
    if len(text) <= LONGEST_NAME:
        for name, pattern in _UNMISTAKABLE.items():
            if name and re.fullmatch(rf"(?:{pattern})(?:[ -]?v?\d[\d.]*)?", words, re.I):
                return name
    return None


def made_with(text: str) -> tuple[str, bool] | None:
    """Read a text that says with what the picture was made, such as *Made with Google AI*.

    Parameters
    ----------
    text : str
        A credit, a comment or a description.

    Returns
    -------
    name : str
        The generator's, or an empty text if it has none.
    edited : bool
        Whether the text says that the picture was edited with it, not made.
        None in place of both if the text says neither of a generator.
    """
    if len(text) > LONGEST_NAME:
        return None
    said = _MADE_WITH.match(text.strip())
    if not said:
        return ("Meta AI", False) if text.strip().lower() == "imagined with ai" else None
    edited = said[1].lower() == "edited"
    if _AI_ITSELF.fullmatch(said[3]):
        return "", edited
    for name, pattern in _ANYWHERE.items():
        found = pattern.search(said[3])
        if found and _AFTER_A_NAME.fullmatch(said[3], found.end()):
            return name, edited
    if said[2].lower() == "by":  # a photographer may be called Ideogram, too
        return None
    name = _named_by_all_of(said[3])
    return None if name is None else (name, edited)


def _named_by_all_of(field: str) -> str | None:
    words = _trim(field)
    return next((name for name, pattern in _ALONE.items() if pattern.fullmatch(words)), None)


def _trim(field: str) -> str:
    """Cut a field to what may be a name; some programs write underscores for spaces."""
    return field[:LONGEST_NAME].replace("_", " ").strip("\0 \t\r\n\"'")
