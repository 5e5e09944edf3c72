"""What an answer of the demo costs beside the bare verdict, warm: a photograph of one megapixel, and a thumbnail.

    python benchmarks/demo.py
"""

import io
import json
import time

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from truthpixel_utils import data, demo, evaluate, model

ROUNDS = 40


def median(function):
    """Milliseconds, after three calls that warm up."""
    taken = []
    for _ in range(ROUNDS + 3):
        start = time.perf_counter()
        function()
        taken.append(1000 * (time.perf_counter() - start))
    return np.median(taken[3:])


def jpeg(width, height):
    buffer = io.BytesIO()
    Image.fromarray(load_sample_image("china.jpg")).resize((width, height)).save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    detector, rule = model.load_detector(model.SHIPPED), json.loads(model.SHIPPED.with_suffix(".json").read_text())
    for name, size in {"photograph, 1,152 × 896": (1152, 896), "thumbnail, 32 × 32": (32, 32)}.items():
        content = jpeg(*size)
        seen = data.thumbnail(content)[None]
        verdict = median(lambda: evaluate.predict_images(detector, seen))
        answer = median(lambda: demo.analyze(content, "x.jpg", detector=detector, rule=rule))
        print(f"{name}: verdict {verdict:.0f} ms, whole answer {answer:.0f} ms, {answer / verdict:.1f} ×")
