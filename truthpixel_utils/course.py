"""Runs the notebooks in order, by papermill, and reuses what has not changed."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED, PROJECT, atomic_write, project_path
from truthpixel_utils.profiles import BESIDE, OF_DATA, PROFILES

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
    "07_demo": (),
}


def run(
    profile: str = "sample",
    parameters: dict[str, Any] | None = None,
    first: str | None = None,
    last: str | None = None,
) -> dict[str, Any] | None:
    """Run the notebooks, and print a line for each.

    A notebook is reused if nothing has changed that it depends on: its cells and parameters, the
    package, the images, and what earlier notebooks made.

    Parameters
    ----------
    profile : {"sample", "quick", "full", "best", "pictures", "pictures-best"}
        Which set of parameters to start from, see `PROFILES`.
    parameters : dict, optional
        Notebook parameters that override those of the profile.
    first, last : str, optional
        Numbers of the first and the last notebook to run, such as ``"03"``; by default all are run.

    Returns
    -------
    dict or None
        The figures in ``metrics.json``; None if `last` comes before the evaluation.

    Raises
    ------
    TruthPixelError
        If a parameter is unknown, if a notebook's input is missing, or if a notebook fails.
    """
    if not NOTEBOOKS.is_dir():
        raise TruthPixelError(
            f"{NOTEBOOKS} is missing: the course runs in a clone, installed with pip install -e."
        )
    parameters = {**PROFILES[profile], **(parameters or {})}
    if profile.startswith("pictures") and "source" not in parameters:
        raise TruthPixelError(
            f"the profile {profile} needs a folder of your own: -p source FOLDER, with class "
            "folders REAL and FAKE or parquet shards in it."
        )
    _check_parameters(parameters)
    chosen = _notebooks_between(first or "01", last or "07")
    settings = ", ".join(f"{name}={value}" for name, value in parameters.items())
    print(f"Course, profile {profile}: {settings or 'as in the notebooks'}")
    output = project_path(parameters.get("output_dir", "outputs"))
    parameters, images = _settle_source(profile, parameters)
    if profile in BESIDE:
        parameters["beside"] = [_train_beside(profile, parameters, chosen, images, output)]
    for name in chosen:
        _run_notebook(name, parameters, images, output)
    metrics = output / "metrics.json"
    if chosen[-1] < "05" or not metrics.exists():
        return None
    figures = json.loads(metrics.read_text())
    _print_summary(figures, output)
    return figures


def _train_beside(profile, parameters, chosen, images, output):
    """Train the detector that the profile's own is fused with; return its path."""
    shared = {name: parameters[name] for name in OF_DATA if name in parameters}
    own = output / BESIDE[profile]["view"]
    for name in ("03_train_phase1", "04_finetune"):
        if name in chosen:
            print(f"  {own.name}: ", end="")
            parameters_beside = {**shared, **BESIDE[profile], "output_dir": str(own)}
            _run_notebook(name, parameters_beside, images, own)
    return str(own / "models" / "truthpixel_final.keras")


def _check_parameters(parameters: Iterable[str]) -> None:
    known = set().union(*map(_parameters_of, ARTEFACTS))
    if unknown := sorted(set(parameters) - known):
        raise TruthPixelError(
            f"unknown parameter {', '.join(unknown)}: the notebooks know "
            f"{', '.join(sorted(known))}."
        )


@lru_cache
def _parameters_of(name: str) -> frozenset[str]:
    """Read which parameters a notebook has."""
    import papermill  # here, since it takes a second, which the command's help can do without

    return frozenset(papermill.inspect_notebook(str(NOTEBOOKS / f"{name}.ipynb")))


def _own_parameters(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Pick the parameters that a notebook has."""
    return {key: value for key, value in parameters.items() if key in _parameters_of(name)}


def _notebooks_between(first: str, last: str) -> list[str]:
    """Name the notebooks from one number to another, such as ``"03"`` or ``"3"``."""
    first, last = first.zfill(2), last.zfill(2)
    numbers = [name[:2] for name in ARTEFACTS]
    if first not in numbers or last not in numbers or first > last:
        raise TruthPixelError(f"no notebooks from {first} to {last}: they are numbered 01 to 07.")
    return [name for name in ARTEFACTS if first <= name[:2] <= last]


def _settle_source(
    profile: str, parameters: dict[str, Any]
) -> tuple[dict[str, Any], tuple[tuple[str, int, int], ...]]:
    """Decide once for all notebooks what ``source="auto"`` is.

    Returns
    -------
    parameters : dict
        With the source that was found.
    images : tuple of (path, bytes, time of change in ns)
        One entry a file that will be read.
    """
    from truthpixel_utils.data import listing, sources  # here, for the same reason as papermill

    source = sources.find_source(parameters.get("source", "sample"))
    if parameters.get("source") == "auto":
        if source.folder == sources.SAMPLE and profile != "sample":
            raise TruthPixelError(
                f"profile {profile} needs CIFAKE, and there is neither a copy nor a network: "
                "put it into data/cifake, or name its folder in TRUTHPIXEL_CIFAKE."
            )
        if source.folder is None:
            parameters = {**parameters, "source": "hub"}
        elif source.folder == sources.SAMPLE:
            parameters = {**parameters, "source": "sample"}
    return parameters, listing.file_stamps(source)


def _run_notebook(name: str, parameters: dict[str, Any], images: tuple, output: Path) -> None:
    """Run one notebook or reuse what it has left, and print a line that says which."""
    start = time.perf_counter()
    own = _own_parameters(name, parameters)
    key = _input_hash(name, own, images, output)
    current = _record_of(name, output) == {"key": key, "made": _digests(ARTEFACTS[name], output)}
    print(f"  {name:16} ", end="", flush=True)
    if current:
        print("reused (nothing it depends on has changed)")
        return
    _execute(name, own, key, output)
    print(f"{time.perf_counter() - start:6.0f} s")


def _execute(name: str, parameters: dict[str, Any], key: str, output: Path) -> None:
    """Run one notebook; the executed copy takes its place only if it ran to the end."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    executed = _executed_copy(name, output)
    with atomic_write(executed) as part:
        try:
            papermill.execute_notebook(
                str(NOTEBOOKS / f"{name}.ipynb"),
                str(part),
                parameters,
                cwd=str(NOTEBOOKS),
                progress_bar=False,
                kernel_name="python3",
                # The kernel would remark on its transport, and on being told to end.
                extra_arguments=["--log-level=50"],
            )
        except DeadKernelError:
            raise TruthPixelError(
                f"{name} stopped: its kernel died, most likely for want of memory."
            ) from None
        except papermill.PapermillExecutionError as error:
            failed = executed.with_name(f"{name}-failed.ipynb")
            part.rename(failed)
            raise TruthPixelError(
                f"{name} stopped: {error.evalue} (the notebook up to there: {failed})"
            ) from None
        notebook = json.loads(part.read_text())
        made = _digests(ARTEFACTS[name], output)
        notebook["metadata"]["truthpixel"] = {"key": key, "made": made}
        part.write_text(json.dumps(notebook, indent=1))


def _executed_copy(name: str, output: Path) -> Path:
    return output / "notebooks" / f"{name}.ipynb"


def _record_of(name: str, output: Path) -> dict[str, Any]:
    """Read what a notebook depended on and what it made when it last ran to its end."""
    executed = _executed_copy(name, output)
    if not executed.exists():
        return {}
    return json.loads(executed.read_text())["metadata"].get("truthpixel", {})


def _input_hash(name: str, parameters: dict[str, Any], images: tuple, output: Path) -> str:
    """Hash all that a notebook's result depends on; `images` are stamps of the data set's files."""
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
        "before": _digests(earlier, output),
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


def _digests(artefacts: Iterable[str], output: Path) -> dict[str, str | None]:
    """Hash each artefact, or each file in it, by SHA-256; None stands for one that is missing."""
    digests = {}
    for artefact in artefacts:
        path = output / artefact
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            content = file.read_bytes() if file.is_file() else None
            digest = None if content is None else hashlib.sha256(content).hexdigest()
            digests[str(file.relative_to(output))] = digest
    return digests


def _print_summary(figures: dict[str, Any], output: Path) -> None:
    """Print the headline figures, and which notebook made which file."""
    print(f"\nOn {figures['images']:,} test images")
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc"):
        print(f"  {name.replace('_', '-'):16} {figures[name]:.4f}")
    print(f"\nIn {output}")
    for name, artefacts in ARTEFACTS.items():
        for artefact in artefacts:
            if (output / artefact).exists():
                print(f"  {artefact:34} from {name}")
    print("  notebooks/NN_name.ipynb            the notebooks as they ran")
