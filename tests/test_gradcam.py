import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from truthpixel_utils import gradcam, model, score

IMAGES = np.random.default_rng(0).integers(0, 256, (6, 32, 32, 3), dtype=np.uint8)


@pytest.fixture(scope="module")
def detector():
    keras.utils.set_random_seed(0)
    return model.build_detector("lite0", image_size=96)


def reference(detector, image, sign, layer):
    """Grad-CAM as the paper has it, written plainly, one image at a time, before stretching."""
    parts = keras.Model(detector.input, [detector.get_layer(layer).output, detector.get_layer("logit").output])
    with tf.GradientTape() as tape:
        maps, logit = parts(image[None].astype(np.float32))
        speaks = sign * logit[0, 0]
    gradient = tape.gradient(speaks, maps)[0].numpy()
    heat = sum(gradient[..., k].mean() * maps[0, ..., k].numpy() for k in range(maps.shape[-1]))
    return np.maximum(heat, 0)


@pytest.mark.parametrize("layer", ["top_activation", "block5c_add"])
def test_maps_equal_the_papers_formula(detector, layer):
    import cv2

    logits, _ = score.scores(detector, IMAGES)
    heatmaps = gradcam.explain(detector, IMAGES, layer=layer, batch_size=4)
    assert heatmaps.shape == (6, 32, 32) and heatmaps.dtype == np.float32
    for image, logit, heatmap in zip(IMAGES, logits, heatmaps):
        want = cv2.resize(reference(detector, image, np.sign(logit), layer), (32, 32))
        np.testing.assert_allclose(heatmap, want, atol=1e-4 * max(want.max(), 1e-6))


def test_real_is_explained_by_the_negative_logit(detector):
    logits, _ = score.scores(detector, IMAGES)
    ai, real = (gradcam.explain(detector, IMAGES, target=side) for side in ("ai", "real"))
    predicted = gradcam.explain(detector, IMAGES)
    for i, logit in enumerate(logits):
        np.testing.assert_array_equal(predicted[i], ai[i] if logit >= 0 else real[i])
    assert not np.allclose(ai, real)


def test_a_map_without_evidence_stays_empty(detector):
    silent = keras.models.clone_model(detector)
    silent.set_weights(detector.get_weights())
    silent.get_layer("logit").set_weights([np.zeros((128, 1)), np.zeros(1)])
    heatmaps = gradcam.explain(silent, IMAGES[:2])
    assert all(gradcam.is_empty(heatmap) for heatmap in heatmaps)
    assert not all(gradcam.is_empty(heatmap) for heatmap in gradcam.explain(detector, IMAGES))


@pytest.mark.skipif(sys.platform != "linux", reason="other systems count peak memory in other units")
def test_many_images_at_full_size_fit_into_a_small_memory():
    code = """
import resource
import numpy as np
from truthpixel_utils import gradcam, model
gradcam.explain(model.build_detector("lite0", 224), np.zeros((40, 32, 32, 3), np.uint8))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert float(done.stdout.splitlines()[-1]) < 4  # GB
