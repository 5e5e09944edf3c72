"""What values the notebooks' parameters may have: all are checked before anything runs."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from functools import lru_cache
from numbers import Integral, Real
from pathlib import Path
from typing import Any

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PROJECT, project_path, writable_folder
from truthpixel_utils.reuse import ARTEFACTS, NOTEBOOKS, executed_copy, record_of

# What the chapters know by name. It is written down here too, since they take seconds to import.
SPLITS = ("truthpixel", "random", "official", "all")
VIEWS = ("thumbnail", "whole", "windows")
RECIPES = ("gentle", "strong")
WEIGHTS = ("auto", "imagenet", "lite0", "efficientnet_lite0")
DETECTORS = ("cifake", "pictures", "course")
SMALLEST_LIMIT = 20  # images, so that three splits of two classes are filled
LARGEST_SEED = 2**32 - 1  # that Keras takes


def check_parameters(parameters: dict[str, Any]) -> None:
    """Make sure that the notebooks know each parameter, and can do something with its value.

    Parameters
    ----------
    parameters : dict
        Values by name.

    Raises
    ------
    TruthPixelError
        For the first that is wrong; the message names it, its value, and what would work.
    """
    known = set().union(*map(_parameters_of, ARTEFACTS))
    if unknown := sorted(set(parameters) - known):
        raise TruthPixelError(
            f"unknown parameter {', '.join(unknown)}: the notebooks know "
            f"{', '.join(sorted(known))}."
        )
    for name, value in parameters.items():
        fits, expected = RULES[name]
        if not fits(value):
            hint = _how_to_type(name, value)
            raise TruthPixelError(f"{name} is {value!r}: expected {expected}.{hint}")


def output_folder(value: str | Path) -> Path:
    """Make the folder that the course writes to, and make sure that it may.

    Parameters
    ----------
    value : str or Path
        The parameter ``output_dir``.

    Returns
    -------
    Path
        The folder, absolute.

    Raises
    ------
    TruthPixelError
        If the folder is one of the course's own, holds notebooks that no run has left there, or
        cannot be written to.
    """
    folder = project_path(value).resolve()
    own = [PROJECT / name for name in ("notebooks", "truthpixel_utils", "tests", "data")]
    if folder == PROJECT or any(folder.is_relative_to(path) for path in own if path.is_dir()):
        raise TruthPixelError(
            f"output_dir is {str(value)!r}: that is {folder}, where the course itself lies. Name a "
            "folder of its own, such as outputs."
        )
    writable_folder(folder, "output_dir")
    for name in ARTEFACTS:
        if record_of(name, folder) is None:
            raise TruthPixelError(
                f"output_dir is {str(value)!r}: {executed_copy(name, folder)} was not left there "
                "by a run of the course, which would write over it. Name another folder."
            )
    return folder


def own_parameters(name: str, parameters: dict[str, Any]) -> dict[str, Any]:
    """Pick the parameters that a notebook has.

    Parameters
    ----------
    name : str
        The notebook.
    parameters : dict
        Values by name.

    Returns
    -------
    dict
        Some of them.
    """
    return {key: value for key, value in parameters.items() if key in _parameters_of(name)}


@lru_cache
def _parameters_of(name: str) -> frozenset[str]:
    """Read which parameters a notebook has."""
    import papermill  # here, since it takes a second, which the command's help can do without

    return frozenset(papermill.inspect_notebook(str(NOTEBOOKS / f"{name}.ipynb")))


def _whole(lowest: int, highest: float = math.inf) -> Callable[[Any], bool]:
    """Return what tells whether a value is a whole number in a range."""

    def fits(value):
        is_whole = isinstance(value, Integral) and not isinstance(value, bool)
        return is_whole and lowest <= value <= highest

    return fits


def _one_of(*values: Any) -> Callable[[Any], bool]:
    return lambda value: value in values


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _is_text(value: Any) -> bool:
    return isinstance(value, str | Path) and bool(str(value).strip())


def _is_file(value: Any) -> bool:
    return _is_text(value) and project_path(value).is_file()


def _is_rate(value: Any) -> bool:
    is_number = isinstance(value, Real) and not isinstance(value, bool)
    return is_number and 0 < value < math.inf


def _are_epochs(value: Any) -> bool:
    """Whether a value is a number of epochs, or stages as `train.train_phase` takes them."""
    at_least_one = _whole(1)
    if not isinstance(value, list | tuple):
        return at_least_one(value)
    for stage in value:
        if not isinstance(stage, list | tuple) or len(stage) != 2:
            return False
        if not all(map(at_least_one, stage)):
            return False
    return len(value) > 0


def _how_to_type(name: str, value: Any) -> str:
    """Say what to type for a folder whose name the command takes for a number."""
    is_folder = name in ("source", "output_dir")
    return f" (For a folder of this name: ./{value}.)" if is_folder and not _is_text(value) else ""


_NUMBER = "a whole number of at least"
RULES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "source": (_is_text, "sample, auto, hub, or the path of a folder"),
    "split": (_one_of(*SPLITS), f"one of {_quoted(SPLITS)}"),
    "limit": (
        lambda value: value is None or _whole(SMALLEST_LIMIT)(value),
        f"{_NUMBER} {SMALLEST_LIMIT}, or None for every image",
    ),
    "seed": (_whole(0, LARGEST_SEED), f"a whole number from 0 to {LARGEST_SEED}"),
    "view": (_one_of(*VIEWS), f"one of {_quoted(VIEWS)}"),
    "image_size": (_whole(32), f"{_NUMBER} 32"),
    "batch_size": (_whole(1), f"{_NUMBER} 1"),
    "views": (_whole(1), f"{_NUMBER} 1"),
    "epochs_phase1": (_are_epochs, f"{_NUMBER} 1"),
    "epochs_phase2": (_are_epochs, f"{_NUMBER} 1, or stages such as [[64, 10], [96, 8]]"),
    "lr_phase1": (_is_rate, "a number above 0"),
    "lr_phase2": (_is_rate, "a number above 0"),
    "weights": (
        lambda value: value is None or value in WEIGHTS or _is_file(value),
        f"one of {_quoted(WEIGHTS)}, None, or the path of a file that exists",
    ),
    "unfreeze_layers": (
        lambda value: value == "all" or _whole(0)(value),
        f'{_NUMBER} 0, or "all"',
    ),
    "batch_norm": (lambda value: isinstance(value, bool), "True or False"),
    "recipe": (_one_of(*RECIPES), f"one of {_quoted(RECIPES)}"),
    "beside": (
        lambda value: isinstance(value, list | tuple) and all(map(_is_file, value)),
        "a list of paths of files that exist",
    ),
    "others": (
        lambda value: value is None or (_is_text(value) and project_path(value).is_dir()),
        "None, or the path of a folder that exists",
    ),
    "examined": (_whole(1), f"{_NUMBER} 1"),
    "model_file": (
        lambda value: value is None or value in DETECTORS or _is_file(value),
        f"None, one of {_quoted(DETECTORS)}, or the path of a file that exists",
    ),
    "output_dir": (_is_text, "the path of a folder"),
}
