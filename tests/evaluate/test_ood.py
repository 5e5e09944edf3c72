import datasets
import keras
import numpy as np
import pytest
from sklearn.covariance import LedoitWolf

from conftest import RULE, only, picture
from truthpixel_utils import demo, evaluate, model
from truthpixel_utils.demo.exports import png
from truthpixel_utils.evaluate import ood


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=64)


def rows(images):
    """Rows of a split with these pictures, the first half real."""
    columns = {"image": [{"bytes": png(image), "path": None} for image in images]}
    labels = [int(i >= len(images) / 2) for i in range(len(images))]
    columns |= {"label": labels, "squares": [[]] * len(images)}
    features = datasets.Features(
        {
            "image": datasets.Image(),
            "label": datasets.Value("int64"),
            "squares": datasets.List(datasets.Value("binary")),
        }
    )
    return datasets.Dataset.from_dict(columns, features=features)


def scene(seed):
    """A smooth picture: a gradient, and some of another."""
    rng = np.random.default_rng(seed)
    mixed = (
        picture(seed, False).astype(float) * rng.random()
        + picture(seed + 1, False)[::-1] * rng.random()
    )
    return mixed.clip(0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def known(detector):
    splits = {
        "train": rows([scene(i) for i in range(300)]),
        "validation": rows([scene(i) for i in range(300, 400)]),
    }
    return evaluate.fit_ood(detector, splits)


def test_most_images_of_the_same_kind_are_known_and_noise_is_not(detector, known):
    like = evaluate.ood_distances(detector, np.stack([scene(i) for i in range(400, 600)]), known)
    unlike = evaluate.ood_distances(
        detector, np.stack([picture(i, True) for i in range(20)]), known
    )
    assert 0.85 < (like <= known["limit"]).mean() < 1
    assert (unlike > 3 * known["limit"]).all()


def test_a_distance_is_scikit_learns(detector, known):
    early = keras.Model(detector.input, detector.get_layer("block3b_add").output)
    train, new = (
        np.asarray(early(np.stack([scene(i) for i in some]).astype("float32"))).mean(axis=(1, 2))
        for some in (range(300), range(400, 420))
    )
    expected = np.sqrt(LedoitWolf().fit(train).mahalanobis(new))
    found = evaluate.ood_distances(detector, np.stack([scene(i) for i in range(400, 420)]), known)
    assert found == pytest.approx(expected, rel=1e-2)


def test_a_sorted_split_is_learned_from_as_a_whole(detector, monkeypatch):
    monkeypatch.setattr(ood, "MAX_IMAGES", 60)
    images = [scene(i) for i in range(100)] + [picture(i, True) for i in range(100)]
    known = evaluate.fit_ood(detector, {"train": rows(images), "validation": rows(images)})
    assert (
        np.median(evaluate.ood_distances(detector, np.stack(images[150:]), known))
        < 2 * known["limit"]
    )


def test_of_a_strange_image_the_demo_cannot_tell_however_sure_the_detector_is(detector, known):
    certain = model.with_image_size(detector, 64)
    certain.get_layer("logit").set_weights([np.zeros((128, 1)), np.full(1, 9.0)])
    like, unlike = (
        demo.analyze(
            png(image),
            "a.png",
            choose=only(certain, {**RULE, "out_of_distribution": known}),
        )
        for image in (scene(400), picture(0, True))
    )
    assert like.verdict == "AI-generated" and not like.reason
    assert unlike.verdict == "cannot tell" and unlike.p_ai > 0.99
    assert "unlike those that the detector has learned from" in unlike.reason
