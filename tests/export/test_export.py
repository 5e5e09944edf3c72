import hashlib
import importlib.util
import json
import urllib.request

import keras
import numpy as np
import pytest
import triton_server

from conftest import photographs
from truthpixel_utils import data, evaluate, export, model
from truthpixel_utils.cli import main
from truthpixel_utils.errors import TruthPixelError
from truthpixel_utils.export import folder, formats

THUMBNAIL = data.View("thumbnail", 32)
IMAGES = np.concatenate([data.look(pixels, THUMBNAIL) for pixels in photographs().values()])


def needed(format):
    """Skip where the runtime of a format is not installed."""
    for package in formats.NEEDS[format]:
        pytest.importorskip(package, reason=f"{format} needs {package}: pip install .[export]")


@pytest.fixture(scope="module")
def detector():
    return model.load_detector("cifake")


@pytest.fixture(scope="module", params=export.FORMATS)
def exported(request, tmp_path_factory):
    """The package's detector in one format: its card, and the folder that it lies in."""
    needed(request.param)
    out = tmp_path_factory.mktemp(request.param) / "detector"
    return export.export_detector(request.param, out), out


def test_each_runtime_says_what_keras_says(exported, detector):
    _, out = exported
    answers = export.load_exported(out)["thumbnail"](IMAGES)
    logits, p_ai = evaluate.predict_images(detector, IMAGES, "keras")
    np.testing.assert_allclose(answers["logit"], logits, atol=1e-3)
    np.testing.assert_allclose(answers["p_ai"], p_ai, atol=1e-3)
    fitted = evaluate.load_rule(path=model.SHIPPED)["out_of_distribution"]
    distances = evaluate.ood_distances(detector, list(IMAGES), fitted)
    np.testing.assert_allclose(answers["distance"], distances, atol=1e-2)


@pytest.mark.parametrize("exported", ["onnx"], indirect=True)
def test_triton_answers_what_keras_says(exported, detector, tmp_path):
    _, out = exported
    pixels = {"name": "pixels", "datatype": "UINT8", "shape": IMAGES.shape}
    body = json.dumps({"inputs": [pixels | {"data": IMAGES.ravel().tolist()}]}).encode()
    with (
        triton_server.started(out, tmp_path) as address,
        urllib.request.urlopen(f"{address}/infer", body, timeout=60) as answer,
    ):
        outputs = json.load(answer)["outputs"]
    answers = {output["name"]: np.array(output["data"]) for output in outputs}
    logits, p_ai = evaluate.predict_images(detector, IMAGES, "keras")
    np.testing.assert_allclose(answers["logit"], logits, atol=1e-3)
    np.testing.assert_allclose(answers["p_ai"], p_ai, atol=1e-3)
    assert answers["distance"].shape == p_ai.shape


def test_the_card_says_how_to_use_the_files_and_what_they_are(exported):
    card, out = exported
    assert json.loads((out / "detector.json").read_text()) == json.loads(json.dumps(card))
    rule = evaluate.load_rule(path=model.SHIPPED)
    assert card["upper_threshold"] == rule["upper_threshold"]
    assert card["distance_limit"] == rule["out_of_distribution"]["limit"]
    assert card["classes"] == ("real", "AI-generated") and card["longest_side"] == [1, 64]
    assert card["detector_sha256"] == hashlib.sha256(model.SHIPPED.read_bytes()).hexdigest()
    [member] = card["members"]
    written = {str(path.relative_to(out)) for path in out.rglob("*") if path.is_file()}
    assert written == {"detector.json", *member["sha256"]}
    for name, digest in member["sha256"].items():
        assert hashlib.sha256((out / name).read_bytes()).hexdigest() == digest


def test_of_a_fused_detector_each_member_is_a_file_and_the_card_has_the_formula(tmp_path):
    card = export.export_detector("openvino", tmp_path / "pictures", "pictures")
    asked = export.load_exported(tmp_path / "pictures")
    picture = photographs()["coffee"]
    logit = card["bias"]
    for member in card["members"]:
        view = data.View(member["view"], member["size"])
        logit += member["weight"] * asked[view.kind](data.look(picture, view))["logit"].mean()
    fused = model.load_detector("pictures")
    of_members = [
        [evaluate.predict_images(one, data.look(picture, model.view_of(one)))[0].mean()]
        for one in model.members(fused)
    ]
    assert logit == pytest.approx(model.weigh(fused, of_members).sum(), abs=1e-3)
    assert ["distance" in member["outputs"] for member in card["members"]] == [True, False]
    assert card["longest_side"] == [65, None]


def test_integers_answer_from_a_file_of_a_third_of_the_size(tmp_path, tiny):
    needed("litert")
    rows = data.load_splits(tiny, "truthpixel")["train"].select(range(8))
    card = export.export_detector("litert", tmp_path / "int8", representatives=rows)
    assert card["integers"] and card["members"][0]["outputs"] == ["logit", "p_ai"]
    assert (tmp_path / "int8" / "thumbnail.tflite").stat().st_size < 6e6  # 17 MB in floats
    answers = export.load_exported(tmp_path / "int8")["thumbnail"](IMAGES)
    assert len(answers["p_ai"]) == len(IMAGES) and answers["p_ai"].min() >= 0


def test_a_converter_that_gets_it_wrong_leaves_nothing(tmp_path, monkeypatch):
    def write_another(detector, *rest):
        other = keras.models.clone_model(detector)  # of other weights
        return formats.write(other, *rest)

    monkeypatch.setattr(folder, "write", write_another)
    with pytest.raises(TruthPixelError, match="openvino answers otherwise than Keras"):
        export.export_detector("openvino", tmp_path / "detector")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_taken_stays_as_it_is(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["export", "--format", "openvino", "--out", str(tmp_path)]) == 1
    assert "is there already: name a folder that is not, or is empty." in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_what_cannot_be_exported_is_said_in_a_sentence(tmp_path, monkeypatch, tiny):
    with pytest.raises(TruthPixelError, match='"tensorrt": expected onnx, openvino, litert'):
        export.export_detector("tensorrt", tmp_path / "detector")
    rows = data.load_splits(tiny, "truthpixel")["train"]
    with pytest.raises(TruthPixelError, match="integers of 8 bits are for litert only"):
        export.export_detector("openvino", tmp_path / "detector", representatives=rows)
    find = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "tf2onnx" else find(name)
    )
    with pytest.raises(TruthPixelError, match=r"onnx needs tf2onnx, which is not installed: pip"):
        export.export_detector("onnx", tmp_path / "detector")
