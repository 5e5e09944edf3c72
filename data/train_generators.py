"""Train the sample's generators on the 50,000 real training images of CIFAKE.

    TRUTHPIXEL_CIFAKE=<folder with train-*.parquet> python data/train_generators.py vae diffusion

Writes float16 weights to ``data/generators/``. Each takes five to fifteen minutes on two CPU cores.
The sample's own photographs are never seen here.
"""

import io
import os
import sys
import time
from pathlib import Path

os.environ["KERAS_BACKEND"] = "tensorflow"

import datasets
import generators
import keras
import numpy as np
import tensorflow as tf
from PIL import Image

EPOCHS = {"vae": 4, "diffusion": 3}
BATCH = 64
# Small, so that the code is kept close to a unit Gaussian without blurring the picture much.
KL_WEIGHT = 1e-5


def real_images():
    """CIFAKE's real training images as uint8 (n, 32, 32, 3), found by the class *name* REAL."""
    files = sorted(str(p) for p in Path(os.environ["TRUTHPIXEL_CIFAKE"]).glob("train-*.parquet"))
    rows = datasets.load_dataset("parquet", data_files=files, split="train")
    real = rows.features["label"].str2int("REAL")
    rows = rows.select(np.flatnonzero(np.asarray(rows["label"]) == real))
    rows = rows.cast_column("image", datasets.Image(decode=False))
    pictures = (Image.open(io.BytesIO(cell["bytes"])) for cell in rows["image"])
    return np.stack([np.asarray(picture.convert("RGB")) for picture in pictures])


def l1(a, b):
    """Mean absolute difference."""
    return tf.reduce_mean(tf.abs(a - b))


def vae_step(models, optimizer, image):
    """L1 reconstruction + KL divergence of the code from a Gaussian (Kingma and Welling, 2014)."""
    weights = models["encoder"].trainable_variables + models["decoder"].trainable_variables
    with tf.GradientTape() as tape:
        noise = tf.random.normal((tf.shape(image)[0], 8, 8, generators.LATENT))
        code, mean, log_variance = generators.draw_latent(models["encoder"](image), noise)
        terms = 1 + log_variance - mean**2 - tf.exp(log_variance)
        divergence = -0.5 * tf.reduce_sum(terms, axis=(1, 2, 3))
        loss = l1(models["decoder"](code), image) + KL_WEIGHT * tf.reduce_mean(divergence)
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


def diffusion_step(models, optimizer, image):
    """Predict the noise that was added (Ho et al., 2020, algorithm 1).

    Only steps up to NOISIEST are drawn: SDEdit never looks at noisier images, and a small network
    has no strength to spare.
    """
    weights = models["denoiser"].trainable_variables
    step = tf.random.uniform((tf.shape(image)[0],), 1, generators.NOISIEST + 1, tf.int32)
    kept = tf.gather(generators.ALPHA_BAR, step - 1)[:, None, None, None]
    noise = tf.random.normal(tf.shape(image))
    with tf.GradientTape() as tape:
        noisy = tf.sqrt(kept) * image + tf.sqrt(1 - kept) * noise
        loss = tf.reduce_mean((models["denoiser"]([noisy, tf.cast(step, tf.float32)]) - noise) ** 2)
    optimizer.apply(tape.gradient(loss, weights), weights)
    return loss


STEP = {"vae": vae_step, "diffusion": diffusion_step}


def train(name, images):
    """Train generator ``name``.

    Its weights are saved after every epoch, so that a stopped run leaves something usable.
    """
    keras.utils.set_random_seed(0)
    images, held_out = images[:-256], images[-256:]
    steps = EPOCHS[name] * (len(images) // BATCH)
    models = generators.BUILD[name](generators.TRAINED_AT)
    schedule = keras.optimizers.schedules.CosineDecay(1e-3, steps, alpha=0.02)
    optimizer = keras.optimizers.Adam(
        schedule, clipnorm=1.0, use_ema=name == "diffusion", ema_momentum=0.998
    )
    optimizer.build([w for m in models.values() for w in m.trainable_variables])

    @tf.function
    def step(image):
        image = tf.cast(image, tf.float32) / 127.5 - 1.0
        flip = tf.random.uniform((tf.shape(image)[0], 1, 1, 1)) < 0.5
        return STEP[name](models, optimizer, tf.where(flip, image[:, :, ::-1], image))

    random = np.random.default_rng(0)
    for epoch in range(EPOCHS[name]):
        start, losses = time.time(), []
        order = random.permutation(len(images))
        for i in range(0, len(images) - BATCH + 1, BATCH):
            losses.append(step(images[order[i : i + BATCH]]))
            if len(losses) % 200 == 0:
                seconds = time.time() - start
                loss = np.mean(losses[-200:])
                print(f"{name} step {len(losses)}: loss {loss:.4f}, {seconds:.0f} s", flush=True)
        if name == "diffusion" and epoch == EPOCHS[name] - 1:
            optimizer.finalize_variable_values(models["denoiser"].trainable_variables)
        generators.save_weights(name, models)
        redrawn = generators.regenerate(name, models, held_out, seed=0)
        error = np.mean((redrawn.astype("float32") - held_out) ** 2)
        psnr = 10 * np.log10(255**2 / error)
        loss = np.mean(losses)
        print(f"{name} epoch {epoch + 1}: loss {loss:.4f}, PSNR {psnr:.2f} dB", flush=True)


if __name__ == "__main__":
    photographs = real_images()
    for chosen in sys.argv[1:]:
        train(chosen, photographs)
