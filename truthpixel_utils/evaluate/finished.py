"""The finished detector on disk: a network and, beside it, the rule by which its answers become verdicts."""

import json

from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import atomic_write, project_path, require_file
from truthpixel_utils.model.detector import FINAL, detector_path, load_detector, save_detector
from truthpixel_utils.train.record import check_unseen


def load_for_test(splits, output_dir="outputs"):
    """Load the finished detector and its rule, having made sure that it has seen no test image in training.

    Parameters
    ----------
    splits : datasets.DatasetDict from `data.load_splits`, the one that the detector is to be tested on
    output_dir : str or Path, the course's output folder; where it holds no detector, the package's own is loaded

    Returns
    -------
    detector : keras.Model, as `model.build_detector` builds it
    rule : dict, see `load_rule`

    Raises
    ------
    TruthPixelError if the detector was trained on other splits, or a file is missing or unreadable.
    """
    check_unseen(splits, output_dir)
    return load_detector(output_dir=output_dir), load_rule(output_dir)


def save_finished(detector, rule, output_dir="outputs"):
    """Write the finished detector and, beside it, its rule (from `calibrate`, with `ood.fit_ood`'s dict as its
    ``out_of_distribution``); return the detector's path."""
    path = project_path(output_dir) / "models" / FINAL
    save_detector(detector, path)
    with atomic_write(path.with_suffix(".json")) as part:
        lines = [f'"{name}": {json.dumps(value)}' for name, value in rule.items()]
        part.write_text("{\n" + ",\n".join(lines) + "\n}\n")
    return path


def load_rule(output_dir="outputs"):
    """Load the rule of the detector that `model.load_detector` gives for `output_dir`: the dict that was saved with it."""
    path = require_file(detector_path(output_dir).with_suffix(".json"), made_by="04_finetune")
    rule = json.loads(path.read_text())
    if missing := sorted({"shift", "out_of_distribution"} - rule.keys()):
        raise TruthPixelError(
            f"{path} is of an older version (it lacks {', '.join(missing)}): run notebooks/04_finetune.ipynb again."
        )
    return rule
