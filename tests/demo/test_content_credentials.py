"""What is said of Content Credentials: who signed, whether it holds, and of which picture."""

import c2pa
import pytest
from speaking_files import Authority, action, encoded, said_by

from truthpixel_utils.demo import content_credentials
from truthpixel_utils.demo.content_credentials import statements
from truthpixel_utils.demo.origin import AI, CAMERA, PARTLY_AI
from truthpixel_utils.errors import TruthPixelError


@pytest.fixture(scope="module")
def authority():
    return Authority()


@pytest.fixture(scope="module")
def painted(authority):
    """A JPEG whose Content Credentials say that a trained model made it."""
    created = action("c2pa.created", "trainedAlgorithmicMedia", softwareAgent={"name": "GPT-4o"})
    return authority.sign(encoded("JPEG"), "Painting Machine", [created])


@pytest.fixture(scope="module")
def taken(authority):
    """A JPEG whose Content Credentials say that a camera took it."""
    return authority.sign(encoded("JPEG"), "NIKON Z6_3", [action("c2pa.created", "digitalCapture")])


@pytest.fixture(autouse=True)
def no_trust_list(monkeypatch):
    monkeypatch.delenv(content_credentials.TRUST_LIST, raising=False)


def changed(content):
    """Flip bits within the compressed pixels."""
    content = bytearray(content)
    content[-40] ^= 0x55
    return bytes(content)


def test_signer_program_and_source_are_quoted(painted):
    [statement] = said_by(painted)
    assert statement.where == "Content Credentials" and statement.validated
    assert statement.origin == AI and statement.by == "GPT image"
    for words in (
        "Painting Machine",
        "signed as Testing Signer",
        "unchanged since",
        "is not on a trust list",
        "trainedAlgorithmicMedia",
    ):
        assert words in statement.says


def test_a_camera_is_named(taken):
    [statement] = said_by(taken)
    assert (statement.origin, statement.by) == (CAMERA, "NIKON Z6_3") and statement.validated


def test_changed_pixels_are_told(painted):
    [statement] = said_by(changed(painted))
    assert "changed since, or damaged" in statement.says and "unchanged" not in statement.says
    assert not statement.validated and "but changed since" in statement.standing


def test_a_signer_on_the_trust_list_is_told_from_others(painted, authority, tmp_path, monkeypatch):
    for name, words in (("ours", "is on the trust list"), ("others", "is not on the trust list")):
        anchors = authority if name == "ours" else Authority()
        (tmp_path / name).write_bytes(anchors.trust_list)
        monkeypatch.setenv(content_credentials.TRUST_LIST, str(tmp_path / name))
        [statement] = said_by(painted)
        assert words in statement.says and "none was given" not in statement.says
        assert statement.validated


@pytest.mark.parametrize("content", [b"no certificates", b"\xff\xfe\x00", None])
def test_a_trust_list_that_cannot_be_read_is_named(painted, tmp_path, monkeypatch, content):
    file = tmp_path / "anchors.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv(content_credentials.TRUST_LIST, str(file))
    with pytest.raises(TruthPixelError, match=r"anchors\.pem.*certificates in PEM"):
        said_by(painted)


def test_what_a_picture_was_made_from_is_told_from_the_picture_itself(authority, painted):
    edited = authority.sign(painted, "Photo Editor", intent=c2pa.C2paBuilderIntent.EDIT)
    own, source = said_by(edited)
    assert "by Photo Editor" in own.says and not own.origin
    assert source.says.startswith("made from a picture by Painting Machine")
    assert source.made_by_ai and source.validated
    assert source.claim == "Made from a picture that was made by AI"


def test_a_photograph_that_ai_has_edited_is_so_in_part(authority, taken):
    fill = action("c2pa.edited", "trainedAlgorithmicMedia")
    filled = authority.sign(taken, "Photo Editor", [fill], c2pa.C2paBuilderIntent.EDIT)
    own, source = said_by(filled)
    assert own.origin == PARTLY_AI and source.origin == CAMERA


def test_a_picture_that_was_changed_before_it_was_edited_does_not_validate(authority, painted):
    edited = authority.sign(changed(painted), "Editor", intent=c2pa.C2paBuilderIntent.EDIT)
    own, *sources = said_by(edited)
    assert own.validated and not any(source.validated for source in sources)
    assert all("had been changed" in source.says for source in sources)


@pytest.mark.parametrize(
    ("term", "origin"),
    [
        ("trainedAlgorithmicMedia", AI),
        ("trainedAlgorithmicData", AI),
        ("compositeWithTrainedAlgorithmicMedia", PARTLY_AI),
        ("compositeSynthetic", PARTLY_AI),
        ("computationalCapture", CAMERA),
        ("algorithmicMedia", ""),
        ("virtualRecording", ""),
        ("screenCapture", ""),
    ],
)
def test_terms_mean_what_their_vocabulary_says(authority, term, origin):
    content = authority.sign(encoded("JPEG"), "Studio", [action("c2pa.created", term)])
    assert said_by(content)[0].origin == origin


def store(codes=(), **manifest):
    """What c2pa finds in a file whose validation fails with some codes."""
    return {
        "active_manifest": "one",
        "manifests": {"one": {"signature_info": {"issuer": "Somebody"}, **manifest}},
        "validation_results": {"activeManifest": {"failure": [{"code": code} for code in codes]}},
    }


@pytest.mark.parametrize(
    ("codes", "words"),
    [
        (["signingCredential.expired"], "unchanged since; the certificate has expired"),
        (["signingCredential.untrusted"], "unchanged since; the certificate is not on a trust"),
        (["signingCredential.revoked"], "unchanged since; the certificate was revoked"),
        (["signingCredential.untrusted", "timeStamp.mismatch"], "unchanged since"),
        (["cawg.identity.untrusted", "ingredient.manifest.mismatch"], "unchanged since"),
        (["assertion.boxesHash.mismatch"], "changed since, or damaged"),
        (["assertion.hashedURI.mismatch"], "changed since, or damaged"),
        (["claimSignature.mismatch", "signingCredential.expired"], "changed since, or damaged"),
        (["claim.hardBindings.missing"], "not validated (claim.hardBindings.missing)"),
    ],
)
def test_only_hashes_and_signatures_say_that_a_picture_was_changed(codes, words):
    [statement] = statements(store(codes), "")
    assert f", {words}" in statement.says
    assert statement.validated == words.startswith("unchanged")


def test_an_older_manifest_names_its_program_in_one_text():
    [statement] = statements(store(claim_generator="Adobe_Photoshop/24.0 c2pa-rs/0.5"), "")
    assert "by Adobe Photoshop/24.0" in statement.says
    [statement] = statements(store(claim_generator="x", claim_generator_info=[{"name": "y"}]), "")
    assert "by y," in statement.says


def test_a_generator_that_states_no_source_is_known_by_its_name():
    [statement] = statements(store(claim_generator="OpenAI-API"), "")
    assert (statement.origin, statement.by) == (AI, "OpenAI")
    training = [{"label": "c2pa.training-mining", "data": {"c2pa.ai_generative_training": "no"}}]
    [statement] = statements(store(claim_generator="Leica", assertions=training), "")
    assert not statement.origin


@pytest.mark.parametrize(
    "manifest",
    [
        {"claim_generator_info": "text", "assertions": {"label": [[]]}},
        {"claim_generator_info": [{"name": 7}, "text"], "ingredients": [None, {}, {"x": []}]},
        {"assertions": [{"data": {"actions": "none", "digitalSourceType": {"a": 1}}}]},
        {"signature_info": "none", "ingredients": [{"active_manifest": "one"}]},
    ],
)
def test_manifests_of_odd_shapes_are_quoted_as_far_as_they_go(manifest):
    [statement, *_] = statements(store(**manifest), "")
    assert "signed as" in statement.says


def test_ingredients_that_hold_each_other_come_to_an_end():
    each_other = [{"active_manifest": "one"}, {"active_manifest": "two"}]
    two = {"ingredients": each_other * 20_000, "claim_generator": "Midjourney"}
    found = store(ingredients=each_other * 20_000)
    found["manifests"]["two"] = two
    own, source = statements(found, "")
    assert (own.origin, source.by) == ("", "Midjourney")
