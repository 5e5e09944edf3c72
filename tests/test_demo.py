import io
from datetime import datetime, timezone

import keras
import numpy as np
import pytest
from PIL import Image

from conftest import picture
from truthpixel_utils import data, demo, model, score
from truthpixel_utils.files import TruthPixelError

RULE = {"clear_to": 0.25, "accuse_from": 0.75}


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


def encode(image, form="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(buffer, form, **options)
    return buffer.getvalue()


def uploaded(name, content):
    """One file as ipywidgets 8 hands it over."""
    return (
        {
            "name": name,
            "type": "image/png",
            "size": len(content),
            "content": memoryview(content),
            "last_modified": datetime.now(timezone.utc),
        },
    )


def test_handle_upload_takes_ipywidgets_8s_value():
    assert demo.handle_upload(uploaded("a.png", b"123")) == [("a.png", b"123")]
    with pytest.raises(TruthPixelError, match="No image yet"):
        demo.handle_upload(())


def test_a_thumbnail_gets_the_detectors_own_answer(detector):
    pixels = picture(1, True)
    report = demo.analyze(detector, RULE, encode(pixels), "a.png")
    assert report.p_ai == pytest.approx(float(score.scores(detector, pixels[None])[1][0]), abs=1e-6)
    assert (report.seen == pixels).all() and report.heatmap.shape == (32, 32)
    assert not any("pixels" in warning for warning in report.warnings)


def test_a_large_image_is_scaled_down_as_in_training_and_the_reader_is_warned(detector):
    large = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    report = demo.analyze(detector, RULE, encode(large), "big.png")
    assert (report.seen == data.thumbnail(large)).all()
    assert "400 × 300 pixels" in report.warnings[0]
    assert report.information["size"] == "400 × 300 pixels"


def test_a_large_image_is_never_accused_however_sure_the_detector_is(detector):
    certain = keras.models.clone_model(detector)
    certain.set_weights(detector.get_weights())
    certain.get_layer("logit").set_weights([np.zeros((128, 1)), np.full(1, 9.0)])
    photograph = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    assert demo.analyze(certain, RULE, encode(photograph), "photo.png").verdict == "cannot tell"
    assert demo.analyze(certain, RULE, encode(picture(1, True)), "thumbnail.png").verdict == "AI-generated"


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_images_of_any_mode_are_judged(detector, mode):
    form = "JPEG" if mode == "CMYK" else "PNG"
    report = demo.analyze(detector, RULE, encode(Image.fromarray(picture(1, True)).convert(mode), form), "a")
    assert 0 <= report.p_ai <= 1


def test_a_phones_picture_with_more_pictures_behind_it_is_a_jpeg(detector):
    first, second = (Image.fromarray(picture(i, True)) for i in (1, 2))
    content = encode(first, "MPO", save_all=True, append_images=[second])
    assert demo.analyze(detector, RULE, content, "phone.jpg").information["format"] == "MPO"


def whole_png():
    return encode(picture(1, True))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "a.png is empty"),
        (b"hello", "not an image that can be read"),
        (whole_png()[:200], "not an image that can be read"),
        (encode(picture(1, True), "GIF"), "is a GIF file"),
    ],
)
def test_broken_files_get_one_sentence(detector, content, message):
    with pytest.raises(TruthPixelError, match=message):
        demo.analyze(detector, RULE, content, "a.png")


def press_analyze(box, name, content):
    upload, button = box.children[1].children
    upload.value = uploaded(name, content)
    button.click()
    return box.children[2].value


def test_the_interface_answers_and_lives_on_after_a_broken_file(detector):
    box = demo.interface(detector, RULE)
    box.children[1].children[1].click()
    assert "No image yet" in box.children[2].value
    said = press_analyze(box, "<b>x</b>.png", b"hello")
    assert "not an image" in said and "<b>x" not in said and "Traceback" not in said
    said = press_analyze(box, "<i>good</i>.png", whole_png())
    assert "AI-generated" in said and said.count("<img") == 3 and "<i>good" not in said
