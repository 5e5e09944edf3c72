"""What an answer of the demo costs beside the bare verdict.

    python benchmarks/demo.py

Both are measured warm, on a photograph of one megapixel and on a thumbnail.
"""

import io
import json
import time

import numpy as np
from PIL import Image
from sklearn.datasets import load_sample_image

from truthpixel_utils import data, demo, evaluate, model

ROUNDS = 40
IMAGES = {"photograph, 1,152 × 896": (1152, 896), "thumbnail, 32 × 32": (32, 32)}  # pixels


def median_ms(function, *arguments, **options):
    """Milliseconds of a call, the median of ROUNDS after three that warm up."""
    taken = []
    for _ in range(ROUNDS + 3):
        start = time.perf_counter()
        function(*arguments, **options)
        taken.append(1000 * (time.perf_counter() - start))
    return np.median(taken[3:])


def jpeg(width, height):
    """A photograph of that size as the bytes of a JPEG file."""
    buffer = io.BytesIO()
    image = Image.fromarray(load_sample_image("china.jpg")).resize((width, height))
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()


if __name__ == "__main__":
    detector = model.load_detector(model.SHIPPED)
    rule = json.loads(model.SHIPPED.with_suffix(".json").read_text())
    choose = demo.chooser([("the package's", detector, rule)])
    for name, size in IMAGES.items():
        content = jpeg(*size)
        verdict = median_ms(evaluate.predict_images, detector, data.thumbnail(content)[None])
        answer = median_ms(demo.analyze, content, "x.jpg", choose=choose)
        ratio = answer / verdict
        print(f"{name}: verdict {verdict:.0f} ms, whole answer {answer:.0f} ms, {ratio:.1f} ×")
