import keras
import numpy as np
import pytest
from scipy.stats import spearmanr

from truthpixel_utils import model
from truthpixel_utils.explain import faithfulness

IMAGES = np.random.default_rng(0).integers(100, 200, (12, 32, 32, 3), dtype=np.uint8)
IMAGES[:, 8:16, 20:28] += 50  # the brighter spot is all that `spotter` sees


@pytest.fixture(scope="module")
def spotter():
    """A detector whose logit is the mean of one spot, 8 by 8 pixels, and of nothing else."""
    pixels = keras.Input((32, 32, 3), name="thumbnail")
    x = keras.layers.Rescaling(1 / 255)(pixels)
    x = keras.layers.Reshape((32 * 32 * 3,))(x)
    logit = keras.layers.Dense(1, name="logit")(x)
    network = keras.Model(pixels, keras.layers.Activation("sigmoid", name="p_ai")(logit))
    spot = np.zeros((32, 32, 3))
    spot[8:16, 20:28] = 40 / (8 * 8 * 3)
    network.get_layer("logit").set_weights([spot.reshape(-1, 1), np.array([-30.0])])
    return network


@pytest.fixture
def truth():
    heat = np.zeros((12, 32, 32), np.float32)
    heat[:, 8:16, 20:28] = 1
    return heat


def test_the_true_map_beats_every_control(spotter, truth):
    blind = faithfulness.controls(IMAGES)
    other_chance = faithfulness.controls(IMAGES, seed=1)["random"]
    table = faithfulness.compare(spotter, IMAGES, {"true": truth, "chance": other_chance}, blind)
    true = table[table["map"] == "true"]
    assert len(true) == 9 and (true["low"] > 0).all()
    chance = table[(table["map"] == "chance") & (table["control"] == "random")]
    assert ((chance["low"] < 0) & (chance["high"] > 0)).all()
    for measure, (function, sign) in faithfulness.MEASURES.items():
        marks = function(spotter, IMAGES, truth)
        assert marks.shape == (12,)
        row = true[(true["measure"] == measure) & (true["control"] == "edges")].iloc[0]
        assert row["mean"] == pytest.approx(marks.mean())
        assert row["better_by"] == pytest.approx(
            sign * (marks - function(spotter, IMAGES, blind["edges"])).mean()
        )


def test_deletion_of_a_known_case_falls_where_the_spot_is_painted_over(spotter, truth):
    """The spot is a sixteenth of the image, STEPS is 8: after the first step nothing changes."""
    [sure] = faithfulness._probability(spotter, IMAGES[:1], np.array([1]))
    painted = IMAGES[:1].copy()
    painted[:, 8:16, 20:28] = IMAGES[:1].mean(axis=(1, 2), keepdims=True).round()
    [after] = faithfulness._probability(spotter, painted, np.array([1]))
    assert sure > 0.7 and after < 0.1
    expected = (sure + after) / 2 / 8 + after * 7 / 8
    area = faithfulness.deletion(spotter, IMAGES[:1], truth[:1])
    assert area == pytest.approx(expected, abs=1e-4)


def test_a_detector_that_sees_nothing_gives_no_map_a_mark(spotter, truth):
    blind = keras.models.clone_model(spotter)
    blind.get_layer("logit").set_weights([np.zeros((3072, 1)), np.array([1.0])])
    constant = np.full(12, 1 / (1 + np.exp(-1)))
    assert faithfulness.deletion(blind, IMAGES, truth) == pytest.approx(constant, abs=1e-6)
    assert faithfulness.road(blind, IMAGES, truth) == pytest.approx(np.zeros(12), abs=1e-6)


def test_rank_correlation_is_scipys():
    one, other = np.random.default_rng(0).random((2, 5, 8, 8)).round(1)  # many ties
    found = faithfulness.rank_correlation(one, other)
    expected = [spearmanr(a.ravel(), b.ravel()).statistic for a, b in zip(one, other, strict=True)]
    assert found == pytest.approx(expected)
    assert np.isnan(faithfulness.rank_correlation(one, np.zeros_like(other))).all()


def same(weights, others):
    return all((one == other).all() for one, other in zip(weights, others, strict=True))


def test_forgetting_goes_from_the_head_down_and_spares_the_original():
    detector = model.build_detector("lite0", image_size=32)
    before = [weight.copy() for weight in detector.get_weights()]
    seen, changed = [], []
    for stage, forgetting in faithfulness.randomised(detector):
        seen.append(stage)
        pairs = zip(detector.layers, forgetting.layers, strict=True)
        changed.append([a.name for a, b in pairs if not same(a.get_weights(), b.get_weights())])
    assert seen == ["head", "top", *(f"block{i}" for i in range(7, 0, -1)), "stem"]
    assert set(changed[0]) == {"dense_256", "dense_128", "logit"}
    assert "top_conv" in changed[1] and "block7a_dwconv" not in changed[1]
    assert "stem_conv" in changed[-1]
    assert same(before, detector.get_weights())


def test_a_map_that_moves_with_the_image_is_stable_and_one_that_stays_is_not():
    """Its map is the brightness of the image, so it goes where the image goes."""
    pixels = keras.Input((32, 32, 3))
    x = keras.layers.Conv2D(1, 1, name="bright")(pixels)
    logit = keras.layers.Dense(1, name="logit")(keras.layers.GlobalAveragePooling2D()(x))
    network = keras.Model(pixels, keras.layers.Activation("sigmoid", name="p_ai")(logit))
    network.get_layer("bright").set_weights([np.full((1, 1, 3, 1), 1 / 3), np.zeros(1)])
    network.get_layer("logit").set_weights([np.ones((1, 1)), np.zeros(1)])
    changes = {
        "moved back": (lambda image: image[:, ::-1], lambda heat: heat[:, ::-1]),
        "left there": (lambda image: image[:, ::-1], lambda heat: heat),
    }
    found = faithfulness.stability(network, IMAGES, changes, layer="bright")
    assert found["moved back"] == pytest.approx(np.ones(12))
    assert (found["left there"] < 0.5).all()


def test_a_detector_of_any_size_can_forget():
    detector = model.build_detector("lite0", image_size=100)
    assert next(faithfulness.randomised(detector))[0] == "head"
