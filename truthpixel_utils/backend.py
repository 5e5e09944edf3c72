"""Keras, imported in the one place that keeps TensorFlow from greeting on the bare file descriptor."""

from truthpixel_utils.files import silenced

with silenced():
    import keras

__all__ = ["keras"]
