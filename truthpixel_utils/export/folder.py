"""What leaves Python: a folder with one file a view, and a card that says how to use them."""

from __future__ import annotations

import hashlib
import json
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from truthpixel_utils import __version__
from truthpixel_utils.backend import keras
from truthpixel_utils.data import View, seen
from truthpixel_utils.data.windows import MAX_SIDE, MOST, SCALED_TO, SQUARE, WINDOWS
from truthpixel_utils.demo.doubts import MAX_SIDE as MAX_SIDE_OF_THUMBNAILS
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.evaluate import load_rule
from truthpixel_utils.export.formats import ONE_IMAGE, check_format, write
from truthpixel_utils.export.runtimes import CARD, load_exported
from truthpixel_utils.files import require_room, writable_folder
from truthpixel_utils.labels import CLASSES
from truthpixel_utils.model import find_detector, load_detector, members, view_of

if TYPE_CHECKING:
    import datasets

TOLERANCE = 1e-3  # of p_ai: by how much another runtime may differ from Keras
MAX_REPRESENTATIVES = 500  # images that the ranges of 8-bit integers are chosen by
_HOW = {
    "thumbnail": "Cut out the centre square and average it down to size × size pixels.",
    "whole": "Cut out the centre square and average it down to size × size pixels; scale a smaller "
    "one up bilinearly.",
    WINDOWS: f"Average a picture whose longer side is above {MAX_SIDE} pixels down to {SCALED_TO}; "
    f"cut up to {MOST} squares of at most {SQUARE} pixels out of it, on a grid of three by three, "
    "and the windows out of their middles; truthpixel_utils.data.look does it.",
}


def export_detector(
    format: str,
    out: str | Path,
    model_file: str | Path = "cifake",
    output_dir: str | Path = "outputs",
    representatives: datasets.Dataset | None = None,
) -> dict[str, Any]:
    """Write a detector for another runtime, with its preprocessing.

    What is written takes the bytes of pixels that a decoder gives, resizes and normalises them, and
    returns the logit, the calibrated probability and, where the detector looks at a picture as one
    image, how far the image lies from those of training. Its answers are compared with Keras's
    before the folder is there.

    Parameters
    ----------
    format : {"onnx", "openvino", "litert", "savedmodel"}
        Of ONNX Runtime, OpenVINO, LiteRT (which was TensorFlow Lite), and TensorFlow.
    out : str or Path
        The folder to write; there must be none yet, or an empty one. It gets a file for each view
        of the detector and `CARD`, which says how to use them. A relative path starts at the
        project.
    model_file : str or Path
        A detector's file or name, see `model.find_detector`.
    output_dir : str or Path
        The folder in which the course's own detector lies.
    representatives : datasets.Dataset, optional
        For LiteRT: rows of a split, of which up to 500 images choose the ranges of 8-bit integers,
        in which the network then computes. It has no distance, which would be wrong by half.

    Returns
    -------
    dict
        What `CARD` holds.

    Raises
    ------
    TruthPixelError
        If the format is not known, a package that it takes is missing, there is no such detector,
        `out` is taken, or the answers are not Keras's.
    """
    check_format(format)
    if representatives is not None and format != "litert":
        raise TruthPixelError(f'format is "{format}": integers of 8 bits are for litert only.')
    path = find_detector(model_file, output_dir)
    detector, rule = load_detector(path), load_rule(path=path)
    out = _free_folder(out)
    require_room(out.parent, 8 * detector.count_params())
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as temporary:
        folder = Path(temporary) / out.name  # of the usual rights, which the temporary one lacks
        folder.mkdir()
        card = {
            "truthpixel": __version__,
            "detector": path.name,
            "detector_sha256": _digest(path),
            "format": format,
            "integers": representatives is not None,
            "classes": CLASSES,
            "members": _write_members(detector, rule, format, folder, representatives),
            "formula": "logit = bias + the sum over the members of weight × the mean of the "
            "member's logits over its images of a picture; p_ai = 1 / (1 + exp(-logit))",
            "bias": _bias(detector),
            "lower_threshold": rule["lower_threshold"],
            "upper_threshold": rule["upper_threshold"],
            "distance_limit": rule["out_of_distribution"]["limit"],
            "longest_side": _longest_side(detector),
            "verdict": "cannot tell, where the longer side of the picture in pixels is outside "
            "longest_side or the distance is above distance_limit; AI-generated from "
            "upper_threshold on; real below lower_threshold; else cannot tell",
        }
        (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
        card["difference"] = _difference(detector, folder, representatives)
        if card["difference"] > TOLERANCE and representatives is None:
            raise TruthPixelError(
                f"{format} answers otherwise than Keras, by up to {card['difference']:.2g} in "
                "p_ai: nothing was written. Another version of the converter may help."
            )
        (folder / CARD).write_text(json.dumps(card, indent=1), encoding="utf-8")
        os.replace(folder, out)
    return card


def _free_folder(out: str | Path) -> Path:
    """Make sure that a folder can be written, and that nothing is lost by that."""
    parent = writable_folder(Path(out).expanduser().parent, "--out")
    out = parent / Path(out).name
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise TruthPixelError(f"{out} is there already: name a folder that is not, or is empty.")
    if out.is_dir():
        out.rmdir()  # since Windows moves nothing onto a folder
    return out


def _write_members(
    detector: keras.Model,
    rule: dict[str, Any],
    format: str,
    folder: Path,
    representatives: datasets.Dataset | None,
) -> list[dict[str, Any]]:
    """Write each member into a file of its own; describe them."""
    found = []
    weights = _weights(detector)
    for number, (member, weight) in enumerate(zip(members(detector), weights, strict=True)):
        view = view_of(member)
        images = None if representatives is None else _sample(representatives, view)
        # The distance is that of the first member, and of the mean of a picture's features: of one
        # window alone it would be another.
        tells_distance = number == 0 and view.kind != WINDOWS and images is None
        fitted = rule["out_of_distribution"] if tells_distance else None
        path, outputs = write(member, fitted, format, folder / view.kind, images)
        found.append(
            {
                "file": path.name,
                "sha256": {
                    str(file.relative_to(folder)): _digest(file) for file in _files_of(path, folder)
                },
                "view": view.kind,
                "size": view.size,
                "how": _HOW[view.kind],
                "input": "pixels: uint8 (N, size, size, 3), RGB, 0..255"
                + (", N = 1" if format in ONE_IMAGE else ""),
                "outputs": outputs,
                "weight": weight,
            }
        )
    return found


def _weights(detector: keras.Model) -> list[float]:
    if len(members(detector)) == 1:
        return [1.0]
    return detector.get_layer("logit").get_weights()[0][:, 0].tolist()


def _bias(detector: keras.Model) -> float:
    """What a fusion adds; a single member has its own bias inside."""
    return float(detector.get_layer("logit").get_weights()[1][0]) if members(detector)[1:] else 0.0


def _longest_side(detector: keras.Model) -> list[int | None]:
    """Between which pixels the longer side of a picture may lie, None for no bound; as the demo."""
    if view_of(members(detector)[0]).is_thumbnail:
        return [1, MAX_SIDE_OF_THUMBNAILS]
    return [MAX_SIDE_OF_THUMBNAILS + 1, None]


def _sample(rows: datasets.Dataset, view: View) -> np.ndarray:
    """Show pictures from all over a split as a detector sees them, one image each."""
    count = min(len(rows), MAX_REPRESENTATIVES)
    rows = rows.select(np.linspace(0, len(rows) - 1, count).astype(int))
    found = []
    for images, owners in seen(rows, view):
        _, first = np.unique(owners, return_index=True)
        found.append(images[first])
    return np.concatenate(found)


def _difference(
    detector: keras.Model, folder: Path, representatives: datasets.Dataset | None
) -> float:
    """By how much p_ai differs from Keras's at most, on representatives or on some noise."""
    exported = load_exported(folder)
    found = []
    for member in members(detector):
        view = view_of(member)
        images = _noise(view) if representatives is None else _sample(representatives, view)[:64]
        expected = member.predict(images, verbose=0)[:, 0]
        found.append(np.abs(exported[view.kind](images)["p_ai"] - expected).max())
    return float(max(found))


def _noise(view: View) -> np.ndarray:
    """Make images of faint to strong noise: uint8 (8, size, size, 3)."""
    strength = np.linspace(5, 80, 8)[:, None, None, None]
    noise = np.random.default_rng(0).normal(size=(8, view.size, view.size, 3))
    return (128 + strength * noise).clip(0, 255).astype(np.uint8)


def _files_of(path: Path, folder: Path) -> Iterator[Path]:
    """List the files of one exported member: OpenVINO writes two, TensorFlow a folder."""
    for file in sorted(folder.rglob("*")):
        if file.is_file() and file.relative_to(folder).parts[0].split(".")[0] == path.stem:
            yield file


def _digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()
