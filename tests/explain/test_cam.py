import itertools
import subprocess
import sys
import warnings

import cv2
import keras
import numpy as np
import pytest
import tensorflow as tf

from truthpixel_utils import evaluate, explain, model
from truthpixel_utils.errors import TruthPixelError

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=96)


FORMULAS = {  # of activations and gradients (h, w, C), as the papers have them, in plain sums
    "gradcam": lambda a, g: sum(g[..., k].mean() * a[..., k] for k in range(a.shape[-1])),
    "hirescam": lambda a, g: sum(g[..., k] * a[..., k] for k in range(a.shape[-1])),
    "layercam": lambda a, g: sum(np.maximum(g[..., k], 0) * a[..., k] for k in range(a.shape[-1])),
    "gradcam++": lambda a, g: sum(
        (
            g[..., k] ** 2
            / (2 * g[..., k] ** 2 + a[..., k].sum() * g[..., k] ** 3)
            * np.maximum(g[..., k], 0)
        ).sum()
        * a[..., k]
        for k in range(a.shape[-1])
    ),
}


def reference(detector, image, sign, layer, method):
    """The heatmap of one image, by a gradient through the whole network, stretched to the image."""
    parts = keras.Model(
        detector.input, [detector.get_layer(layer).output, detector.get_layer("logit").output]
    )
    with tf.GradientTape() as tape:
        maps, logit = parts(image[None].astype(np.float32), training=False)
        speaks = sign * logit[0, 0]
    gradient = tape.gradient(speaks, maps)[0].numpy().astype(float)
    heat = FORMULAS[method](maps[0].numpy().astype(float), gradient)
    return cv2.resize(np.maximum(heat, 0), (32, 32))


@pytest.mark.parametrize(
    ("layer", "method"),
    [
        *itertools.product(
            ["top_activation", "block5c_add", "block6a_expand_activation"],
            ["gradcam", "hirescam", "layercam"],
        ),
        (
            "top_activation",
            "gradcam++",
        ),  # further down its quotient has poles, and rounding moves them
    ],
)
def test_maps_equal_the_papers_formula(detector, layer, method):
    logits, p_ai, heatmaps = explain.predict_and_explain(
        detector, IMAGES, method, layer, batch_size=4
    )
    np.testing.assert_allclose(logits, evaluate.predict_images(detector, IMAGES)[0], atol=1e-3)
    np.testing.assert_allclose(p_ai, evaluate.predict_images(detector, IMAGES)[1], atol=1e-3)
    assert heatmaps.shape == (6, 32, 32) and heatmaps.dtype == np.float32
    for image, logit, heatmap in zip(IMAGES, logits, heatmaps, strict=True):
        want = reference(detector, image, np.sign(logit), layer, method)
        np.testing.assert_allclose(heatmap, want, atol=2e-3 * want.max() + 1e-12)


@pytest.mark.parametrize(
    ("size", "layer"),
    [(64, "block4a_expand_activation"), (96, "block4a_expand_activation"), (224, "top_activation")],
)
def test_unless_a_layer_is_named_the_map_is_the_last_that_has_seven_cells_a_side(size, layer):
    detector = model.build_detector("lite0", image_size=size)
    named = explain.compute_heatmaps(detector, IMAGES[:2], layer=layer)
    assert detector.get_layer(layer).output.shape[1] in (7, 8, 12)
    np.testing.assert_array_equal(explain.compute_heatmaps(detector, IMAGES[:2]), named)


@pytest.fixture(scope="module")
def finder():
    """A small network, trained to tell whether a checkerboard hides in a quadrant of an image."""
    keras.utils.set_random_seed(0)
    layers = keras.layers
    pixels = keras.Input((32, 32, 3))
    x = layers.Rescaling(1 / 255)(pixels)
    for filters in (16, 32):
        x = layers.MaxPooling2D()(layers.Conv2D(filters, 3, padding="same", activation="relu")(x))
    x = layers.Conv2D(32, 3, padding="same", activation="relu", name="last")(x)
    logit = layers.Dense(1, name="logit")(layers.GlobalAveragePooling2D()(x))
    network = keras.Model(pixels, layers.Activation("sigmoid", name="p_ai")(logit))
    images, labels, _ = hidden_checkerboards(1500, seed=0)
    network.compile(keras.optimizers.Adam(3e-3), "binary_crossentropy")
    network.fit(images.astype(np.float32), labels, epochs=8, batch_size=32, verbose=0)
    return network


def hidden_checkerboards(count, seed):
    rng = np.random.default_rng(seed)
    images = rng.integers(60, 196, (count, 32, 32, 3)).astype(np.uint8)
    labels, quadrants = rng.integers(0, 2, count), rng.integers(0, 4, count)
    board = np.where(np.indices((10, 10)).sum(axis=0) % 2, 230, 25)[..., None]
    for i in np.flatnonzero(labels):
        down, right = 16 * (quadrants[i] // 2) + 3, 16 * (quadrants[i] % 2) + 3
        images[i, down : down + 10, right : right + 10] = board
    return images, labels, quadrants


@pytest.mark.parametrize("method", ["gradcam", "gradcam++", "hirescam", "layercam"])
def test_the_heat_lies_where_the_evidence_is(finder, method):
    images, labels, quadrants = hidden_checkerboards(300, seed=1)
    logits, _, heatmaps = explain.predict_and_explain(
        finder, images, method, layer="last", target="ai"
    )
    assert ((logits > 0) == labels).mean() > 0.95  # it has learned its task
    mass = heatmaps.reshape(-1, 2, 16, 2, 16).sum(axis=(2, 4)).reshape(-1, 4)
    random = np.random.default_rng(0).random((300, 4))
    found, by_chance = (
        (part.argmax(axis=1) == quadrants)[labels == 1].mean() for part in (mass, random)
    )
    assert found >= 0.9 and 0.15 < by_chance < 0.35


@pytest.mark.parametrize(("height", "width"), [(1, 1), (32, 32), (300, 400), (400, 301), (1, 500)])
def test_a_map_finds_its_place_in_an_image_of_any_size(height, width):
    heatmap = np.full((32, 32), 2.0, np.float32)
    whole = explain.place_heatmap(heatmap, height, width)
    side = min(height, width)
    assert whole.shape == (height, width)
    assert np.isfinite(whole).sum() == side**2 and (whole[np.isfinite(whole)] == 2).all()
    top, left = (height - side) // 2, (width - side) // 2
    assert np.isfinite(whole[top : top + side, left : left + side]).all()


def test_what_does_not_exist_is_told_in_one_sentence(detector):
    for options, words in (
        ({"method": "magic"}, 'method is "magic": expected gradcam, gradcam'),
        ({"target": "both"}, 'target is "both": expected predicted, ai, real'),
        ({"layer": "block9z"}, 'layer "block9z" is no layer of this detector'),
        ({"layer": "dense_256"}, 'layer "dense_256" has no map'),
        ({"layer": "thumbnail"}, 'layer "thumbnail" has no map'),
    ):
        with pytest.raises(TruthPixelError, match=words):
            explain.compute_heatmaps(detector, IMAGES, **options)


def test_a_map_finer_than_the_image_is_averaged_not_sampled():
    fine = np.zeros((112, 112), np.float32)
    fine[3] = 1  # between the rows that linear interpolation looks at
    assert explain.place_heatmap(fine, 32, 32).sum() == pytest.approx(
        fine.mean() * 32 * 32, rel=1e-3
    )


def test_no_images_give_no_maps(detector):
    assert explain.compute_heatmaps(detector, IMAGES[:0]).shape == (0, 32, 32)


def test_real_is_explained_by_the_negative_logit(detector):
    logits, _ = evaluate.predict_images(detector, IMAGES)
    ai, real = (explain.compute_heatmaps(detector, IMAGES, target=side) for side in ("ai", "real"))
    predicted = explain.compute_heatmaps(detector, IMAGES)
    for i, logit in enumerate(logits):
        np.testing.assert_array_equal(predicted[i], ai[i] if logit >= 0 else real[i])
    assert not np.allclose(ai, real)


def test_a_very_sure_detector_is_explained_without_a_warning(detector):
    sure = keras.models.clone_model(detector)
    sure.set_weights(detector.get_weights())
    sure.get_layer("logit").set_weights([np.zeros((128, 1)), np.full(1, -200)])
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        _, p_ai, _ = explain.predict_and_explain(sure, IMAGES[:2])
    assert (p_ai < 1e-30).all()


def test_a_map_without_evidence_stays_empty(detector):
    silent = keras.models.clone_model(detector)
    silent.set_weights(detector.get_weights())
    silent.get_layer("logit").set_weights([np.zeros((128, 1)), np.zeros(1)])
    heatmaps = explain.compute_heatmaps(silent, IMAGES[:2])
    assert all(explain.is_empty(heatmap) for heatmap in heatmaps)
    heatmaps = explain.compute_heatmaps(detector, IMAGES)
    assert not all(explain.is_empty(heatmap) for heatmap in heatmaps)


@pytest.mark.skipif(
    sys.platform != "linux", reason="other systems count peak memory in other units"
)
def test_many_images_at_full_size_fit_into_a_small_memory():
    code = """
import numpy as np
from truthpixel_utils import explain, model
explain.compute_heatmaps(model.build_detector("lite0", 224), np.zeros((40, 32, 32, 3), np.uint8))
[peak] = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
print(int(peak.split()[1]) / 1e6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert float(done.stdout.splitlines()[-1]) < 4  # GB
