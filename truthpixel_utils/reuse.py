"""What a notebook's result depends on, and whether one that ran before can be reused."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from truthpixel_utils.files import PRETRAINED, PROJECT, project_path

NOTEBOOKS = PROJECT / "notebooks"
PACKAGE = Path(__file__).resolve().parent
CODE = (".py", ".j2", ".js", ".css")  # suffixes of what decides how the package behaves

# What each notebook leaves in the output folder: files, and folders of files. A notebook that reads
# a file comes after the one that makes it.
ARTEFACTS: dict[str, tuple[str, ...]] = {
    "01_data": (),
    "02_model": (),
    "03_train_phase1": (
        "models/phase1.keras",
        "training_history_phase1.csv",
        "plots/training_curves_phase1.png",
    ),
    "04_finetune": (
        "models/phase2.keras",
        "models/truthpixel_final.keras",
        "models/truthpixel_final.json",
        "training_history_phase2.csv",
        "plots/training_curves_phase2.png",
    ),
    "05_evaluate": (
        "metrics.json",
        "metrics.txt",
        "predictions.parquet",
        "tables",
        "plots/confusion_matrix.png",
        "plots/roc_curve.png",
        "plots/precision_recall.png",
        "plots/robustness.png",
    ),
    "06_gradcam": ("gradcam",),
    "07_demo": ("plots/reliability.png", "plots/risk_coverage.png"),
}


def executed_copy(name: str, output: Path) -> Path:
    """Name the file that a notebook becomes when it has run.

    Parameters
    ----------
    name : str
        A notebook, such as ``"07_demo"``.
    output : Path
        The output folder.

    Returns
    -------
    Path
        The file, whether it is there or not.
    """
    return output / "notebooks" / f"{name}.ipynb"


def record_of(name: str, output: Path) -> dict[str, Any] | None:
    """Read what a notebook depended on and what it made when it last ran to its end.

    Parameters
    ----------
    name : str
        A notebook.
    output : Path
        The output folder.

    Returns
    -------
    dict or None
        ``key`` from `input_hash` and ``made`` from `digests`; empty if there is no such file, None
        if the one that is there was not left by a run of the course.
    """
    executed = executed_copy(name, output)
    if not executed.exists():
        return {}
    try:
        return json.loads(executed.read_text())["metadata"].get("truthpixel")
    except (ValueError, KeyError, AttributeError):  # no notebook, or a damaged one
        return None


def input_hash(name: str, parameters: dict[str, Any], images: tuple, output: Path) -> str:
    """Hash all that a notebook's result depends on.

    Parameters
    ----------
    name : str
        A notebook.
    parameters : dict
        Its parameters, those alone that it knows.
    images : tuple
        Stamps of the data set's files, see `listing.file_stamps`.
    output : Path
        The output folder, where earlier notebooks left what they made.

    Returns
    -------
    str
        A hexadecimal SHA-256 digest.
    """
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    code = sorted(path for path in PACKAGE.rglob("*") if path.suffix in CODE)
    weights = sorted(path for path in PRETRAINED.glob("*.*") if path.is_file())
    named = [parameters[key] for key in ("others", "weights") if parameters.get(key)]
    named += parameters.get("beside", [])
    earlier = []
    for other, artefacts in ARTEFACTS.items():
        if other < name:
            earlier += artefacts
    parts = {
        "cells": ["".join(cell["source"]) for cell in cells],
        "package": [path.read_text() for path in code],
        "weights": [(path.name, path.stat().st_size) for path in weights],
        "parameters": parameters,
        "images": images,
        "named": [_stamps(path) for path in named],
        "before": digests(earlier, output),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _stamps(named: str) -> list[tuple[str, int, int]]:
    """List name, size and time of change of the file that a parameter names, or of its files.

    A parameter such as ``weights="auto"`` names no file, and the list is empty.
    """
    path = project_path(named)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    stamps = []
    for file in files:
        if file.is_file():
            stamps.append((str(file), file.stat().st_size, file.stat().st_mtime_ns))
    return stamps


def digests(artefacts: Iterable[str], output: Path) -> dict[str, str | None]:
    """Hash artefacts, or the files in them, by SHA-256.

    Parameters
    ----------
    artefacts : iterable of str
        Files and folders in the output folder.
    output : Path
        The output folder.

    Returns
    -------
    dict of str to str or None
        The digest of each file; None stands for one that is missing.
    """
    found = {}
    for artefact in artefacts:
        path = output / artefact
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            content = file.read_bytes() if file.is_file() else None
            digest = None if content is None else hashlib.sha256(content).hexdigest()
            found[str(file.relative_to(output))] = digest
    return found
