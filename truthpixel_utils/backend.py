"""Keras, imported once and silently: TensorFlow greets on the bare file descriptor otherwise."""

import logging

from truthpixel_utils.files import silenced

with silenced():
    import keras

__all__ = ["keras"]


def _worth_reading(record: logging.LogRecord) -> bool:
    """Drop TensorFlow's advice on speed, which stands in a notebook after every second guess."""
    return "triggered tf.function retracing" not in record.getMessage()


logging.getLogger("tensorflow").addFilter(_worth_reading)
