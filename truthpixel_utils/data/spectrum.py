"""How much detail of each fineness an image has: its power spectrum, all directions together."""

from __future__ import annotations

import numpy as np

from truthpixel_utils.data.images import THUMBNAIL


def log_spectrum(images: np.ndarray) -> np.ndarray:
    """Compute the power of the brightness at each spatial frequency, all directions together.

    Generators that scale up with transposed convolutions cannot imitate this spectrum (Durall et
    al., *Watch your up-convolution*, 2020).

    Parameters
    ----------
    images : uint8 array (N, 32, 32, 3)
        RGB thumbnails, 0..255.

    Returns
    -------
    float array (N, 17)
        Logarithm of the mean power (squared units of 0..255) at 0, 1, ... 16 waves across the
        image; the last has the corners of the spectrum as well, where there are more waves.
    """
    grey = images.mean(axis=-1)
    power = np.abs(np.fft.fft2(grey - grey.mean(axis=(1, 2), keepdims=True))) ** 2
    frequency = np.fft.fftfreq(THUMBNAIL, 1 / THUMBNAIL)
    waves = np.hypot(*np.meshgrid(frequency, frequency)).round()
    ring = np.minimum(waves, THUMBNAIL // 2).astype(int).ravel()
    in_ring = np.eye(THUMBNAIL // 2 + 1)[ring]  # one row a coefficient: 1 in the ring it lies in
    sums = power.reshape(len(power), -1) @ in_ring
    return np.log(sums / np.bincount(ring) + 1)
