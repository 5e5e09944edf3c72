import keras
import numpy as np
import pytest

from truthpixel_utils import data, evaluate, model


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=32)


def test_a_table_has_the_rows_of_its_split_in_their_order(detector, tiny):
    rows = data.load_splits(tiny)["test"]
    table = evaluate.predict_rows(detector, rows)
    assert list(table.columns) == ["id", "label", "generator", "source", "logit", "p_ai"]
    for name in ("id", "label", "generator"):
        assert table[name].tolist() == rows[name][:]
    images, _ = data.thumbnails(rows.take(3))
    logits, p_ai = evaluate.predict_images(detector, images)
    np.testing.assert_allclose(table["logit"][:3], logits, atol=1e-5)
    np.testing.assert_allclose(table["p_ai"][:3], p_ai, atol=1e-6)


def test_p_ai_is_the_sigmoid_of_the_logit(detector, tiny):
    table = evaluate.predict_rows(detector, data.load_splits(tiny)["validation"])
    assert table["logit"].dtype == table["p_ai"].dtype == np.float32
    np.testing.assert_allclose(table["p_ai"], 1 / (1 + np.exp(-table["logit"])), rtol=1e-5)
