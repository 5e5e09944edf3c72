"""Detectors on disk: where they lie, and how they are written and read."""

from __future__ import annotations

import hashlib
import tempfile
import zipfile
from pathlib import Path

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.files import PRETRAINED, atomic_write, project_path, require_file
from truthpixel_utils.model.fusion import views_of
from truthpixel_utils.model.older_keras import write_for_older_keras
from truthpixel_utils.model.statistics import SpatialDeviation

FINAL = "truthpixel_final.keras"  # what the last phase leaves in the output folder's `models`
# What serves where nothing was trained yet; its MODEL_CARD.md lies beside it.
SHIPPED = PRETRAINED / "truthpixel_cifake.keras"
# The package's detectors, by the names that stand for their files.
PACKAGED = {"cifake": SHIPPED, "pictures": PRETRAINED / "truthpixel_pictures.keras"}
ON = (SHIPPED,)  # those of them that answer unless another is asked for
COURSE = "course"  # the name of the detector that notebook 4 has trained
# Which notebook makes a file that is missing.
MADE_BY = {"phase1.keras": "03_train_phase1", "phase2.keras": "04_finetune", FINAL: "04_finetune"}
OWN_LAYERS = {"SpatialDeviation": SpatialDeviation}  # which Keras does not know by itself


def load_detector(
    path: str | Path | None = None, output_dir: str | Path = "outputs"
) -> keras.Model:
    """Load a detector.

    Parameters
    ----------
    path : str or Path, optional
        A ``.keras`` or ``.h5`` file, or a name, see `find_detector`. By default it is the one that
        `detector_path` finds; if that is the one in the package, one line says so.
    output_dir : str or Path
        The folder in which the course's own detector lies.

    Returns
    -------
    keras.Model
        As `build_detector` or `fuse` builds it.

    Raises
    ------
    TruthPixelError
        If there is no such file, it is no detector, or the one in the package was changed.
    """
    if path is None:
        path = detector_path(output_dir)
        if path == SHIPPED:
            print(
                "Detector: the one in the package, trained on CIFAKE "
                "(notebook 4 has left none here yet)."
            )
    path = find_detector(path, output_dir)
    if path in PACKAGED.values():
        _check_sum(path)
    try:
        detector = _read(path)
    except Exception as error:  # Keras raises a kind for each: a cut file, another format, ...
        raise TruthPixelError(
            f"{path} is not a Keras model that can be read here ({type(error).__name__})."
        ) from error
    views_of(detector)  # raises where it is another network than a detector
    return detector


def find_detector(path: str | Path, output_dir: str | Path = "outputs") -> Path:
    """Find the file of a detector.

    Parameters
    ----------
    path : str or Path
        A file, the name of a detector in the package (`PACKAGED`), or ``"course"``: the one that
        notebook 4 has trained.
    output_dir : str or Path
        The folder in which notebook 4 leaves ``models/truthpixel_final.keras``.

    Returns
    -------
    Path
        The file's absolute path.

    Raises
    ------
    TruthPixelError
        If there is no such file.
    """
    if path == COURSE:
        path = project_path(output_dir) / "models" / FINAL
    path = project_path(PACKAGED.get(str(path), path))
    if path.name in MADE_BY and path.parent.name == "models":  # where the notebooks leave theirs
        return require_file(path, MADE_BY[path.name])
    if not path.is_file():
        raise TruthPixelError(
            f"{path} is no file: name a detector's .keras file, one in the package "
            f'({", ".join(PACKAGED)}), or "{COURSE}", which you have trained.'
        )
    return path


def save_detector(network: keras.Model, path: str | Path) -> None:
    """Write a network to a file, whole or not at all.

    Parameters
    ----------
    network : keras.Model
        A detector, or any other network.
    path : str or Path
        Where to write it; ends in ``.keras``.
    """
    with atomic_write(path) as part:
        network.save(part)


def detector_path(output_dir: str | Path = "outputs") -> Path:
    """Find the detector to use: the one that notebook 4 has trained, else the one in the package.

    Parameters
    ----------
    output_dir : str or Path
        The folder in which notebook 4 leaves ``models/truthpixel_final.keras``.

    Returns
    -------
    Path
        A ``.keras`` file; its thresholds lie beside it, in a ``.json`` file of the same name.
    """
    trained = project_path(output_dir) / "models" / FINAL
    return trained if trained.exists() else SHIPPED


def _read(path: Path) -> keras.Model:
    """Read a network, whether a Keras of this age wrote it or a newer one."""
    try:
        return keras.models.load_model(path, custom_objects=OWN_LAYERS)
    except TypeError:  # an option that this Keras does not know
        if not zipfile.is_zipfile(path):
            raise
        with tempfile.TemporaryDirectory() as folder:
            copy = Path(folder) / path.name
            write_for_older_keras(path, copy)
            return keras.models.load_model(copy, custom_objects=OWN_LAYERS)


def _check_sum(path: Path) -> None:
    """Raise a `TruthPixelError` unless the file is the one that SHA256SUMS beside it knows.

    SHA256SUMS has the format of the command ``sha256sum``: a digest, two spaces, a name.
    """
    sums = {}
    for line in path.with_name("SHA256SUMS").read_text().splitlines():
        digest, name = line.split()
        sums[name] = digest
    if hashlib.sha256(path.read_bytes()).hexdigest() != sums[path.name]:
        raise TruthPixelError(
            f"{path} is not the file that was shipped (its checksum differs): "
            "install the package again."
        )
