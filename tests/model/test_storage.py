import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError

PIXELS = np.random.default_rng(0).integers(0, 256, (4, 32, 32, 3), dtype=np.uint8)


@pytest.mark.parametrize("suffix", ["keras", "h5"])
def test_saved_and_reloaded_predictions_are_equal_bit_for_bit(tmp_path, suffix):
    detector = model.build_detector("lite0", image_size=64)
    detector.save(tmp_path / f"detector.{suffix}")
    again = model.load_detector(tmp_path / f"detector.{suffix}")
    assert (again.predict(PIXELS, verbose=0) == detector.predict(PIXELS, verbose=0)).all()


def test_bad_files_are_told_in_one_sentence(tmp_path):
    with pytest.raises(TruthPixelError, match="missing: run notebooks/04_finetune.ipynb first"):
        model.load_detector(tmp_path / "models" / "truthpixel_final.keras")
    with pytest.raises(TruthPixelError, match="truthpixel_final.keras is no file: name a"):
        model.load_detector(tmp_path / "truthpixel_final.keras")  # the notebooks leave none there
    with pytest.raises(TruthPixelError, match=r"none.keras is no file: .* \(cifake, pictures\)"):
        model.load_detector(tmp_path / "none.keras")
    (tmp_path / "cut.keras").write_bytes(b"PK\x03\x04 half a file")
    with pytest.raises(TruthPixelError, match="cut.keras is not a Keras model"):
        model.load_detector(tmp_path / "cut.keras")


def test_a_network_that_is_no_detector_is_refused(tmp_path):
    pixels = keras.Input((32, 32, 3), name="image")
    other = keras.Model(pixels, keras.layers.Dense(1)(keras.layers.Flatten()(pixels)))
    other.save(tmp_path / "other.keras")
    with pytest.raises(TruthPixelError, match="expected a detector of this course"):
        model.load_detector(tmp_path / "other.keras")


def test_a_detector_of_the_package_is_found_by_its_name():
    assert model.find_detector("cifake") == model.SHIPPED
