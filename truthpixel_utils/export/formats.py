"""The formats of other runtimes: each by the converter that its makers keep."""

from __future__ import annotations

import importlib.util
import tempfile
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from truthpixel_utils.backend import keras
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.export.network import from_bytes, plain_copy, with_distance
from truthpixel_utils.files import silenced

# What each format takes beside this package, by the name under which it is imported.
NEEDS = {
    "onnx": ("tf2onnx", "onnx", "onnxruntime"),
    "openvino": ("openvino",),
    "litert": ("ai_edge_litert",),
    "savedmodel": (),
}
FORMATS = tuple(NEEDS)
ONE_IMAGE = ("openvino", "litert")  # the formats that are written for one image at a time


def check_format(format: str) -> None:
    """Insist on a format that is known, and on the packages that it takes.

    Parameters
    ----------
    format : str
        One of `FORMATS`.

    Raises
    ------
    TruthPixelError
        If it is none of them, a package is missing, or Keras does not compute with TensorFlow.
    """
    if format not in FORMATS:
        raise TruthPixelError(f'format is "{format}": expected {", ".join(FORMATS)}.')
    missing = [name for name in NEEDS[format] if importlib.util.find_spec(name) is None]
    if missing:
        raise TruthPixelError(
            f"{format} needs {' and '.join(missing)}, which is not installed: "
            'pip install "truthpixel-utils[export]" brings it.'
        )
    if keras.backend.backend() != "tensorflow" and format != "openvino":
        raise TruthPixelError(
            f"Keras computes with {keras.backend.backend()}: to export to {format}, set "
            "KERAS_BACKEND=tensorflow."
        )


def write(
    detector: keras.Model,
    fitted: dict[str, Any] | None,
    format: str,
    path: Path,
    representatives: np.ndarray | None = None,
) -> tuple[Path, list[str]]:
    """Write a detector in a format.

    Parameters
    ----------
    detector : keras.Model
        One that is not fused.
    fitted : dict or None
        What its distance is computed by, see `network.with_distance`.
    format : str
        One of `FORMATS`.
    path : Path
        Where to, without a suffix.
    representatives : uint8 array (N, size, size, 3), optional
        For LiteRT: images such as the network will meet. With them it computes in 8-bit integers.

    Returns
    -------
    path : Path
        The file (a folder, of a SavedModel), with the format's suffix.
    outputs : list of str
        What the outputs are called.
    """
    with warnings.catch_warnings(), silenced():
        warnings.simplefilter("ignore")  # the converters warn of their own inner workings
        if format == "openvino":
            network = with_distance(detector, fitted)
            return _write_openvino(network, path), network.output_names
        network = with_distance(plain_copy(detector), fitted)
        if format == "litert":
            return _write_litert(network, path, representatives), network.output_names
        if format == "onnx":
            path = path.with_suffix(".onnx")
            _export(network, path, format="onnx")
        else:
            _export(network, path)
        return path, network.output_names


def _export(network: keras.Model, path: Path, images: int | None = None, **options) -> None:
    """Write a network by Keras's own export; it takes any number of images, or so many at once."""
    shape = (images, *network.input.shape[1:])
    pixels = keras.InputSpec("uint8", shape=shape, name="pixels")
    from_bytes(network).export(path, input_signature=[pixels], verbose=False, **options)


def _write_openvino(network: keras.Model, path: Path) -> Path:
    """Write what computes in this package too, which is faster than what a converter makes of it.

    See `model.openvino_graph`. It is for one image at a time: with a free number of them, OpenVINO
    2026 refuses the product by which this graph resizes. Whoever wants more reshapes the model.
    """
    import openvino

    from truthpixel_utils.model.openvino_graph import to_openvino

    translated = to_openvino(network)
    for output, name in zip(translated.outputs, network.output_names, strict=True):
        output.get_tensor().set_names({name})
    translated.inputs[0].get_tensor().set_names({"pixels"})
    of_bytes = openvino.preprocess.PrePostProcessor(translated)
    of_bytes.input().tensor().set_element_type(openvino.Type.u8)
    of_one = of_bytes.build()
    of_one.reshape([1, *network.input.shape[1:]])
    path = path.with_suffix(".xml")  # the weights lie beside it, in a file .bin
    openvino.save_model(of_one, path, compress_to_fp16=False)
    return path


def _write_litert(network: keras.Model, path: Path, representatives: np.ndarray | None) -> Path:
    """Write a network for one image at a time, which is what a telephone has.

    Integers by quantisation after training (Jacob et al., *Quantization and training of neural
    networks for efficient integer-arithmetic-only inference*, 2018).
    """
    import tensorflow as tf

    path = path.with_suffix(".tflite")
    with tempfile.TemporaryDirectory() as folder:
        _export(network, folder, images=1)
        converter = tf.lite.TFLiteConverter.from_saved_model(folder)
        if representatives is not None:
            converter.optimizations = [tf.lite.Optimize.DEFAULT]
            converter.representative_dataset = lambda: (
                {"pixels": image[None]} for image in representatives
            )
            converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8]
            converter.inference_input_type = tf.uint8
        path.write_bytes(converter.convert())
    return path
