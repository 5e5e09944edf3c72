"""Detectors that a newer Keras has written, for an older one to read.

A newer Keras writes down options that an older one does not know and refuses, even where they stand
at what the older one does anyway. (Python 3.10 can have Keras 3.12 at most.)
"""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

# Options that came after Keras 3.12, and the values at which they change nothing.
NEWER = {
    "input_axes": None,
    "output_axes": None,
    "quantization_config": None,
    "renorm": False,
    "renorm_clipping": None,
    "renorm_momentum": 0.99,  # is for `renorm` alone
}


def write_for_older_keras(path: Path, target: Path) -> None:
    """Copy a detector's file without options that an older Keras does not know.

    Parameters
    ----------
    path : Path
        A ``.keras`` file.
    target : Path
        Where to write the copy.
    """
    with zipfile.ZipFile(path) as newer, zipfile.ZipFile(target, "w") as older:
        for name in newer.namelist():
            content = newer.read(name)
            if name == "config.json":
                content = json.dumps(_without_newer(json.loads(content))).encode()
            older.writestr(name, content)


def _without_newer(value: Any) -> Any:
    """Leave options of `NEWER` out, however deep, where they change nothing."""
    if isinstance(value, list):
        return [_without_newer(item) for item in value]
    if not isinstance(value, dict):
        return value
    kept = {}
    for key, item in value.items():
        if key not in NEWER or item != NEWER[key]:
            kept[key] = _without_newer(item)
    return kept
