"""What an explanation costs beside the verdict: ours, and a gradient through the whole network.

    python benchmarks/explanations.py [IMAGE_SIZE]     # default 224; a minute and a half on two cores
"""

import sys
import time

import keras
import numpy as np
import tensorflow as tf

from truthpixel_utils import evaluate, explain, model

IMAGES = np.random.default_rng(0).integers(0, 256, (128, 32, 32, 3), dtype=np.uint8)
ROUNDS = 3


def textbook(detector, images, batch_size=16):
    """Verdict and Grad-CAM as tutorials compute them: one tape around the whole network."""
    parts = keras.Model(detector.input, [detector.get_layer(explain.default_layer(detector)).output, detector.output])
    maps = []
    for start in range(0, len(images), batch_size):
        with tf.GradientTape() as tape:
            activations, p_ai = parts(images[start : start + batch_size].astype(np.float32), training=False)
        gradients = tape.gradient(p_ai, activations)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(activations * weights, axis=-1)).numpy())
    return np.concatenate(maps)


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


if __name__ == "__main__":
    detector = model.build_detector("lite0", int(sys.argv[1]) if len(sys.argv) > 1 else 224)
    ways = {"verdict": evaluate.predict_images, "verdict and Grad-CAM": explain.predict_and_explain, "the same, textbook": textbook}
    for many in (IMAGES, IMAGES[:1]):
        took = {name: [] for name in ways}
        for _ in range(ROUNDS + 1):  # in turns, so that a slow minute hits all; the first round warms up
            for name, way in ways.items():
                took[name].append(seconds(way, detector, many))
        alone = np.median(took["verdict"][1:])
        print(f"{len(many)} image{'s' * (len(many) > 1)}, median of {ROUNDS}:")
        for name, times in took.items():
            median = np.median(times[1:])
            print(f"  {name:22} {1e3 * median / len(many):8.1f} ms an image   {median / alone:5.2f} × the verdict")
