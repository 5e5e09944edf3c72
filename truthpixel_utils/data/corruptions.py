"""What happens to images on their way through the world: re-encoding, blur, noise, scaling.

Each function takes one image, uint8 (H, W, 3), RGB, 0..255, and returns a new one of its shape.
"""

from __future__ import annotations

import cv2
import numpy as np


def jpeg(image: np.ndarray, quality: int, full_chroma: bool = False) -> np.ndarray:
    """Encode as JPEG and decode again.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    quality : int
        JPEG's scale of 1 to 100; cameras use 90 and more, social networks 70 to 85.
    full_chroma : bool
        Keep colour at full resolution (4:4:4); most programs halve it (4:2:0).

    Returns
    -------
    uint8 array (H, W, 3)
        The image with JPEG's losses.
    """
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    if full_chroma:
        options += [cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_444]
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], options)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]


def webp(image: np.ndarray, quality: int) -> np.ndarray:
    """Encode as lossy WebP and decode again.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    quality : int
        WebP's scale of 1 to 100.

    Returns
    -------
    uint8 array (H, W, 3)
        The image with WebP's losses.
    """
    options = [cv2.IMWRITE_WEBP_QUALITY, int(quality)]
    _, encoded = cv2.imencode(".webp", image[..., ::-1], options)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]


def blur(image: np.ndarray, sigma: float) -> np.ndarray:
    """Blur with a Gaussian.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    sigma : float
        The Gaussian's standard deviation, in pixels.

    Returns
    -------
    uint8 array (H, W, 3)
        The blurred image.
    """
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def sharpen(image: np.ndarray, amount: float) -> np.ndarray:
    """Sharpen by an unsharp mask: add what a blur of one pixel takes away.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    amount : float
        How many times over it is added; telephones use about a half.

    Returns
    -------
    uint8 array (H, W, 3)
        The sharpened image.
    """
    return cv2.addWeighted(image, 1 + amount, blur(image, 1.0), -amount, 0)


def gamma(image: np.ndarray, exponent: float) -> np.ndarray:
    """Raise each channel to a power: below 1 the middle tones become brighter, above darker.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    exponent : float
        1 changes nothing.

    Returns
    -------
    uint8 array (H, W, 3)
        The image in other light.
    """
    return _to_uint8(255 * (image / 255) ** exponent)


def noise(image: np.ndarray, sigma: float, rng: np.random.Generator) -> np.ndarray:
    """Add Gaussian noise, drawn for each pixel and channel.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    sigma : float
        The noise's standard deviation, as a share of the range 0..255.
    rng : numpy.random.Generator
        Where the noise is drawn from.

    Returns
    -------
    uint8 array (H, W, 3)
        The noisy image.
    """
    return _to_uint8(image + rng.normal(0, 255 * sigma, image.shape))


def rescale(image: np.ndarray, side: int) -> np.ndarray:
    """Scale down (by area average) and back to the size that the image had (bilinear).

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    side : int
        Pixels a side of the square in between.

    Returns
    -------
    uint8 array (H, W, 3)
        The image without its finest detail.
    """
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def relight(image: np.ndarray, contrast: float, brightness: float) -> np.ndarray:
    """Change contrast and brightness.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    contrast : float
        What each value's distance from mid-grey is multiplied by.
    brightness : float
        What is added then, as a share of the range 0..255; it may be negative.

    Returns
    -------
    uint8 array (H, W, 3)
        The image in another light.
    """
    return _to_uint8((image - 127.5) * contrast + 127.5 + 255 * brightness)


def shift(image: np.ndarray, right: int, down: int) -> np.ndarray:
    """Move by whole pixels; what enters at the border mirrors what is there.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    right, down : int
        Pixels to move by; negative values move left and up.

    Returns
    -------
    uint8 array (H, W, 3)
        The moved image.
    """
    height, width = image.shape[:2]
    pad = max(abs(right), abs(down))
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)
    return padded[pad - down : pad - down + height, pad - right : pad - right + width]


def crop_and_pad(image: np.ndarray, border: int) -> np.ndarray:
    """Cut off a border and fill its place with black.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255.
    border : int
        Pixels to cut off each side, at least 1.

    Returns
    -------
    uint8 array (H, W, 3)
        The image in a black frame.
    """
    padded = np.zeros_like(image)
    padded[border:-border, border:-border] = image[border:-border, border:-border]
    return padded


def repost(image: np.ndarray, times: int) -> np.ndarray:
    """Do what a social network does: scale to 7/8 and back, and encode as JPEG of quality 75.

    Parameters
    ----------
    image : uint8 array (H, W, 3)
        RGB, 0..255; a square.
    times : int
        How often the image is posted.

    Returns
    -------
    uint8 array (H, W, 3)
        The image as the last network serves it.
    """
    for _ in range(times):
        image = jpeg(rescale(image, image.shape[0] * 7 // 8), 75)
    return image


def _to_uint8(pixels: np.ndarray) -> np.ndarray:
    return pixels.clip(0, 255).round().astype(np.uint8)
