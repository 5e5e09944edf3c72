import keras
import numpy as np
import pytest

from truthpixel_utils import model
from truthpixel_utils.errors import TruthPixelError

LOGITS = np.array([[-1.0, 0.5, 2.0], [3.0, 0.0, -4.0]], np.float32)


@pytest.fixture(scope="module")
def alone():
    """A detector of windows and one of whole pictures, untrained."""
    return {
        view: model.build_detector("lite0", image_size=32, view=view, seed=seed)
        for seed, view in enumerate(("windows", "whole"))
    }


@pytest.fixture(scope="module")
def fused(alone):
    detector = model.fuse(list(alone.values()))
    detector.get_layer("logit").set_weights([np.array([[0.25], [2.0]]), np.array([-1.0])])
    return detector


@pytest.fixture
def noise():
    return np.random.default_rng(0).integers(0, 256, (5, 32, 32, 3)).astype(np.float32)


def test_a_fused_detector_looks_in_every_way_of_its_members(fused):
    assert model.views_of(fused) == (("whole", 32), ("windows", 32))


def test_members_answer_as_they_did_alone(alone, fused, noise):
    for member in model.members(fused):
        before = alone[model.view_of(member).kind]
        np.testing.assert_allclose(
            member.predict(noise, verbose=0), before.predict(noise, verbose=0), atol=1e-6
        )


def test_the_weighed_logits_are_what_the_network_itself_computes(fused, noise):
    logits = [
        keras.Model(one.input, one.get_layer("logit").output).predict(noise, verbose=0)[:, 0]
        for one in model.members(fused)
    ]
    p_ai = 1 / (1 + np.exp(-model.weigh(fused, logits).sum(axis=0)))
    np.testing.assert_allclose(p_ai, fused.predict([noise, noise], verbose=0)[:, 0], atol=1e-6)


def test_a_fused_detector_survives_its_file(fused, noise, tmp_path):
    model.save_detector(fused, tmp_path / "fused.keras")
    again = model.load_detector(tmp_path / "fused.keras")
    assert model.views_of(again) == model.views_of(fused)
    for before, after in zip(model.members(fused), model.members(again), strict=True):
        assert model.fingerprint(before) == model.fingerprint(after)
    np.testing.assert_array_equal(model.weigh(again, LOGITS), model.weigh(fused, LOGITS))


def test_a_detector_that_is_not_fused_is_its_own_only_member(alone):
    [member] = model.members(alone["whole"])
    assert member is alone["whole"]
    np.testing.assert_array_equal(model.weigh(member, LOGITS[:1]), LOGITS[:1])


def test_detectors_that_look_in_the_same_way_are_not_fused(alone):
    with pytest.raises(TruthPixelError, match="different views"):
        model.fuse([alone["whole"], alone["whole"]])
