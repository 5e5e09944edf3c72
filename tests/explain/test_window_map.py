import numpy as np
import pytest

from truthpixel_utils import explain, model
from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture(scope="module")
def brightness():
    """A detector of windows of 64 pixels whose logit is their brightness, -1 to 1."""
    pixels = keras.Input((64, 64, 3), name="windows")
    x = keras.layers.Rescaling(2 / 255, offset=-1)(pixels)
    x = keras.layers.GlobalAveragePooling2D()(x)
    logit = keras.layers.Dense(1, name="logit")
    p_ai = keras.layers.Activation("sigmoid", name="p_ai")(logit(x))
    logit.set_weights([np.full((3, 1), 1 / 3, np.float32), np.zeros(1, np.float32)])
    return keras.Model(pixels, p_ai)


@pytest.mark.parametrize("size", [(600, 800), (2000, 3000), (100, 90), (40, 300), (64, 64)])
def test_the_map_has_the_pictures_size_and_points_at_what_stands_out(brightness, size):
    height, width = size
    picture = np.zeros((height, width, 3), np.uint8)
    top, left = height // 2, width // 2
    picture[top : top + height // 3, left : left + width // 3] = 255
    found = explain.map_windows(brightness, picture)
    assert found.heatmap.shape == size and np.isfinite(found.heatmap).all()
    assert found.heatmap.max() <= 1.001 and found.heatmap.min() >= -1.001
    if min(size) > 64:
        row, column = np.unravel_index(found.heatmap.argmax(), size)
        assert top <= row < top + height // 3 and left <= column < left + width // 3


def test_boxes_lie_in_the_picture_and_cover_it(brightness):
    found = explain.map_windows(brightness, np.zeros((1200, 2400, 3), np.uint8))
    assert (found.boxes >= 0).all() and found.boxes[:, 2].max() == 2400
    assert found.boxes[:, 3].max() == 1200 and len(found.boxes) == len(found.logits) <= 300


def test_a_detector_of_thumbnails_has_no_such_map():
    detector = model.build_detector(None, image_size=32)
    with pytest.raises(TruthPixelError, match="looks at a thumbnail, not at windows"):
        explain.map_windows(detector, np.zeros((300, 300, 3), np.uint8))
