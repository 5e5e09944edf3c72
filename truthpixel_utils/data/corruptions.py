"""What happens to images on their way through the world: re-encoding, blur, noise, scaling.

Each function takes and returns one image, uint8 (H, W, 3), RGB, 0..255.
"""

import cv2
import numpy as np


def jpeg(image, quality):
    """Encode as JPEG with chroma at half the resolution (4:2:0), quality 1..100, and decode again."""
    options = [cv2.IMWRITE_JPEG_QUALITY, int(quality)]
    _, encoded = cv2.imencode(".jpg", image[..., ::-1], options)
    return cv2.imdecode(encoded, cv2.IMREAD_COLOR)[..., ::-1]


def blur(image, sigma):
    """Blur with a Gaussian whose standard deviation is `sigma` pixels."""
    return cv2.GaussianBlur(image, (0, 0), sigma, borderType=cv2.BORDER_REFLECT_101)


def noise(image, sigma, rng):
    """Add Gaussian noise of standard deviation `sigma`, a share of the range 0..255, drawn from `rng`."""
    return _rounded(image + rng.normal(0, 255 * sigma, image.shape))


def rescale(image, side):
    """Scale to `side` pixels (area average) and back (bilinear)."""
    small = cv2.resize(image, (side, side), interpolation=cv2.INTER_AREA)
    return cv2.resize(small, image.shape[1::-1], interpolation=cv2.INTER_LINEAR)


def relight(image, contrast, brightness):
    """Multiply the distance from mid-grey by `contrast`, then add `brightness`, a share of the range 0..255."""
    return _rounded((image - 127.5) * contrast + 127.5 + 255 * brightness)


def shift(image, right, down):
    """Move by whole pixels; what enters at the border is the mirror image of what is there."""
    height, width = image.shape[:2]
    pad = max(abs(right), abs(down))
    padded = cv2.copyMakeBorder(image, pad, pad, pad, pad, cv2.BORDER_REFLECT_101)
    return padded[pad - down : pad - down + height, pad - right : pad - right + width]


def crop_and_pad(image, border):
    """Cut `border` pixels from each side and fill their place with black."""
    padded = np.zeros_like(image)
    padded[border:-border, border:-border] = image[border:-border, border:-border]
    return padded


def repost(image, times):
    """Do what a social network does to a picture, `times` over: scale to 7/8 and back, encode as JPEG of quality 75."""
    for _ in range(times):
        image = jpeg(rescale(image, image.shape[0] * 7 // 8), 75)
    return image


def _rounded(pixels):
    return pixels.clip(0, 255).round().astype(np.uint8)
