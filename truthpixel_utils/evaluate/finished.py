"""The finished detector on disk: a network and, beside it, the rule that makes p_ai a verdict."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate.calibration import calibrate
from truthpixel_utils.evaluate.ood import fit_ood
from truthpixel_utils.evaluate.predictions import predict_rows
from truthpixel_utils.files import atomic_write, project_path, require_file
from truthpixel_utils.model import FINAL, detector_path, load_detector, save_detector
from truthpixel_utils.train import check_unseen

if TYPE_CHECKING:
    import datasets


def load_for_test(
    splits: Mapping[str, datasets.Dataset], output_dir: str | Path = "outputs"
) -> tuple[keras.Model, dict[str, Any]]:
    """Load the finished detector and its rule, unless it may have seen test images in training.

    Parameters
    ----------
    splits : dict of datasets.Dataset
        The splits from `data.load_splits` whose ``test`` the detector is to be tested on.
    output_dir : str or Path
        The course's output folder; where it holds no detector, the package's own is loaded.

    Returns
    -------
    detector : keras.Model
        The network, as `model.build_detector` builds it.
    rule : dict
        What its answers mean, see `load_rule`.

    Raises
    ------
    TruthPixelError
        If the detector was trained on other splits, or a file is missing or unreadable.
    """
    check_unseen(splits, output_dir)
    return load_detector(output_dir=output_dir), load_rule(output_dir)


def finish(
    detector: keras.Model,
    splits: Mapping[str, datasets.Dataset],
    output_dir: str | Path = "outputs",
) -> dict[str, Any]:
    """Choose on validation images what a trained detector's answers mean, and write it all down.

    Parameters
    ----------
    detector : keras.Model
        A trained network; it is calibrated in place, see `calibrate`.
    splits : dict of datasets.Dataset
        Splits with ``train`` and ``validation``.
    output_dir : str or Path
        The course's output folder, see `save_finished`.

    Returns
    -------
    dict
        The rule, see `load_rule`.

    Raises
    ------
    TruthPixelError
        If validation lacks a class, or the detector answers with what is no number.
    """
    rule: dict[str, Any] = calibrate(detector, predict_rows(detector, splits["validation"]))
    rule["out_of_distribution"] = fit_ood(detector, splits)
    save_finished(detector, rule, output_dir)
    return rule


def save_finished(
    detector: keras.Model, rule: dict[str, Any], output_dir: str | Path = "outputs"
) -> Path:
    """Write the finished detector and, beside it, its rule, with one line for each of its entries.

    Parameters
    ----------
    detector : keras.Model
        The network, calibrated already.
    rule : dict
        What `calibrate` returned, with the dict from `fit_ood` as its ``out_of_distribution``.
    output_dir : str or Path
        The course's output folder.

    Returns
    -------
    Path
        Where the detector lies; the rule lies beside it, with the suffix ``.json``.
    """
    path = project_path(output_dir) / "models" / FINAL
    save_detector(detector, path)
    with atomic_write(path.with_suffix(".json")) as part:
        lines = [f'"{name}": {json.dumps(value)}' for name, value in rule.items()]
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return path


def load_rule(output_dir: str | Path = "outputs", path: Path | None = None) -> dict[str, Any]:
    """Load the rule of the detector that `model.load_detector` gives.

    Parameters
    ----------
    output_dir : str or Path
        The course's output folder; where it holds no detector, the rule is that of the package's.
    path : Path, optional
        The detector's file, if it is another.

    Returns
    -------
    dict
        ``shift``, ``temperature``, ``lower_threshold`` and ``upper_threshold`` (float, from
        `calibrate`) and ``out_of_distribution`` (dict from `fit_ood`).

    Raises
    ------
    TruthPixelError
        If the file is missing, or an older version of the course wrote it.
    """
    if path is None:
        path = require_file(detector_path(output_dir).with_suffix(".json"), made_by="04_finetune")
    else:
        path = _rule_beside(path)
    rule = json.loads(path.read_text())
    if missing := sorted({"shift", "out_of_distribution"} - rule.keys()):
        raise TruthPixelError(
            f"{path} is of an older version (it lacks {', '.join(missing)}): "
            "run notebooks/04_finetune.ipynb again."
        )
    return rule


def _rule_beside(detector: Path) -> Path:
    """Find the rule of a detector that somebody named; they may have copied it without."""
    path = detector.with_suffix(".json")
    if not path.is_file():
        raise TruthPixelError(
            f"{path} is missing: the rule that makes a verdict of what {detector.name} says. "
            "Notebook 4 writes both files, and they belong beside each other."
        )
    return path
