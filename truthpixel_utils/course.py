"""Runs the notebooks in order by papermill."""

import hashlib
import json
import time
from functools import lru_cache
from pathlib import Path

from truthpixel_utils.data import sources
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED, PROJECT, atomic_write, project_path

NOTEBOOKS = PROJECT / "notebooks"
PACKAGE = Path(__file__).resolve().parent

# What each notebook leaves in the output folder; a notebook that reads a file comes after the one that makes it.
MAKES = {
    "01_data": [],
    "02_model": [],
    "03_train_phase1": ["models/phase1.keras", "training_history_phase1.csv", "plots/training_curves_phase1.png"],
    "04_finetune": [
        "models/phase2.keras",
        "models/truthpixel_final.keras",
        "models/truthpixel_final.json",
        "training_history_phase2.csv",
        "plots/training_curves_phase2.png",
    ],
    "05_evaluate": [
        "metrics.json",
        "metrics.txt",
        "predictions.parquet",
        "tables",
        *(f"plots/{name}.png" for name in ("confusion_matrix", "roc_curve", "precision_recall", "robustness")),
    ],
    "06_gradcam": ["gradcam"],
    "07_demo": [],
}

# A profile is a set of parameters that differ from the notebooks' own defaults, which are those of `sample`.
PROFILES = {
    "sample": {},
    "quick": {"source": "auto", "limit": 12_000, "image_size": 128},
    "full": {"source": "auto", "limit": None, "image_size": 224},
    # The whole network, from small to large: at 64 pixels inside an epoch takes half as long as at 96.
    "best": {
        "source": "auto",
        "split": "official",
        "limit": None,
        "image_size": 96,
        "batch_size": 128,
        "views": 1,
        "epochs_phase1": 3,
        "epochs_phase2": [[64, 10], [96, 8]],
        "lr_phase2": 1.5e-3,
        "unfreeze_layers": "all",
        "batch_norm": True,
        "recipe": "strong",
    },
}


def run(profile="sample", parameters=None, first=None, last=None):
    """Run the notebooks and show one line each; a notebook whose inputs and code did not change is reused.

    Parameters
    ----------
    profile : {"sample", "quick", "full", "best"}
    parameters : dict, notebook parameters that override the profile's
    first, last : str, numbers of the first and the last notebook to run, such as ``"03"``

    Returns
    -------
    dict, the figures in ``metrics.json``, or None if `last` comes before the evaluation

    Raises
    ------
    TruthPixelError if a parameter is unknown, a notebook's input is missing, or a notebook fails.
    """
    if not NOTEBOOKS.is_dir():
        raise TruthPixelError(f"{NOTEBOOKS} is missing: the course runs in a clone, installed with pip install -e.")
    parameters = {**PROFILES[profile], **(parameters or {})}
    output = project_path(parameters.get("output_dir", "outputs"))
    _check_names(parameters)
    first, last = (first or "01").zfill(2), (last or "07").zfill(2)
    if not {first, last} <= {name[:2] for name in MAKES} or first > last:
        raise TruthPixelError(f"no notebooks from {first} to {last}: they are numbered 01 to 07.")
    chosen = [name for name in MAKES if first <= name[:2] <= last]
    print(f"Course, profile {profile}: {', '.join(f'{k}={v}' for k, v in parameters.items()) or 'as in the notebooks'}")
    parameters, files = _settled(profile, parameters)
    for name in chosen:
        start = time.perf_counter()
        key = _key(name, parameters, files, output)
        reusable = _is_current(name, key, output)
        print(f"  {name:16} ", end="", flush=True)
        if not reusable:
            _execute(name, parameters, key, output)
        print("reused (nothing it depends on has changed)" if reusable else f"{time.perf_counter() - start:6.0f} s")
    metrics = output / "metrics.json"
    if not metrics.exists() or chosen[-1] < "05":
        return None
    figures = json.loads(metrics.read_text())
    _print_table(figures, output)
    return figures


def _settled(profile, parameters):
    """Decide on "auto" once for all notebooks; return the parameters and the stamps of the files to be read."""
    source = sources.find_source(parameters.get("source", "sample"))
    if parameters.get("source") == "auto" and source.folder in (None, sources.SAMPLE):
        if source.folder == sources.SAMPLE and profile != "sample":
            raise TruthPixelError(
                f"profile {profile} needs CIFAKE, and there is neither a copy nor a network: "
                "put it into data/cifake, or name its folder in TRUTHPIXEL_CIFAKE."
            )
        parameters = {**parameters, "source": "hub" if source.folder is None else "sample"}
    return parameters, sources.file_stamps(source)


def _execute(name, parameters, key, output):
    """Run one notebook; the executed copy takes its place only if it ran to the end."""
    import papermill
    from nbclient.exceptions import DeadKernelError

    source = NOTEBOOKS / f"{name}.ipynb"
    done = output / "notebooks" / f"{name}.ipynb"
    with atomic_write(done) as part:
        try:
            papermill.execute_notebook(
                str(source),
                str(part),
                {k: v for k, v in parameters.items() if k in _known(name)},
                cwd=str(NOTEBOOKS),
                progress_bar=False,
                kernel_name="python3",
                extra_arguments=["--log-level=40"],  # the kernel's own remarks on its transport are not ours to show
            )
        except DeadKernelError:
            raise TruthPixelError(f"{name} stopped: its kernel died, most likely for want of memory.") from None
        except papermill.PapermillExecutionError as error:
            failed = done.with_name(f"{name}-failed.ipynb")
            part.rename(failed)
            raise TruthPixelError(f"{name} stopped: {error.evalue} (the notebook up to there: {failed})") from None
        notebook = json.loads(part.read_text())
        notebook["metadata"]["truthpixel"] = {"key": key, "made": _digests(MAKES[name], output)}
        part.write_text(json.dumps(notebook, indent=1))


def _is_current(name, key, output):
    """True if the notebook ran to its end with the same inputs, and what it made is still there, unchanged."""
    done = output / "notebooks" / f"{name}.ipynb"
    if not done.exists():
        return False
    record = json.loads(done.read_text())["metadata"].get("truthpixel", {})
    return record == {"key": key, "made": _digests(MAKES[name], output)}


def _key(name, parameters, files, output):
    """One hash over all a notebook's result depends on: its cells and parameters, package, images, earlier artefacts."""
    cells = json.loads((NOTEBOOKS / f"{name}.ipynb").read_text())["cells"]
    before = [file for other, files in MAKES.items() if other < name for file in files]
    own = {k: v for k, v in parameters.items() if k in _known(name)}
    parts = {
        "cells": ["".join(cell["source"]) for cell in cells],
        "package": [path.read_text() for path in sorted(PACKAGE.rglob("*.py"))],
        "weights": [(path.name, path.stat().st_size) for path in sorted(PRETRAINED.glob("*.*")) if path.is_file()],
        "parameters": own,
        "images": files,
        "named": [_stamps(own[path]) for path in ("others", "weights") if own.get(path)],
        "before": _digests(before, output),
    }
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()


def _stamps(path):
    """Name, size and time of the file or of all files in the folder that a parameter names, if it does."""
    path = project_path(path)
    files = sorted(path.rglob("*")) if path.is_dir() else [path]
    return [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in files if file.is_file()]


def _digests(names, output):
    """SHA-256 of each file (of each file in a folder), None for one that is missing."""
    digests = {}
    for name in names:
        path = output / name
        files = sorted(path.iterdir()) if path.is_dir() else [path]
        for file in files:
            digest = hashlib.sha256(file.read_bytes()).hexdigest() if file.is_file() else None
            digests[str(file.relative_to(output))] = digest
    return digests


@lru_cache
def _known(name):
    """The names in a notebook's parameters cell."""
    import papermill

    return frozenset(papermill.inspect_notebook(str(NOTEBOOKS / f"{name}.ipynb")))


def _check_names(parameters):
    known = {parameter for name in MAKES for parameter in _known(name)}
    if unknown := sorted(set(parameters) - known):
        raise TruthPixelError(f"unknown parameter {', '.join(unknown)}: the notebooks know {', '.join(sorted(known))}.")


def _print_table(figures, output):
    print(f"\nOn {figures['images']:,} test images")
    for name in ("accuracy", "precision", "recall", "f1", "roc_auc"):
        print(f"  {name.replace('_', '-'):16} {figures[name]:.4f}")
    print(f"\nIn {output}")
    for name, files in MAKES.items():
        for file in files:
            if (output / file).exists():
                print(f"  {file:34} from {name}")
    print("  notebooks/NN_name.ipynb            the notebooks as they ran")
