"""Keras, imported once and silently: TensorFlow greets on the bare file descriptor otherwise."""

from truthpixel_utils.files import silenced

with silenced():
    import keras

__all__ = ["keras"]
