import json
import os
import re
import socket
import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.train import devices

PROJECT = Path(__file__).resolve().parents[2]

# TensorFlow takes the processor for two devices; it has to be told before it computes anything.
ON_TWO_DEVICES = """
import json, sys
from pathlib import Path
import keras, numpy as np, tensorflow as tf
cpu = tf.config.list_physical_devices("CPU")[0]
tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2)
from truthpixel_utils.train import loop
from truthpixel_utils.train.batches import Batches, Examples
from truthpixel_utils.train.devices import on_devices
from truthpixel_utils.train.settings import Settings

def network(dropout=0.0):
    keras.utils.set_random_seed(3)
    layers = keras.layers
    pixels = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3, activation="relu")(layers.Rescaling(1 / 255)(pixels))
    x = layers.Dropout(dropout)(layers.GlobalAveragePooling2D()(layers.BatchNormalization()(x)))
    made = keras.Model(pixels, layers.Dense(1, "sigmoid")(x))
    made.layers[3].trainable = dropout > 0
    return made

rng = np.random.default_rng(0)
labels = np.arange(40, dtype=np.float32) % 2
inputs = rng.normal(100 + 50 * labels[:, None, None, None], 30, (1, 40, 8, 8, 3))
examples = Examples(inputs, labels)

def gradients(strategy):
    # A step of plain gradient descent at learning rate 1 subtracts the gradient.
    given = network()
    before = given.get_weights()
    with on_devices(given, strategy) as trained:
        trained.compile(keras.optimizers.SGD(1.0), "binary_crossentropy")
        trained.fit(Batches(examples, 40), verbose=0, shuffle=False)
        replicas = tf.distribute.get_strategy().num_replicas_in_sync
    return replicas, [old - new for old, new in zip(before, given.get_weights())]

def fitted(strategy, recipe, epochs=3, dropout=0.0):
    folder = Path(sys.argv[1]) / recipe / strategy
    settings = Settings(((8, epochs),), 1e-2, 16, 1, recipe, 42)
    trained = network(dropout)
    history = loop.fit_stage(trained, examples, examples, settings, 1, folder, 0, strategy)
    return trained.get_weights(), history

def apart(one, other):
    return max(float(np.abs(a - b).max()) for a, b in zip(one, other))

(one_device, alone), (replicas, together) = gradients("one"), gradients("mirrored")
weights, history = fitted("one", "gentle")
fitted("mirrored", "gentle", epochs=2)  # as if it had been stopped then: the next goes on
same_weights, same_history = fitted("mirrored", "gentle")
_, strong = fitted("mirrored", "strong", dropout=0.3)
print(json.dumps({
    "devices": [one_device, replicas],
    "size": max(float(np.abs(gradient).max()) for gradient in alone),
    "gradients": apart(alone, together),
    "weights": apart(weights, same_weights),
    "history": float(np.abs(history - same_history).to_numpy().max()),
    "strong": strong["val_loss"].tolist(),
}))
"""


def test_two_devices_compute_what_one_does(tmp_path):
    done = subprocess.run(
        [sys.executable, "-c", ON_TWO_DEVICES, str(tmp_path)],
        capture_output=True,
        text=True,
        cwd=PROJECT,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.splitlines()[-1])
    assert found["devices"] == [1, 2]
    assert found["size"] > 0.01 and found["gradients"] < 1e-4
    assert found["weights"] < 1e-4 and found["history"] < 1e-4
    # The strong recipe: dropout and batch normalisation differ, but it runs, and it learns.
    assert len(found["strong"]) == 3 and all(loss < 1 for loss in found["strong"])


def test_a_strategy_that_there_is_not_is_refused_in_a_sentence():
    with (
        pytest.raises(TruthPixelError, match='strategy is "two": expected auto, one, mirrored'),
        devices.on_devices(None, "two"),
    ):
        pass


def test_the_loop_for_several_machines_computes_the_gradients_of_one(tmp_path):
    """The script in the documentation, by one process and by two workers on loopback."""
    script = re.search(r"```python\n(.*?)```", (PROJECT / "docs/train_many.md").read_text(), re.S)[
        1
    ]
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
    addresses = [f"127.0.0.1:{server.getsockname()[1]}" for server in held]
    for server in held:
        server.close()
    cluster = {"worker": addresses}
    tasks = [{"cluster": cluster, "task": {"type": "worker", "index": i}} for i in range(2)]
    running = []
    for name, config in (("one", None), ("two", tasks[0]), ("two", tasks[1])):
        folder = tmp_path / name
        folder.mkdir(exist_ok=True)
        env = os.environ | {"CUDA_VISIBLE_DEVICES": "", "PYTHONPATH": str(PROJECT)}
        env |= {"TF_CONFIG": json.dumps(config)} if config else {}
        arguments = [sys.executable, "-c", script]
        running.append(subprocess.Popen(arguments, cwd=folder, env=env, stderr=subprocess.PIPE))
    try:
        for process in running:
            _, errors = process.communicate(timeout=300)
            assert process.returncode == 0, errors.decode()[-3000:]
    finally:
        for process in running:
            process.kill()
    start = model.build_detector("lite0", image_size=32, seed=3).get_weights()
    one, first, second = (
        keras.models.load_model(tmp_path / file).get_weights()
        for file in ("one/worker0.keras", "two/worker0.keras", "two/worker1.keras")
    )
    assert max(float(np.abs(a - b).max()) for a, b in zip(start, one, strict=True)) > 1e-3
    for alone, *workers in zip(one, first, second, strict=True):
        for found in workers:  # the learning rate is 0.1: gradients equal within 1e-4
            np.testing.assert_allclose(found, alone, rtol=0, atol=1e-5)
