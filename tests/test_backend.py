"""What Keras and TensorFlow say to the reader."""

import logging

import numpy as np

from truthpixel_utils.backend import keras


def test_models_made_anew_bring_no_advice_on_speed(caplog):
    """Each probe of notebook 2 makes one, and a reader who has guessed runs the cell again."""
    logger = logging.getLogger("tensorflow")
    logger.addHandler(caplog.handler)
    for _ in range(8):
        pixels = keras.Input((2,))
        keras.Model(pixels, keras.layers.Dense(1)(pixels)).predict(np.zeros((3, 2)), verbose=0)
    logger.warning("This one is worth reading.")
    logger.removeHandler(caplog.handler)
    assert {record.getMessage() for record in caplog.records} == {"This one is worth reading."}
