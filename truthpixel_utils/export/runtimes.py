"""Exported networks, asked in their own runtime and without Keras."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np

CARD = "detector.json"  # in the folder that `folder.export_detector` writes
Ask = Callable[[np.ndarray], dict[str, np.ndarray]]


def load_exported(folder: str | Path, threads: int | None = None) -> dict[str, Ask]:
    """Load what `export_detector` has written, by the runtime that it was written for.

    Parameters
    ----------
    folder : str or Path
        The folder with the exported detector.
    threads : int, optional
        Cores for an image; by default what the runtime chooses. LiteRT and ONNX Runtime heed it.

    Returns
    -------
    dict of functions
        By the view of each member. Each takes uint8 pixels (N, size, size, 3), RGB, 0..255, and
        returns a dict of float arrays (N,) by the names of the outputs.
    """
    folder = Path(folder)
    card = json.loads((folder / CARD).read_text())
    load = _LOADERS[card["format"]]
    return {one["view"]: load(folder / one["file"], threads) for one in card["members"]}


def _load_onnx(path, threads):
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads or 0
    session = onnxruntime.InferenceSession(path, options)
    names = [output.name for output in session.get_outputs()]

    def ask(images):
        answers = session.run(names, {"pixels": images})
        return {name: answer[:, 0] for name, answer in zip(names, answers, strict=True)}

    return ask


def _load_openvino(path, threads):
    import openvino

    model = openvino.compile_model(path, "CPU", {"INFERENCE_PRECISION_HINT": "f32"})

    def ask(images):
        answers = [model({"pixels": image[None]}).to_tuple() for image in images]
        answers = np.array(answers)[:, :, 0, 0].T  # of one output a row
        return {
            output.any_name: answer for output, answer in zip(model.outputs, answers, strict=True)
        }

    return ask


def _load_litert(path, threads):
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(str(path), num_threads=threads)
    run = interpreter.get_signature_runner("serving_default")

    def ask(images):
        answers = [run(pixels=image[None]) for image in images]
        return {name: np.array([one[name][0, 0] for one in answers]) for name in answers[0]}

    return ask


def _load_saved_model(path, threads):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(path))

    def ask(images):
        answers = loaded.signatures["serving_default"](pixels=tf.constant(images))
        return {name: answer.numpy()[:, 0] for name, answer in answers.items()}

    return ask


_LOADERS = {
    "onnx": _load_onnx,
    "openvino": _load_openvino,
    "litert": _load_litert,
    "savedmodel": _load_saved_model,
}
