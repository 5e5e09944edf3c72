"""Everything that the model card says of a detector, measured in one go."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from truthpixel_utils.data import seen_before
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate.bootstrap import bootstrap_intervals
from truthpixel_utils.evaluate.calibration import expected_calibration_error
from truthpixel_utils.evaluate.metrics import HEADLINES, compute_metrics
from truthpixel_utils.evaluate.predictions import predict_rows
from truthpixel_utils.evaluate.robustness import measure_robustness
from truthpixel_utils.evaluate.subgroups import by_class
from truthpixel_utils.labels import CLASSES

if TYPE_CHECKING:
    import datasets

    from truthpixel_utils.backend import keras


def measure_detector(
    detector: keras.Model, splits: Mapping[str, datasets.Dataset]
) -> tuple[pd.DataFrame, dict[str, Any]]:
    """Measure a detector on the test rows.

    Parameters
    ----------
    detector : keras.Model
        The network, from `model.load_detector`.
    splits : dict of datasets.Dataset
        Splits from `data.load_splits`; the detector has not been trained on their ``test``.

    Returns
    -------
    predictions : pandas.DataFrame
        One row a test image, see `predict_rows`.
    figures : dict
        What `compute_metrics` returns and, beside it, ``intervals`` (headline figure -> ``low``
        and ``high``, see `bootstrap_intervals`), ``without_twins`` (what `compute_metrics` returns
        for the test images that no earlier split holds), ``calibration_error`` (0..1),
        ``confidence`` (0.5..1, mean probability of the side an image leans to), ``robustness``
        (list of dicts, the rows of `measure_robustness`) and ``by_class`` (class -> figures, see
        `subgroups.by_class`).

    Raises
    ------
    TruthPixelError
        If, of one class, every test image stands in training or validation too.
    """
    is_new = ~seen_before(splits)
    _check_new(np.asarray(splits["test"]["label"])[is_new], len(is_new))
    predictions = predict_rows(detector, splits["test"])
    figures = compute_metrics(predictions)
    figures["intervals"] = bootstrap_intervals(predictions).to_dict("index")
    figures["without_twins"] = compute_metrics(predictions[is_new])
    figures["calibration_error"] = expected_calibration_error(predictions)
    figures["confidence"] = float(np.maximum(predictions["p_ai"], 1 - predictions["p_ai"]).mean())
    figures["robustness"] = measure_robustness(detector, splits["test"]).to_dict("records")
    figures["by_class"] = by_class(predictions).to_dict("index")
    return predictions, figures


def _check_new(labels, images):
    """Raise a `TruthPixelError` unless the test images that are new are of both classes."""
    for label, name in enumerate(CLASSES):
        if label not in labels:
            raise TruthPixelError(
                f"of {images} test images, every {name} one stands in training or validation too, "
                "byte for byte: a test needs images that the detector has not seen."
            )


def format_summary(figures: dict[str, Any]) -> str:
    """Lay out as text what `measure_detector` found.

    Parameters
    ----------
    figures : dict
        The figures from `measure_detector`.

    Returns
    -------
    str
        Two tables with a line between them, and a third table where the images have classes.
    """
    calibration = (
        f"calibration error {figures['calibration_error']:.4f}, "
        f"mean confidence {figures['confidence']:.4f}"
    )
    corruptions = pd.DataFrame(figures["robustness"])[
        ["corruption", "strength", "accuracy", "roc_auc", "false_positive_rate"]
    ]
    parts = [
        _headline_table(figures).to_string(),
        calibration,
        corruptions.round(4).to_string(index=False),
    ]
    if figures["by_class"]:
        classes = pd.DataFrame.from_dict(figures["by_class"], orient="index")
        parts.append(classes.round(4).to_string())
    return "\n\n".join(parts)


def _headline_table(figures):
    """Set the headline figures, of all images and without twins, beside their intervals."""
    columns = {}
    for name, part in {"all": figures, "without twins": figures["without_twins"]}.items():
        columns[name] = [f"{part['images']:,}", *(f"{part[key]:.4f}" for key in HEADLINES)]
    intervals = [figures["intervals"][key] for key in HEADLINES]
    columns["95 % of draws"] = ["", *("{low:.4f}–{high:.4f}".format(**each) for each in intervals)]
    return pd.DataFrame(columns, ["test images", *HEADLINES])
