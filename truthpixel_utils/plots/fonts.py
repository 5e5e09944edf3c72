"""Names in any script: the fonts that a system has for them, and what is drawn where none has."""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache

from matplotlib import font_manager

FONT = "DejaVu Sans"  # comes with matplotlib: Latin, Greek, Cyrillic, Arabic, and many signs
# What systems bring for other scripts: Linux, then macOS, then Windows. The first that has a letter
# draws it.
FALLBACKS = (
    *("Noto Sans CJK SC", "Noto Sans CJK JP", "Noto Sans CJK TC", "Noto Sans CJK KR"),
    *("Source Han Sans SC", "Source Han Sans", "WenQuanYi Micro Hei", "WenQuanYi Zen Hei"),
    *("Droid Sans Fallback", "IPAexGothic", "IPAGothic", "TakaoGothic", "VL Gothic"),
    *("NanumGothic", "UnDotum", "Noto Sans Devanagari", "Noto Sans Thai", "Noto Sans Hebrew"),
    *("PingFang SC", "PingFang HK", "Hiragino Sans GB", "Hiragino Sans", "Heiti TC", "STHeiti"),
    *("Apple SD Gothic Neo", "AppleGothic", "Arial Unicode MS"),
    *("Microsoft YaHei", "SimHei", "Yu Gothic", "Meiryo", "MS Gothic", "Malgun Gothic"),
    *("Nirmala UI", "Leelawadee UI", "Segoe UI Symbol"),
)


def font_families(installed: Iterable[str]) -> list[str]:
    """Choose the fonts of all figures.

    Parameters
    ----------
    installed : iterable of str
        Names of the fonts that there are.

    Returns
    -------
    list of str
        Matplotlib's own, and behind it those that have other scripts.

    Examples
    --------
    >>> font_families(["Comic Sans MS", "SimHei", "DejaVu Sans"])
    ['DejaVu Sans', 'SimHei']
    """
    installed = set(installed)
    return [FONT, *(name for name in FALLBACKS if name in installed)]


def drawable(text: object) -> str:
    r"""Make a text what the fonts of the figures can draw, and nothing takes for a formula.

    Parameters
    ----------
    text : object
        A name that is not ours, such as that of a file or a folder.

    Returns
    -------
    str
        The text; a letter that no font has is written as Python does, such as ``\u732b``, where
        matplotlib would draw a box and warn.

    Examples
    --------
    >>> drawable("price_$5.png")
    'price_\\$5.png'
    """
    letters = _letters()
    drawn = []
    for letter in str(text):
        known = letter == "\n" or (letter.isprintable() and ord(letter) in letters)
        drawn.append(letter if known else letter.encode("unicode_escape").decode())
    return "".join(drawn).replace("$", r"\$")


@lru_cache
def _letters() -> frozenset[int]:
    """All letters that the fonts of the figures have."""
    letters = set()
    for name in font_families(font_manager.get_font_names()):
        file = font_manager.findfont(name)
        letters |= font_manager.get_font(file).get_charmap().keys()
    return frozenset(letters)
