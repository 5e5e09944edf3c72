"""Runs the notebooks in order, by papermill, and reuses what has not changed."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, leftovers
from truthpixel_utils.locks import alone_in
from truthpixel_utils.parameters import check_parameters, output_folder, own_parameters
from truthpixel_utils.profiles import BESIDE, OF_DATA, PROFILES
from truthpixel_utils.reuse import (
    ARTEFACTS,
    NOTEBOOKS,
    digests,
    executed_copy,
    input_hash,
    record_of,
)


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
        If a parameter is unknown or makes no sense, if another run is at work in the output folder,
        if a notebook's input is missing, or if a notebook fails.
    """
    if not NOTEBOOKS.is_dir():
        raise TruthPixelError(
            f"{NOTEBOOKS} is missing: the course runs in a clone, installed with pip install -e."
        )
    parameters = {**PROFILES[profile], **(parameters or {})}
    for name, value in parameters.items():
        parameters[name] = str(value) if isinstance(value, Path) else value  # as a notebook has it
    if profile.startswith("pictures") and "source" not in parameters:
        raise TruthPixelError(
            f"the profile {profile} needs a folder of your own: -p source FOLDER, with class "
            "folders REAL and FAKE or parquet shards in it."
        )
    check_parameters(parameters)
    chosen = _notebooks_between(first or "01", last or "07")
    output = output_folder(parameters.get("output_dir", "outputs"))
    with alone_in(output, "course"):
        for name in ARTEFACTS:
            for file in leftovers(executed_copy(name, output)):  # of a run that was killed
                file.unlink()
        return _run(profile, parameters, chosen, output)


def _run(
    profile: str, parameters: dict[str, Any], chosen: list[str], output: Path
) -> dict[str, Any] | None:
    """Run the notebooks that were chosen, with parameters that were checked, see `run`."""
    settings = ", ".join(f"{name}={value}" for name, value in parameters.items())
    print(f"Course, profile {profile}: {settings or 'as in the notebooks'}")
    parameters, images = _settle_source(profile, parameters, output)
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


def _notebooks_between(first: str, last: str) -> list[str]:
    """Name the notebooks from one number to another, such as ``"03"`` or ``"3"``."""
    first, last = first.zfill(2), last.zfill(2)
    numbers = [name[:2] for name in ARTEFACTS]
    if first not in numbers or last not in numbers or first > last:
        raise TruthPixelError(f"no notebooks from {first} to {last}: they are numbered 01 to 07.")
    return [name for name in ARTEFACTS if first <= name[:2] <= last]


def _settle_source(
    profile: str, parameters: dict[str, Any], output: Path
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
    if source.folder is not None and output.is_relative_to(source.folder.resolve()):
        raise TruthPixelError(
            f"output_dir is {output}, in the folder of the images: figures would be taken for some "
            "of them. Name a folder elsewhere."
        )
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
    own = own_parameters(name, parameters)
    key = input_hash(name, own, images, output)
    current = record_of(name, output) == {"key": key, "made": digests(ARTEFACTS[name], output)}
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

    executed = executed_copy(name, output)
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
        made = digests(ARTEFACTS[name], output)
        notebook["metadata"]["truthpixel"] = {"key": key, "made": made}
        part.write_text(json.dumps(notebook, indent=1))


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
