"""The widgets, as far as no browser is needed; `test_browser` goes on from there."""

import base64
import json
import re
from functools import partial

import keras
import pytest

from conftest import RULE, only, picture
from truthpixel_utils import demo, model
from truthpixel_utils.demo.exports import png
from truthpixel_utils.demo.widgets import Interface

GOOD = png(picture(1, True))


@pytest.fixture(scope="module")
def analyze():
    keras.utils.set_random_seed(0)
    return partial(
        demo.analyze,
        choose=only(model.build_detector("lite0", image_size=64), RULE),
    )


class Box(Interface):
    """The demo's widgets, and the hands of a visitor."""

    def send(self, *files):
        """Do what picker.js does with the files that were dropped."""
        for name, content in files:
            for start in range(0, max(1, len(content)), 500):
                last = start + 500 >= len(content)
                piece = memoryview(content[start : start + 500])
                self.picker._handle_custom_msg({"name": name, "last": last}, [piece])
        self.picker._handle_custom_msg({"done": True}, [])


def test_files_arrive_whole_in_pieces(analyze):
    box = Box(analyze)
    assert box.button.disabled
    box.send(("a.png", GOOD), ("b.png", b"1" * 1201), ("empty.png", b""))
    assert box.picker.files == [("a.png", GOOD), ("b.png", b"1" * 1201), ("empty.png", b"")]
    assert not box.button.disabled
    box.send()
    assert box.picker.files == [] and box.button.disabled


def test_the_button_does_not_flicker_while_files_arrive(analyze):
    """Switched off and on again, it swallowed a click that fell between."""
    box = Box(analyze)
    box.send(("a.png", GOOD))
    switched = []
    box.button.observe(switched.append, "disabled")
    box.send(("b.png", GOOD), ("c.png", GOOD))
    assert not switched


def test_good_files_are_answered_and_broken_ones_named(analyze):
    box = Box(analyze)
    box.send(("<b>broken</b>.png", b"hello"), ("one.png", GOOD), ("<i>two</i>.png", GOOD))
    box.button.click()
    assert "&lt;b&gt;broken" in box.errors.value and "not an image" in box.errors.value
    assert "AI-generated" in box.answer.value and box.pictures.value.count("<img") == 3
    assert [name for name, _ in box.chosen.options] == ["1. one.png", "2. <i>two</i>.png"]
    assert box.history.value.count("<tr>") == 3 and "<i>two" not in box.history.value
    box.chosen.value = 0
    assert "one.png" in box.details.value
    box.send(("three.png", GOOD))
    box.button.click()
    assert box.errors.value == "" and box.chosen.value == 2


def test_after_a_refused_file_no_earlier_answer_is_left_on_the_screen(analyze):
    box = Box(analyze)
    box.send(("one.png", GOOD))
    box.button.click()
    box.send(("broken.png", b"hello"))
    box.button.click()
    shown = [box.answer, box.pictures, box.details, box.downloads]
    assert "broken.png" in box.errors.value and not any(part.value for part in shown)
    assert box.chosen.layout.display == "none" and "one.png" in box.history.value


def test_after_an_error_of_any_kind_the_next_image_may_be_tried(analyze):
    def fails_once(content, name, method):
        if name == "bad.png":
            raise RuntimeError("a fault of ours")
        return analyze(content, name, method=method)

    box = Box(fails_once)
    box.send(("good.png", GOOD), ("bad.png", GOOD))
    box.button.click()
    assert (
        "good.png" in box.history.value
        and "bad.png could not be analyzed (RuntimeError)" in box.errors.value
    )
    assert not box.button.disabled


def test_the_heats_strength_and_the_method_change_the_picture(analyze):
    box = Box(analyze)
    box.send(("a.png", GOOD))
    box.button.click()
    before = box.pictures.value
    box.opacity.value = 0.0
    assert box.pictures.value != before
    box.method.value = "eigencam"
    box.button.click()
    assert "by eigencam" in box.pictures.value


def test_the_report_and_the_overlay_can_be_taken_home(analyze):
    box = Box(analyze)
    box.send(('x"><b>.png', GOOD))
    box.button.click()
    kinds = dict(re.findall(r'href="data:([\w/]+);base64,([^"]+)"', box.downloads.value))
    said = json.loads(base64.b64decode(kinds["application/json"]))
    assert said["verdict"] in ("real", "cannot tell", "AI-generated")
    assert said["rule"] == {"lower_threshold": 0.25, "upper_threshold": 0.75, "distance_limit": 1.0}
    assert said["name"] == 'x"><b>.png' and said["milliseconds"] > 0
    assert base64.b64decode(kinds["image/png"]).startswith(b"\x89PNG")
    assert '"><b>' not in box.downloads.value


def test_an_example_is_a_click_away_and_each_kind_of_answer_is_seen_at_once():
    """By the package's detector, as a visitor meets it."""
    box = Box(demo.load_analyzer(), demo.load_examples())
    answers = {one["name"]: one["answer"] for one in box.picker.examples}
    assert answers == {
        "photograph.jpg": "cannot tell",
        "real_thumbnail.jpg": "real",
        "generated_thumbnail.jpg": "real",  # it knows no such generator: an example of an error
        "labelled_thumbnail.jpg": "Made by AI, says the file",
    }
    box.picker._handle_custom_msg({"example": 3}, [])
    box.button.click()
    assert "labelled_thumbnail.jpg" in box.history.value and "Made by AI" in box.answer.value
