"""Every kind of file that people have is read with its colours, or named with what would help."""

import io

import numpy as np
import pytest
from PIL import Image, ImageCms

from conftest import picture
from truthpixel_utils.data import SUFFIXES, to_rgb
from truthpixel_utils.demo.uploads import open_upload
from truthpixel_utils.errors import TruthPixelError

SCENE = Image.fromarray(picture(1, True)).resize((160, 120), Image.Resampling.BICUBIC)


def encode(image, form, **options):
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "GIF", "BMP", "TIFF"])
def test_the_formats_that_people_have_are_read(form):
    opened, image = open_upload(encode(SCENE, form), f"holiday.{form.lower()}")
    assert opened.format == form and image.size == SCENE.size
    difference = np.abs(np.asarray(image).astype(int) - np.asarray(SCENE)).mean()
    assert difference < 12  # a GIF has 256 colours; each of the others is much nearer


def test_the_first_page_of_many_is_read():
    pages = encode(SCENE, "TIFF", save_all=True, append_images=[SCENE] * 3)
    opened, image = open_upload(pages, "scan.tiff")
    assert opened.n_frames == 4 and image.size == SCENE.size


@pytest.mark.parametrize(
    "content, name, words",
    [
        (b"%PDF-1.7 ...", "flyer.jpg", "flyer.jpg is a PDF document: save the picture in it"),
        (b"PK\x03\x04....", "photos.zip", "is an archive: unpack it first"),
        (b"8BPS....", "layers.psd", "is a Photoshop file: export it as PNG"),
        (b"\0\0\0\x20ftypisom....", "clip.mp4", "is a video: save a frame of it as PNG"),
        (b"\0\0\0\x14ftypqt  ....", "clip.mov", "is a video: save a frame of it as PNG"),
        (b"\x1aE\xdf\xa3....", "clip.webm", "is a video: save a frame of it as PNG"),
        (b"<?xml version='1.0'?>\n<svg width='1'/>", "logo.svg", "is an SVG drawing: export it"),
        (b"\n<!DOCTYPE html><html>", "saved.jpg", "is a web page: open it in a browser"),
        (b"version https://git-lfs.github.com/spec/v1", "x.png", "is a Git LFS pointer"),
        (encode(SCENE, "TIFF"), "IMG_1.DNG", "is a camera's raw file: export it as JPEG"),
        (encode(SCENE, "TIFF"), "a.nef", "is a camera's raw file: export it as JPEG"),
    ],
)
def test_what_is_not_read_is_named_with_what_helps(content, name, words):
    with pytest.raises(TruthPixelError, match=words):
        open_upload(content, name)


def test_a_folder_offers_what_phones_and_cameras_write():
    assert {".jpg", ".jfif", ".heic", ".avif", ".tif", ".gif", ".bmp"} <= set(SUFFIXES)


def matrix_profile(red, green, blue):
    """An ICC profile of primaries given as XYZ (D50), with sRGB's curve, from a built-in one."""
    profile = bytearray(ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes())
    count = int.from_bytes(profile[128:132], "big")
    for i in range(count):
        at = 132 + 12 * i
        tag, offset = bytes(profile[at : at + 4]), int.from_bytes(profile[at + 4 : at + 8], "big")
        if tag in (b"rXYZ", b"gXYZ", b"bXYZ"):
            values = {b"rXYZ": red, b"gXYZ": green, b"bXYZ": blue}[tag]
            fixed = b"".join(round(v * 65536).to_bytes(4, "big", signed=True) for v in values)
            profile[offset + 8 : offset + 20] = fixed
    return bytes(profile).replace("sRGB".encode("utf-16-be"), "Wide".encode("utf-16-be"))


# Display P3's primaries, adapted to D50.
WIDE = matrix_profile(
    (0.51512, 0.2412, -0.00105), (0.29198, 0.69225, 0.04189), (0.1571, 0.06657, 0.78407)
)


@pytest.mark.parametrize("form", ["JPEG", "PNG", "TIFF", "HEIF"])
def test_colours_of_a_wide_profile_are_brought_to_srgb(form):
    grass = Image.new("RGB", (64, 64), (60, 160, 60))
    plain = np.asarray(to_rgb(encode(grass, form))).mean((0, 1))
    wide = np.asarray(to_rgb(encode(grass, form, icc_profile=WIDE))).mean((0, 1))
    # The same numbers mean a stronger green in Display P3: less red in sRGB.
    assert wide[0] < plain[0] - 15 and abs(wide[1] - plain[1]) < 12


def test_transparency_outlives_the_change_of_profile():
    glass = Image.new("RGBA", (8, 8), (60, 160, 60, 0))
    assert to_rgb(encode(glass, "PNG", icc_profile=WIDE)).getpixel((0, 0)) == (255, 255, 255)


def test_a_broken_profile_leaves_the_colours_as_they_are():
    scene = encode(SCENE, "PNG", icc_profile=b"no profile at all")
    np.testing.assert_array_equal(np.asarray(to_rgb(scene)), np.asarray(SCENE))
