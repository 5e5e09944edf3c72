import io

import numpy as np
from PIL import Image

from conftest import picture
from truthpixel_utils import data


def test_every_mode_becomes_rgb():
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    colour = Image.fromarray(picture(0, True))
    wide = Image.fromarray(grey.astype(np.uint16) * 257)
    others = [colour.convert(mode) for mode in ("P", "CMYK", "1")]
    for image in (Image.fromarray(grey), *others, wide):
        assert data.to_rgb(image).mode == "RGB"
    assert (np.asarray(data.to_rgb(wide))[..., 0] == grey).all()
    clear = Image.new("RGBA", (4, 4), (200, 0, 0, 0))
    assert (np.asarray(data.to_rgb(clear)) == 255).all()


def test_exif_orientation_is_applied_before_anything_else():
    red_then_blue = np.array([[[255, 0, 0], [0, 0, 255]]], np.uint8)
    image = Image.fromarray(red_then_blue.repeat(8, axis=1).repeat(8, axis=0))
    exif = Image.Exif()
    exif[274] = 6  # rotate by 90 degrees
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", exif=exif, quality=100, subsampling=0)
    upright = np.asarray(data.to_rgb(buffer.getvalue()))
    assert upright.shape == (16, 8, 3)
    assert upright[0, 0, 0] > 200 and upright[-1, 0, 2] > 200


def test_thumbnail_is_the_centre_square_area_averaged():
    image = np.zeros((64, 128, 3), np.uint8)
    image[:, 32:96] = picture(0, True).repeat(2, axis=0).repeat(2, axis=1)
    assert (data.thumbnail(image) == picture(0, True)).all()
    assert data.thumbnail(np.full((1, 1, 3), 9, np.uint8)).shape == (32, 32, 3)
    assert (data.thumbnail(picture(1, True)) == picture(1, True)).all()
