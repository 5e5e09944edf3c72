"""What an explanation costs beside the verdict: ours, and a gradient through the whole network.

    python benchmarks/explanations.py [IMAGE_SIZE]

IMAGE_SIZE is the size inside the network in pixels, 224 by default. Two cores take a minute and a
half.
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
    layer = detector.get_layer(explain.default_layer(detector))
    parts = keras.Model(detector.input, [layer.output, detector.output])
    maps = []
    for start in range(0, len(images), batch_size):
        batch = images[start : start + batch_size].astype(np.float32)
        with tf.GradientTape() as tape:
            activations, p_ai = parts(batch, training=False)
        gradients = tape.gradient(p_ai, activations)
        weights = tf.reduce_mean(gradients, axis=(1, 2), keepdims=True)
        maps.append(tf.nn.relu(tf.reduce_sum(activations * weights, axis=-1)).numpy())
    return np.concatenate(maps)


WAYS = {
    "verdict": evaluate.predict_images,
    "verdict and Grad-CAM": explain.predict_and_explain,
    "the same, textbook": textbook,
}


def seconds(function, *arguments):
    start = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - start


def measured(detector, images):
    """Median seconds of each way (dict), over ROUNDS after one that warms up."""
    took = {name: [] for name in WAYS}
    for _ in range(ROUNDS + 1):  # in turns, so that a slow minute hits all
        for name, way in WAYS.items():
            took[name].append(seconds(way, detector, images))
    return {name: np.median(times[1:]) for name, times in took.items()}


if __name__ == "__main__":
    detector = model.build_detector("lite0", int(sys.argv[1]) if len(sys.argv) > 1 else 224)
    for images in (IMAGES, IMAGES[:1]):
        print(f"{len(images)} image{'s' * (len(images) > 1)}, median of {ROUNDS}:")
        medians = measured(detector, images)
        for name, median in medians.items():
            each, ratio = 1e3 * median / len(images), median / medians["verdict"]
            print(f"  {name:22} {each:8.1f} ms an image   {ratio:5.2f} × the verdict")
