"""How many images a second the package's networks answer where Keras computes, such as on a GPU.

    KERAS_BACKEND=jax python benchmarks/accelerator.py

Each network of both detectors is asked through `model.prepare`, as everything in the package asks
it, with Keras as its engine and with larger and larger batches. Decoding has no part in it.
"""

import time

import keras
import numpy as np

from truthpixel_utils import model
from truthpixel_utils.model import inference

BATCHES = 64, 512
IMAGES = {32: 16_384, 128: 4_096, 224: 2_048}  # by pixels a side of what the network is given
ROUNDS = 3


def networks():
    """The network of each view of both detectors, by the names of detector and view."""
    for name in ("cifake", "pictures"):
        for member in model.members(model.load_detector(name)):
            view = model.view_of(member)
            yield f"{name}, {view.kind} of {view.size}", member


def images_a_second(network, batch):
    """The fastest of a few rounds: others may want the machine too."""
    inference.keras_batch = lambda network: batch
    size = network.input.shape[1]
    shape = (IMAGES[size], size, size, 3)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    forward = model.prepare(network, "keras")
    forward(images[: 2 * batch])  # compiles
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        forward(images)
        seconds.append(time.perf_counter() - start)
    return len(images) / min(seconds)


def main():
    print(f"Keras computes with {keras.config.backend()} on {keras.ops.ones(1).device}.")
    for name, network in networks():
        for batch in BATCHES:
            rate = images_a_second(network, batch)
            print(f"{name}, {batch} at a time: {rate:,.0f} images/s", flush=True)


if __name__ == "__main__":
    main()
