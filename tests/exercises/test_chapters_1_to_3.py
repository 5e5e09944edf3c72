"""The checks of chapters 1 to 3 tell right answers from those that readers are likely to give."""

import numpy as np
import pandas as pd
import pytest

from truthpixel_utils import data, exercises, model


def said(number, answer, *given):
    return repr(exercises.check(number, answer, *given))


def test_fewer_twins():
    assert said("1.1", 0.64).startswith("Right")
    assert "every image had a twin" in said("1.1", 0.82)
    assert "what coins give" in said("1.1", 0.5)
    assert "between 0 and 1" in said("1.1", 64)
    assert said("1.1", 0.55).startswith("Right")  # some seeds give no more


@pytest.fixture
def made_up_spectra():
    """The gan has twice the power at 5 waves in most images, and lacks much in a contrasty one."""
    spectra = np.zeros((20, 17))
    makers = np.array(["camera"] * 10 + ["gan"] * 10)
    spectra[10:19, 5] += np.log(2)
    spectra[[9, 19]] += 12
    spectra[19, 12] -= 2
    return spectra, makers


def test_reading_the_spectrum(made_up_spectra):
    assert said("1.2", {"gan": 5}, *made_up_spectra).startswith("Right")
    assert "arithmetic mean" in said("1.2", {"gan": -12}, *made_up_spectra)
    assert "sign" in said("1.2", {"gan": -5}, *made_up_spectra)
    assert "elsewhere" in said("1.2", {"gan": 3}, *made_up_spectra)
    assert "gan is missing" in said("1.2", {}, *made_up_spectra)
    assert said("1.2", {"camera": 1, "gan": 5}, *made_up_spectra).startswith("Right")
    assert "elsewhere" in said("1.2", {"camera": 1, "gan": 3}, *made_up_spectra)


def test_groups_keep_photographs_together():
    rows = data.load_splits("sample")["validation"]
    photographs = list(data.source_of(rows))
    assert said("1.3", lambda ids: photographs, rows).startswith("Right")
    crops = pd.Series(rows["id"][:]).str.extract(r"/([\w-]+_\d{4})[_.]", expand=False)
    assert "overlap" in said("1.3", lambda ids: list(crops), rows)
    assert "lumps" in said("1.3", lambda ids: ["all"] * len(ids), rows)
    assert "your function returns has 1." in said("1.3", lambda ids: ["all"], rows)


def test_what_may_be_trained():
    detector = model.build_detector(None, 32)
    model.unfreeze_top(detector, "all")
    trainable = model.describe(detector)["trainable"].sum()
    model.freeze_backbone(detector)
    assert said("2.1", trainable, detector).startswith("Right")
    assert "every parameter" in said("2.1", detector.count_params(), detector)
    assert "there are more" in said("2.1", 360_961, detector)


def test_a_strangers_images():
    assert said("2.2", lambda x: (255 * x).round().astype(np.uint8)).startswith("Right")
    assert "round before" in said("2.2", lambda x: (255 * x).astype(np.uint8))
    assert "white" in said("2.2", lambda x: x.astype(np.uint8))
    assert "uint8" in said("2.2", lambda x: x * 255)
    assert "shape" in said("2.2", lambda x: x[0])
    stretched = said("2.2", lambda x: (255 * x / x.max()).round().astype(np.uint8))
    assert "the same number" in stretched


def test_unfreezing_well():
    def colleagues(detector, count):
        for layer in model.backbone_layers(detector)[-count:]:
            layer.trainable = True

    assert said("2.3", model.unfreeze_top).startswith("Right")
    assert said("2.3", colleagues).startswith("Not yet: some layer of batch normalisation is free")
    assert "that could be trained" in said("2.3", lambda d, count: model.freeze_backbone(d))


def test_too_fast():
    history = {"val_loss": [1e5], "val_accuracy": [0.5]}
    assert said("3.1", pd.DataFrame({**history, "learning_rate": [1.0]})).startswith("Right")
    assert "0.001" in said("3.1", pd.DataFrame({**history, "learning_rate": [1e-3]}))
    assert "not the table" in said("3.1", pd.DataFrame(history))


def test_auc_by_hand():
    def by_pairs(labels, scores, tie=0.5):
        differences = scores[labels == 1][:, None] - scores[labels == 0]
        return (differences > 0).mean() + tie * (differences == 0).mean()

    assert said("3.2", by_pairs).startswith("Right")
    assert "a tie counts" in said("3.2", lambda labels, scores: by_pairs(labels, scores, tie=0))
    assert "photograph" in said("3.2", lambda labels, scores: by_pairs(1 - labels, scores))
    assert "200 numbers" in said("3.2", lambda labels, scores: labels < scores)


def test_an_honest_choice():
    given = np.array([0.5, 0.64, 0.55]), np.array([0.58, 0.47, 0.52])
    assert said("3.3", 0.47, *given).startswith("Right")
    assert "colleague's number" in said("3.3", 0.64, *given)
    assert "make the choice" in said("3.3", 0.58, *given)
    assert "between 0 and 1" in said("3.3", 47, *given)
