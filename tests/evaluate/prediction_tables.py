"""Tables of predictions for tests, in the form in which `predict_rows` returns them."""

import numpy as np
import pandas as pd


def random_predictions():
    """Five hundred images by a camera, a VAE and a GAN, and a detector that is often right."""
    rng = np.random.default_rng(0)
    label = rng.integers(0, 2, 500)
    logit = rng.normal(label * 2 - 1, 1.5)
    generator = np.where(label, rng.choice(["vae", "gan"], 500), "camera")
    p_ai = 1 / (1 + np.exp(-logit))
    return pd.DataFrame(
        {
            "id": [str(i) for i in range(500)],
            "label": label,
            "generator": generator,
            "logit": logit.astype("float32"),
            "p_ai": p_ai.astype("float32"),
        }
    )
