"""How a report is shown: every text in it may come from a stranger's file."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from truthpixel_utils import plots
from truthpixel_utils.demo import views
from truthpixel_utils.demo.analysis import Report
from truthpixel_utils.demo.metadata import Entry
from truthpixel_utils.demo.origin import AI as BY_AI
from truthpixel_utils.demo.origin import CAMERA, Statement
from truthpixel_utils.labels import AI, CANNOT_TELL, REAL, VERDICTS

HARMLESS = "a name"
HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>{{ 7 * 7 }}&amp;"


def new_report(text=HARMLESS, **fields):
    """A report in which every text is `text`."""
    pixels = np.full((40, 60, 3), 100, np.uint8)
    report = Report(
        name=text,
        verdict=REAL,
        detector=text,
        p_ai=0.125,
        distance=1.0,
        rule={"lower_threshold": 0.25, "upper_threshold": 0.75, "distance_limit": 2.0},
        image=pixels,
        seen=pixels[:32, :32],
        seen_in_words=text,
        heatmap=np.ones((40, 60), np.float32),
        method=text,
        information={text: text},
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
    assert HOSTILE in shown or show is views.downloads and HOSTILE.split("/")[-1] in shown
    assert all(address.startswith("data:") for address in hostile.addresses)


@pytest.mark.parametrize("show", PIECES.values(), ids=PIECES.keys())
def test_pieces_can_be_joined_as_plain_text(show):
    """A marked-up text would escape what is added to it."""
    html = show(new_report())
    assert type(html) is str and html == html.strip()


@pytest.mark.parametrize("verdict", VERDICTS)
def test_the_bar_is_faint_where_no_side_is_taken(verdict):
    html = views.answer(new_report(verdict=verdict))
    assert ("opacity:0.3" in html) == (verdict == CANNOT_TELL)
    assert f"color:{plots.VERDICT_COLOURS[verdict]}" in html
    assert "confidence: 12.5% AI-generated" in html
    assert "#ddd 25.0% 75.0%" in html


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
    title = views.figure(report)._suptitle.get_text()
    assert max(map(len, title.splitlines())) <= views.TITLE_WIDTH  # none runs out of the figure
    title = title.replace("\n", " ")
    assert title.index(said) < title.index(detector) < title.index("p_ai")
    assert json.loads(views.as_json(report))["headline"] == [
        {"text": said, "strength": "validated"},
        {"text": detector, "strength": "detector"},
    ]


def test_where_the_file_says_nothing_the_verdict_heads_the_answer():
    report = new_report(verdict=AI, provenance=())
    assert "says" not in views.answer(report)
    assert "a name: AI-generated (p_ai" in views.figure(report)._suptitle.get_text()


def test_the_last_answer_heads_the_history():
    reports = [new_report("first.png"), new_report("second.png", verdict=AI)]
    html = views.history(reports)
    assert html.index("second.png") < html.index("first.png")


def test_a_report_as_json_holds_all_but_the_pictures():
    told = json.loads(views.as_json(new_report()))
    fields = {*Report._fields, "truthpixel", "headline"} - {"image", "seen", "heatmap"}
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
