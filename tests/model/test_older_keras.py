import json
import zipfile

import numpy as np

from truthpixel_utils import model
from truthpixel_utils.model.older_keras import NEWER, write_for_older_keras


def options(path):
    """The names of all options in a detector's file."""
    found = set()

    def collect(value):
        if isinstance(value, dict):
            found.update(value)
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                collect(item)

    with zipfile.ZipFile(path) as file:
        collect(json.loads(file.read("config.json")))
    return found


def test_the_detectors_in_the_package_can_be_read_by_the_keras_of_every_python():
    """With Python 3.10 this fails where newer options are not left out."""
    for name in model.PACKAGED:
        model.load_detector(name)


def test_a_detector_without_newer_options_is_the_same_detector(tmp_path):
    write_for_older_keras(model.SHIPPED, tmp_path / "older.keras")
    assert options(model.SHIPPED) & NEWER.keys()
    assert not options(tmp_path / "older.keras") & NEWER.keys()
    older, newer = (model.load_detector(path) for path in (tmp_path / "older.keras", "cifake"))
    pixels = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)
    assert (older.predict(pixels, verbose=0) == newer.predict(pixels, verbose=0)).all()


def test_an_option_that_changes_something_is_kept(tmp_path):
    layer = {"renorm": True, "renorm_momentum": 0.99, "axis": -1}
    with zipfile.ZipFile(tmp_path / "newer.keras", "w") as file:
        file.writestr("config.json", json.dumps({"layers": [layer]}))
    write_for_older_keras(tmp_path / "newer.keras", tmp_path / "older.keras")
    with zipfile.ZipFile(tmp_path / "older.keras") as file:
        [kept] = json.loads(file.read("config.json"))["layers"]
    assert kept == {"renorm": True, "axis": -1}
