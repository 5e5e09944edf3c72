"""Everything that the model card says of a detector, measured in one go."""

import numpy as np
import pandas as pd

from truthpixel_utils.data.splits import seen_before
from truthpixel_utils.evaluate.bootstrap import bootstrap_intervals
from truthpixel_utils.evaluate.calibration import expected_calibration_error
from truthpixel_utils.evaluate.metrics import HEADLINES, by_class, compute_metrics
from truthpixel_utils.evaluate.predictions import predict_rows
from truthpixel_utils.evaluate.robustness import measure_robustness


def measure_detector(detector, splits):
    """Measure a detector on the test rows.

    Returns
    -------
    predictions : pandas.DataFrame, see `score.score`
    figures : dict, as `evaluate.evaluate` returns, and ``intervals`` (95 %, see there), ``without_twins`` (the same as
    all for test images that no earlier split holds), ``calibration_error``, ``confidence`` (mean probability of the
    verdict), ``robustness`` (list of rows) and ``by_class`` (class -> figures)
    """
    predictions = predict_rows(detector, splits["test"])
    figures = compute_metrics(predictions)
    figures["intervals"] = bootstrap_intervals(predictions).to_dict("index")
    figures["without_twins"] = compute_metrics(predictions[~seen_before(splits)])
    figures["calibration_error"] = expected_calibration_error(predictions)
    figures["confidence"] = float(np.maximum(predictions["p_ai"], 1 - predictions["p_ai"]).mean())
    figures["robustness"] = measure_robustness(detector, splits["test"]).to_dict("records")
    figures["by_class"] = by_class(predictions).to_dict("index")
    return predictions, figures


def format_summary(figures):
    """Lay out what `measure` found as text (str)."""
    parts = {"all": figures, "without twins": figures["without_twins"]}
    rows = ["test images", *HEADLINES]
    columns = {
        name: [f"{part['images']:,}", *(f"{part[key]:.4f}" for key in HEADLINES)] for name, part in parts.items()
    }
    changes = pd.DataFrame(figures["robustness"])[["corruption", "strength", "accuracy", "roc_auc", "false_positive_rate"]]
    columns["95 % of draws"] = ["", *("{low:.4f}–{high:.4f}".format(**figures["intervals"][key]) for key in HEADLINES)]
    tables = [
        pd.DataFrame(columns, rows).to_string(),
        f"calibration error {figures['calibration_error']:.4f}, mean confidence {figures['confidence']:.4f}",
        changes.round(4).to_string(index=False),
    ]
    if figures["by_class"]:
        tables.append(pd.DataFrame.from_dict(figures["by_class"], orient="index").round(4).to_string())
    return "\n\n".join(tables)
