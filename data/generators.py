"""Two small generators that redraw a photograph: the architectures and how each is run.

Either is given a photograph and gives back its own version of the same scene, so that what differs
between a photograph and its twin is the generation alone.

``vae``
    squeezes the picture into a smooth code of a quarter its side, draws from the code's Gaussian
    and decodes.
    Kingma and Welling, *Auto-encoding variational Bayes*, 2014.
``diffusion``
    adds noise to the picture, part of the way to nothing but noise, and takes it away again step by
    step: the details that come back are the network's own. Ho et al., *Denoising diffusion
    probabilistic models*, 2020; started from a picture as in Meng et al., *SDEdit*, 2022, and
    sampled as in Song et al., *Denoising diffusion implicit models*, 2021.

Both are convolutional, so that they draw pictures larger than those they were trained on. The
sample's are drawn at 64×64 and scaled down to 32×32 afterwards, as the thumbnails of CIFAKE were
scaled down from larger pictures: at their own size these networks draw blurred edges.

Inside this file an image is float32, shape (n, size, size, 3), in −1..1. What is used from
outside is ``regenerate``: uint8 in, uint8 out.
"""

from pathlib import Path

import keras
import numpy as np
from keras import layers, ops

WEIGHTS = Path(__file__).parent / "generators"

TRAINED_AT, SIZE = 32, 64  # pixels a side: of the images in training, of those to redraw

LATENT = 10  # channels of the VAE's code
# Codes are drawn this many times wider than learned, so that the decoder's own structure shows.
SPREAD = 8.0

STEPS = 1000  # length of the full diffusion, as in Ho et al.
NOISIEST = 150  # the noisiest step the network is trained for
START = 120  # the step a photograph is taken to: noise 0.38 times as strong as from grey to white
STRIDE = 20  # every twentieth step is taken on the way back: six network calls an image
# What t steps of noise leave of the photograph's variance (ᾱ in Ho et al., their β schedule).
ALPHA_BAR = np.cumprod(1.0 - np.linspace(1e-4, 0.02, STEPS)).astype("float32")


# ── blocks ────────────────────────────────────────────────────────────────────────────────────────


def conv(x, filters, stride=1, size=3):
    """Convolution, (n, h, w, c) to (n, h/stride, w/stride, filters)."""
    return layers.Conv2D(filters, size, strides=stride, padding="same")(x)


def residual(x, filters, embedding=None):
    """Pre-activation residual block (He et al., 2016).

    ``embedding`` (n, e), where it is given, shifts the block's channels.
    """
    h = conv(layers.Activation("relu")(layers.GroupNormalization(8)(x)), filters)
    if embedding is not None:
        h = layers.Add()([h, layers.Reshape((1, 1, filters))(layers.Dense(filters)(embedding))])
    h = conv(layers.Activation("relu")(layers.GroupNormalization(8)(h)), filters)
    skip = x if x.shape[-1] == filters else conv(x, filters, size=1)
    return layers.Add()([skip, h])


def build_encoder(channels, size):
    """(n, size, size, 3) image to (n, size/4, size/4, channels) code."""
    image = keras.Input((size, size, 3))
    x = layers.Activation("relu")(conv(image, 32, stride=2))
    x = residual(x, 48)
    x = conv(x, 64, stride=2)
    x = residual(x, 64)
    return keras.Model(image, conv(x, channels))


# ── VAE ───────────────────────────────────────────────────────────────────────────────────────────


def build_vae(size):
    """Encoder to mean and log-variance, 2·LATENT channels; decoder by transposed convolution."""
    code = keras.Input((size // 4, size // 4, LATENT))
    x = residual(conv(code, 64), 64)
    x = residual(layers.Conv2DTranspose(48, 4, strides=2, padding="same")(x), 48)
    image = layers.Conv2DTranspose(3, 4, strides=2, padding="same")(layers.Activation("relu")(x))
    return {"encoder": build_encoder(2 * LATENT, size), "decoder": keras.Model(code, image)}


def draw_latent(parameters, noise):
    """One draw from the code's Gaussian: z = μ + σ·ε, with ``noise`` ε shaped as μ."""
    mean, log_variance = ops.split(parameters, 2, axis=-1)
    log_variance = ops.clip(log_variance, -12.0, 4.0)
    return mean + ops.exp(0.5 * log_variance) * noise, mean, log_variance


def run_vae(models, image, random):
    """Encode, draw a code (wider than in training), decode."""
    parameters = models["encoder"](image)
    noise = SPREAD * random.standard_normal((*parameters.shape[:3], LATENT)).astype("float32")
    code, _, _ = draw_latent(parameters, noise)
    return models["decoder"](code)


# ── diffusion ─────────────────────────────────────────────────────────────────────────────────────


def build_diffusion(size):
    """U-Net that sees a noisy image and its step t (n,) and answers with the noise in it.

    It works on 2×2 blocks folded into twelve channels, which costs a quarter of working on pixels.
    """
    image, step, half = keras.Input((size, size, 3)), keras.Input(()), size // 2
    frequencies = np.exp(np.linspace(0, np.log(1000), 16)).astype("float32")
    angles = layers.Reshape((1,))(step) / STEPS * frequencies[None]
    embedding = layers.Concatenate()([ops.sin(angles), ops.cos(angles)])
    embedding = layers.Dense(64, "relu")(layers.Dense(64, "relu")(embedding))

    x = layers.Reshape((half, 2, half, 2, 3))(image)
    x = layers.Reshape((half, half, 12))(layers.Permute((1, 3, 2, 4, 5))(x))
    wide = residual(conv(x, 64), 64, embedding)
    deep = residual(residual(conv(wide, 96, stride=2), 96, embedding), 96, embedding)
    x = layers.Concatenate()([wide, layers.UpSampling2D(2)(conv(deep, 64))])
    x = residual(x, 64, embedding)
    x = conv(layers.Activation("relu")(layers.GroupNormalization(8)(x)), 12)
    x = layers.Permute((1, 3, 2, 4, 5))(layers.Reshape((half, half, 2, 2, 3))(x))
    return {"denoiser": keras.Model([image, step], layers.Reshape((size, size, 3))(x))}


def run_diffusion(models, image, random):
    """Noise the photograph to step START (SDEdit), then walk back by Song et al.'s DDIM steps.

    These steps add no new noise.
    """
    kept = ALPHA_BAR[START - 1]
    x = np.sqrt(kept) * image + np.sqrt(1 - kept) * random.standard_normal(image.shape)
    for step in range(START, 0, -STRIDE):
        kept = ALPHA_BAR[step - 1]
        kept_next = ALPHA_BAR[step - STRIDE - 1] if step > STRIDE else 1.0
        steps = np.full(len(image), step, "float32")
        noise = models["denoiser"].predict_on_batch([x.astype("float32"), steps])
        clean = np.clip((x - np.sqrt(1 - kept) * noise) / np.sqrt(kept), -1, 1)
        noise = (x - np.sqrt(kept) * clean) / np.sqrt(
            1 - kept
        )  # what is left, now that clean was clipped
        x = np.sqrt(kept_next) * clean + np.sqrt(1 - kept_next) * noise
    return x


# ── the door ──────────────────────────────────────────────────────────────────────────────────────

BUILD = {"vae": build_vae, "diffusion": build_diffusion}
RUN = {"vae": run_vae, "diffusion": run_diffusion}


def save_weights(name, models):
    """Write weights as float16 to ``generators/<name>.npz``: half the size, no visible change."""
    arrays = {
        f"{part}_{i}": w.astype("float16")
        for part, m in models.items()
        for i, w in enumerate(m.get_weights())
    }
    np.savez_compressed(WEIGHTS / f"{name}.npz", **arrays)


def load(name):
    """The models of generator ``name``, with their trained weights, for images of SIZE."""
    models, arrays = BUILD[name](SIZE), np.load(WEIGHTS / f"{name}.npz")
    for part, model in models.items():
        model.set_weights(
            [arrays[f"{part}_{i}"].astype("float32") for i in range(len(model.weights))]
        )
    return models


def to_float(images):
    """uint8 0..255 to float32 −1..1."""
    return images.astype("float32") / 127.5 - 1.0


def to_uint8(images):
    """Float −1..1 to uint8 0..255, rounded."""
    return np.clip(np.rint((np.asarray(images) + 1.0) * 127.5), 0, 255).astype("uint8")


def regenerate(name, models, images, seed):
    """Redraw ``images`` (uint8, n×size×size×3) with generator ``name``.

    The same seed gives the same pictures.
    """
    random = np.random.default_rng(seed)
    batches = (images[i : i + 128] for i in range(0, len(images), 128))
    return np.concatenate(
        [to_uint8(RUN[name](models, to_float(batch), random)) for batch in batches]
    )
