import io

import keras
import numpy as np
import pytest
from PIL import Image, PngImagePlugin

from conftest import RULE, only, picture
from truthpixel_utils import data, demo, evaluate, model
from truthpixel_utils.demo.answers import evidence
from truthpixel_utils.demo.views import report_card
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


def encode(image, form="PNG", **options):
    buffer = io.BytesIO()
    (image if isinstance(image, Image.Image) else Image.fromarray(image)).save(
        buffer, form, **options
    )
    return buffer.getvalue()


def analyze(detector, content, name, **options):
    return demo.analyze(content, name, choose=only(detector, RULE), **options)


def test_a_thumbnail_gets_the_detectors_own_answer(detector):
    pixels = picture(1, True)
    report = analyze(detector, encode(pixels), "a.png")
    assert report.p_ai == pytest.approx(
        float(evaluate.predict_images(detector, pixels[None])[1][0]), abs=1e-6
    )
    assert (report.seen == pixels).all() and not report.warnings
    assert (report.heatmap is None) == (report.verdict == "cannot tell") == bool(report.reason)


def test_a_large_image_is_scaled_down_as_in_training_and_the_reader_is_warned(detector):
    large = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    report = analyze(detector, encode(large), "big.png")
    assert (report.seen == data.thumbnail(large)).all()
    assert "400 × 300 pixels" in report.reason and "reverse image search" in report.advice
    assert report.information["size"] == "400 × 300 pixels"


@pytest.fixture
def chancy(detector):
    """A detector that is sure, and asks for nothing but the left edge's brightness."""
    pixels = keras.Input((32, 32, 3), name="thumbnail")
    x = keras.layers.Conv2D(1, 1, name="top_activation")(pixels)
    logit = keras.layers.Dense(1, name="logit")(keras.layers.Flatten()(x))
    network = keras.Model(pixels, keras.layers.Activation("sigmoid", name="p_ai")(logit))
    left = np.zeros((32, 32))
    left[:, 0] = 1 / 32
    network.get_layer("top_activation").set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1)])
    network.get_layer("logit").set_weights([left.reshape(-1, 1), np.array([-128.0])])
    return network


def test_an_answer_that_turns_round_when_the_image_is_mirrored_is_none(chancy):
    rule = {
        **RULE,
        "out_of_distribution": {
            "layer": "top_activation",
            "location": [0.0],
            "precision": [[0.0]],
            "limit": 1.0,
        },
    }
    ramp = np.repeat(
        np.broadcast_to(np.linspace(0, 250, 32), (32, 32))[..., None], 3, axis=2
    ).astype(np.uint8)
    report = demo.analyze(encode(ramp[:, ::-1]), "a.png", choose=only(chancy, rule))
    assert report.p_ai > 0.99 and report.verdict == "cannot tell"
    assert "turns round when the image is mirrored" in report.reason and report.advice
    even = demo.analyze(
        encode(np.full((32, 32, 3), 250, np.uint8)),
        "a.png",
        choose=only(chancy, rule),
    )
    assert even.verdict == "AI-generated" and not even.warnings and not even.reason


def test_a_webp_with_camera_and_date_is_analyzed_and_both_are_told(detector):
    exif = Image.Exif()
    exif[0x010F], exif[0x0110] = "Leica", "Leica M6 <3>"
    exif.get_ifd(0x8769)[0x9003] = "2001:02:03 04:05:06"
    report = analyze(detector, encode(picture(1, True), "WEBP", lossless=True, exif=exif), "a.webp")
    assert (
        report.information["camera"] == "Leica M6 <3>"
        and report.information["date"] == "2001:02:03 04:05:06"
    )
    assert "M6 &lt;3&gt;" in report_card(report)


def test_of_a_moving_picture_the_first_frame_is_analyzed_and_the_reader_told(detector):
    frames = [Image.fromarray(picture(i, True)) for i in range(3)]
    report = analyze(
        detector,
        encode(frames[0], "WEBP", save_all=True, append_images=frames[1:], lossless=True),
        "a.webp",
    )
    assert any("holds 3 pictures; the first was analyzed" in warning for warning in report.warnings)
    assert (report.seen == picture(0, True)).all()


def test_what_the_file_says_of_its_origin_is_quoted_and_does_not_move_the_verdict(detector):
    info = PngImagePlugin.PngInfo()
    info.add_text("parameters", "a castle <b>bold</b>, Steps: 20, Sampler: Euler")
    plain = analyze(detector, encode(picture(1, True)), "a.png")
    labelled = analyze(detector, encode(picture(1, True), pnginfo=info), "a.png")
    assert (labelled.p_ai, labelled.verdict) == (plain.p_ai, plain.verdict)
    assert [line.strength for line in labelled.headline] == ["unvalidated", "detector"]
    assert [line.text for line in plain.headline] == [plain.verdict]
    assert any(row.key == "parameters" for row in labelled.metadata)
    assert "a castle &lt;b&gt;bold" in report_card(labelled) and "No statement" not in report_card(
        labelled
    )
    assert "No statement. That says nothing" in report_card(plain)


def test_an_answer_that_is_no_number_accuses_nobody(detector):
    broken = keras.models.clone_model(detector)
    broken.set_weights(detector.get_weights())
    broken.get_layer("logit").set_weights([np.full((128, 1), np.nan), np.zeros(1)])
    with pytest.raises(TruthPixelError, match="not a number: train it again"):
        analyze(broken, encode(picture(1, True)), "a.png")


def test_an_image_with_damaged_exif_is_analyzed_all_the_same(detector):
    for exif in (b"Exif\0\0II*\0\xff\xff\xff\xff", b"Exif\0\0nonsense"):
        for form in ("JPEG", "PNG", "WEBP"):
            assert analyze(detector, encode(picture(1, True), form, exif=exif), "a").p_ai >= 0


def test_a_large_image_is_never_accused_however_sure_the_detector_is(detector):
    certain = keras.models.clone_model(detector)
    certain.set_weights(detector.get_weights())
    certain.get_layer("logit").set_weights([np.zeros((128, 1)), np.full(1, 9.0)])
    photograph = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    large = analyze(certain, encode(photograph), "photo.png")
    thumbnail = analyze(certain, encode(picture(1, True)), "thumbnail.png")
    assert (large.verdict, thumbnail.verdict) == ("cannot tell", "AI-generated")
    assert "confidence" not in report_card(large)  # nor does a bar accuse
    assert "confidence" in report_card(thumbnail)


@pytest.mark.parametrize("mode", ["L", "P", "RGBA", "LA", "1", "CMYK"])
def test_images_of_any_mode_are_analyzed(detector, mode):
    form = "JPEG" if mode == "CMYK" else "PNG"
    report = analyze(detector, encode(Image.fromarray(picture(1, True)).convert(mode), form), "a")
    assert 0 <= report.p_ai <= 1


def test_a_phones_picture_with_more_pictures_behind_it_is_a_jpeg(detector):
    first, second = (Image.fromarray(picture(i, True)) for i in (1, 2))
    content = encode(first, "MPO", save_all=True, append_images=[second])
    assert analyze(detector, content, "phone.jpg").information["format"] == "MPO"


def whole_png():
    return encode(picture(1, True))


@pytest.mark.parametrize(
    "content, message",
    [
        (b"", "a.png is empty"),
        (b"hello", "not an image that can be read"),
        (whole_png()[:200], "not an image that can be read"),
        (encode(picture(1, True), "PCX"), "is a PCX file"),
    ],
)
def test_broken_files_get_one_sentence(detector, content, message):
    with pytest.raises(TruthPixelError, match=message):
        analyze(detector, content, "a.png")


@pytest.fixture(scope="module")
def of_pictures():
    """A detector of windows, untrained, beside one of thumbnails."""
    windows = model.build_detector("lite0", image_size=32, view="windows", seed=0)
    thumbnails = model.build_detector("lite0", image_size=32, seed=0)
    return demo.chooser([("pictures", windows, RULE), ("thumbnails", thumbnails, RULE)])


@pytest.mark.parametrize("size", [(300, 200), (4000, 3000), (1, 3000), (20, 80)])
def test_a_picture_of_any_size_goes_to_the_detector_of_pictures(of_pictures, size):
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    report = demo.analyze(encode(pixels, "JPEG"), "a.jpg", choose=of_pictures)
    assert report.detector == "pictures" == report.information["detector"]
    assert "thumbnails" not in report.reason and len(report.close) > 0
    small = any("continued by its mirror image" in warning for warning in report.warnings)
    assert small == (min(size) < 32)


@pytest.mark.parametrize("size", [(300, 200), (1, 300), (20, 80)])
def test_the_map_covers_the_picture_and_shows_the_parts_that_speak_for_and_against(size):
    windows = model.build_detector("lite0", image_size=32, view="windows", seed=0)
    pixels = np.random.default_rng(0).integers(0, 256, (*size[::-1], 3), dtype=np.uint8)
    found = evidence(windows, pixels, np.ones(1), "gradcam")
    assert found.heatmap.shape == pixels.shape[:2] and np.isfinite(found.heatmap).all()
    most = max(part.p_ai for part in found.loudest)
    assert most == found.loudest[0].p_ai >= found.against[0].p_ai
    assert 1 <= len(found.loudest) <= 3 and 1 <= len(found.against) <= 3
    assert all(part.pixels.size for part in found.loudest + found.against)


@pytest.fixture(scope="module")
def fused():
    """A detector of windows and whole pictures, untrained."""
    views = ("windows", "whole")
    return model.fuse([model.build_detector("lite0", 32, view, seed=0) for view in views])


def test_a_fused_detector_answers_by_both_its_views(fused):
    pixels = np.random.default_rng(0).integers(0, 256, (300, 400, 3), dtype=np.uint8)
    report = analyze(fused, encode(pixels), "a.png")
    images = [data.look(pixels, view) for view in model.views_of(fused)]
    logits = [
        evaluate.predict_images(member, of_member)[0].mean(keepdims=True)
        for member, of_member in zip(model.members(fused), images, strict=True)
    ]
    expected = 1 / (1 + np.exp(-np.mean(logits)))
    assert report.p_ai == pytest.approx(expected, abs=1e-5)
    assert "scaled down to 32 by 32" in report.seen_in_words
    assert "windows of 32 by 32" in report.seen_in_words
    found = evidence(fused, pixels, np.array([2.0, 1.0]), "gradcam")
    assert found.heatmap.shape == (300, 400) and len(found.loudest) == 3
    assert np.isnan(found.heatmap).any()  # the whole view decided, which sees the centre square


def test_a_thumbnail_goes_to_the_detector_that_knows_it(of_pictures):
    report = demo.analyze(encode(picture(0, True)), "a.png", choose=of_pictures)
    assert report.detector == "thumbnails" and report.seen.shape == (32, 32, 3)
