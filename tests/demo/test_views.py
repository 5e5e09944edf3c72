"""How a report is shown: every text in it may come from a stranger's file."""

import io
import json
import re
from html.parser import HTMLParser

import numpy as np
import pandas as pd
import pytest

from truthpixel_utils import plots
from truthpixel_utils.demo import exports, views
from truthpixel_utils.demo.analysis import Report
from truthpixel_utils.demo.answers import Window
from truthpixel_utils.demo.choice import FIGURES
from truthpixel_utils.demo.metadata import Entry
from truthpixel_utils.demo.origin import AI as BY_AI
from truthpixel_utils.demo.origin import CAMERA, Statement
from truthpixel_utils.files import PRETRAINED
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL

HARMLESS = "a name"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&amp;"


def new_report(text=HARMLESS, **fields):
    """A report in which every text is `text`."""
    pixels = np.full((40, 60, 3), 100, np.uint8)
    report = Report(
        name=text,
        verdict=REAL,
        reason=text,
        advice=text,
        detector=text,
        p_ai=0.125,
        distance=1.0,
        rule={"lower_threshold": 0.25, "upper_threshold": 0.75, "distance_limit": 2.0},
        image=pixels,
        seen=pixels[:32, :32],
        seen_in_words=text,
        heatmap=np.ones((40, 60), np.float32),
        loudest=(Window(pixels[:8, :8], 0.9),),
        against=(Window(pixels[8:16, :8], 0.1),),
        close=b"a JPEG",
        looks={"noise": b"a JPEG"},
        method=text,
        information={text: text, "SHA-256": "0" * 64},
        provenance=(Statement(text, text, BY_AI, text, True, text, text),),
        metadata=(Entry(text, text, text),),
        warnings=(text,),
        milliseconds=3,
    )
    return report._replace(**fields)


class Parsed(HTMLParser):
    """The tags of a piece of HTML with the names of their attributes, and its words."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.words, self.addresses = [], [], []
        self.feed(html)
        self.close()

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, *(name for name, _ in attributes)))
        self.words += [value for name, value in attributes if name in ("alt", "download")]
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_data(self, text):
        self.words.append(text)


PIECES = {
    "report_card": views.report_card,
    "answer": views.answer,
    "pictures": views.pictures,
    "details": views.details,
    "folded_details": views.folded_details,
    "second_look": views.second_look,
    "metadata": views.metadata,
    "page": views.page,
    "downloads": views.downloads,
    "history": lambda report: views.history([report]),
    "sentence": lambda report: views.sentence(report.name),
}


@pytest.mark.parametrize("show", PIECES.values(), ids=PIECES.keys())
def test_a_hostile_text_is_shown_as_it_is(show):
    harmless, hostile = Parsed(show(new_report())), Parsed(show(new_report(HOSTILE)))
    assert hostile.tags == harmless.tags
    shown = "".join(hostile.words)
    # Of a file that is saved, only the last part of the name is used.
    expected = HOSTILE.split("/")[-1] if show is views.downloads else HOSTILE
    assert expected in shown or show is views.second_look  # which shows pictures only
    assert all(address.startswith("data:") for address in hostile.addresses)


@pytest.mark.parametrize("show", PIECES.values(), ids=PIECES.keys())
def test_pieces_can_be_joined_as_plain_text(show):
    """A marked-up text would escape what is added to it."""
    html = show(new_report())
    assert type(html) is str and html == html.strip()


@pytest.mark.parametrize("verdict", [REAL, AI])
def test_a_verdict_comes_with_its_confidence(verdict):
    html = views.answer(new_report(verdict=verdict))
    assert f"color:{plots.VERDICT_COLOURS[verdict]}" in html
    assert "confidence: 12.5% AI-generated" in html
    assert "#ddd 25.0% 75.0%" in html


def test_no_verdict_shows_no_percentage_and_no_heatmap_but_what_would_help():
    unsure = new_report(
        verdict=CANNOT_TELL,
        reason="Too small.",
        advice="A larger copy.",
        heatmap=None,
        loudest=(),
        against=(),
    )
    html = views.answer(unsure) + views.pictures(unsure)
    assert "Too small." in html and "A larger copy." in html
    assert "%" not in html.replace("width:100%", "") and "heatmap" not in html
    assert "overlay" not in views.downloads(unsure) and "12.5%" not in views.history([unsure])
    assert "p_ai" not in exports.as_text(unsure)
    assert "p_ai 0.125" in views.details(unsure)  # the numbers are there for who looks for them
    assert len(exports.figure(unsure).axes) == 1


def test_a_report_is_a_page_of_its_own():
    report = new_report()
    html = views.page(report)
    assert html.startswith("<!doctype html>") and "TruthPixel" in html
    assert all(address.startswith("data:") for address in Parsed(html).addresses)


def test_a_report_holds_the_figures_of_its_detector_s_card():
    for name, card in (("cifake", "MODEL_CARD.md"), ("pictures", "MODEL_CARD_PICTURES.md")):
        figures = re.findall(r"[0-9.]+ %|[0-9]+ of [0-9]+", FIGURES[name])
        assert figures and all(one in (PRETRAINED / card).read_text() for one in figures)
        page = views.page(new_report(detector=f"{name}, from the package"))
        assert FIGURES[name] in page.replace("&#39;", "'")


def test_metadata_can_be_searched():
    rows = (Entry("EXIF", "Make", "Nikon"), Entry("XMP", "tool", "Some Editor"))
    html = views.metadata(new_report(metadata=rows), "nikon")
    assert "Nikon" in html and "Editor" not in html and "(1 of 2)" in html
    assert "(2 of 2)" in views.metadata(new_report(metadata=rows))


def test_answers_become_a_table_that_other_programs_read():
    reports = [new_report('a, "b".png', provenance=(TAKEN,)), new_report("c.png", provenance=())]
    table = pd.read_csv(io.StringIO(exports.as_csv(list(map(exports.without_pictures, reports)))))
    assert table["name"].tolist() == ['a, "b".png', "c.png"]
    assert table["says_the_file"][0].startswith("Taken with a camera")
    assert table["says_the_file"].isna()[1]


def test_what_a_file_does_not_say_is_not_shown_as_innocence():
    html = views.details(new_report(provenance=()))
    assert "No statement. That says nothing" in html
    mixed = (Statement("EXIF", "Midjourney", BY_AI), Statement("XMP", "GIMP"))
    assert views.details(new_report(provenance=mixed)).count("a generator") == 1


TAKEN = Statement("Content Credentials", "by X", CAMERA, "Nikon Z6III", True, "signed as Nikon")


def test_what_the_file_says_heads_every_form_of_an_answer():
    report = new_report(verdict=AI, provenance=(TAKEN,))
    said = "Taken with a camera (Nikon Z6III), says the file (Content Credentials, signed as Nikon)"
    detector = "The detector says: AI-generated"
    html = views.answer(report)
    assert html.index(said) < html.index(detector)
    assert html.count(f"color:{plots.VERDICT_COLOURS[AI]}") == 1  # only the detector's line
    title = exports.figure(report)._suptitle.get_text()
    assert max(map(len, title.splitlines())) <= exports.TITLE_WIDTH  # none runs out of the figure
    title = title.replace("\n", " ")
    assert title.index(said) < title.index(detector) < title.index("p_ai")
    assert json.loads(exports.as_json(report))["headline"] == [
        {"text": said, "strength": "validated"},
        {"text": detector, "strength": "detector"},
    ]


def test_where_the_file_says_nothing_the_verdict_heads_the_answer():
    report = new_report(verdict=AI, provenance=())
    assert "says" not in views.answer(report)
    assert "a name: AI-generated (p_ai" in exports.figure(report)._suptitle.get_text()


def test_the_last_answer_heads_the_history():
    reports = [new_report("first.png"), new_report("second.png", verdict=AI)]
    html = views.history(reports)
    assert html.index("second.png") < html.index("first.png")


def test_a_report_as_json_holds_all_but_the_pictures():
    told = json.loads(exports.as_json(new_report()))
    fields = {*Report._fields, "truthpixel", "headline"} - exports.PICTURES
    assert told.keys() == fields
    [statement], [entry] = told["provenance"], told["metadata"]
    assert statement["origin"] == BY_AI and statement["validated"] and statement["made_by_ai"]
    assert entry == {"where": HARMLESS, "key": HARMLESS, "value": HARMLESS}


def test_a_picture_is_scaled_down_for_a_page_and_a_small_one_keeps_its_edges():
    heatmap = np.ones((900, 1200), np.float32)
    large = new_report(image=np.zeros((900, 1200, 3), np.uint8), heatmap=heatmap)
    html = views.pictures(large)
    assert html.count("image-rendering:auto") == 2 and html.count("image-rendering:pixelated") == 1
    assert len(html) < 100_000


def test_the_limit_is_said_to_be_that_of_validation():
    words = views.report_card(new_report())
    assert "training images 1.0 (95 % of the validation images lie within 2.0)" in words
