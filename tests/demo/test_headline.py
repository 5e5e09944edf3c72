"""The heading of an answer: the strongest first, and each line says how strong it is."""

import pytest

from truthpixel_utils.demo.headline import headline
from truthpixel_utils.demo.origin import AI, CAMERA, PARTLY_AI, Statement
from truthpixel_utils.labels import CANNOT_TELL, VERDICTS

SIGNED = Statement(
    "Content Credentials", "by X", AI, "GPT image", True, "signed as OpenAI, unchanged"
)
LABELLED = Statement("IPTC digital source type", "trainedAlgorithmicMedia", AI)
CREDITED = Statement("XMP photoshop:Credit", "Made with Google AI", AI, "Google AI")
TAKEN = Statement("EXIF camera", "Nikon Z 6", CAMERA, "Nikon Z 6")
EDITED = Statement("EXIF Software", "GIMP 2.10")


def texts(*statements):
    return [line.text for line in headline(statements, CANNOT_TELL)]


@pytest.mark.parametrize("verdict", VERDICTS)
def test_where_the_file_says_nothing_the_verdict_stands_alone(verdict):
    for statements in ((), (EDITED,)):
        [line] = headline(statements, verdict)
        assert (line.text, line.strength) == (verdict, "detector")


def test_the_strongest_comes_first_and_the_detector_last():
    lines = headline((TAKEN, LABELLED, SIGNED), CANNOT_TELL)
    assert [line.strength for line in lines] == [
        "validated",
        "unvalidated",
        "unvalidated",
        "detector",
    ]
    assert [line.text for line in lines] == [
        "Made by AI (GPT image), says the file (Content Credentials, signed as OpenAI, unchanged)",
        "Made by AI, says the file (IPTC digital source type, easily added or removed)",
        "Taken with a camera (Nikon Z 6), says the file (EXIF camera, easily added or removed)",
        "The detector says: cannot tell",
    ]


def test_statements_of_one_strength_share_a_line():
    assert texts(LABELLED, CREDITED)[0] == (
        "Made by AI (Google AI), says the file (IPTC digital source type, XMP photoshop:Credit, "
        "easily added or removed)"
    )


def test_a_camera_that_signed_heads_the_answer_likewise():
    signed = SIGNED._replace(origin=CAMERA, by="Nikon Z6III", standing="signed as Nikon, unchanged")
    assert texts(LABELLED, signed)[0] == (
        "Taken with a camera (Nikon Z6III), says the file (Content Credentials, signed as Nikon, "
        "unchanged)"
    )


def test_what_a_picture_was_made_from_comes_after_the_picture():
    source = SIGNED._replace(link="made from")
    own = SIGNED._replace(origin=PARTLY_AI, by="")
    first, second, _ = texts(source, own)
    assert first.startswith("Made by AI in part, says the file")
    assert second.startswith("Made from a picture that was made by AI (GPT image), says the file")


def test_credentials_of_a_changed_picture_do_not_validate():
    standing = "signed as OpenAI, but changed since"
    changed = SIGNED._replace(validated=False, standing=standing)
    [line, _] = headline((changed,), CANNOT_TELL)
    assert line.strength == "unvalidated" and standing in line.text
