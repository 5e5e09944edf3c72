"""The course's profiles: what to run it on, and how much of it."""

from __future__ import annotations

from typing import Any

# Parameters that differ from the notebooks' own defaults, which are those of `sample`.
PROFILES: dict[str, dict[str, Any]] = {
    "sample": {},
    "quick": {"source": "auto", "limit": 12_000, "image_size": 128},
    "full": {"source": "auto", "limit": None, "image_size": 224},
    # The whole network, from small to large: with 64 pixels inside, an epoch takes half as long as
    # with 96.
    "best": {
        "source": "auto",
        "split": "official",
        "limit": None,
        "image_size": 96,
        "batch_size": 128,
        "views": 1,
        "epochs_phase1": 3,
        "epochs_phase2": [[64, 10], [96, 8]],
        "lr_phase2": 1.5e-3,
        "unfreeze_layers": "all",
        "batch_norm": True,
        "recipe": "strong",
    },
    # Pictures of any size, in a folder that `source` names: windows at their own resolution.
    "pictures": {
        "weights": "efficientnet_lite0",
        "view": "windows",
        "image_size": 128,
        "epochs_phase1": 3,
        "epochs_phase2": 12,
        "lr_phase2": 1e-3,
        "unfreeze_layers": "all",
        "batch_norm": True,
        "recipe": "strong",
    },
}
# Both ways to look at a picture: the windows of `pictures`, and beside them the whole.
PROFILES["pictures-best"] = PROFILES["pictures"]

# What a profile trains first, in a folder of its own, to be fused with what it trains then.
BESIDE: dict[str, dict[str, Any]] = {
    "pictures-best": {
        "view": "whole",
        "image_size": 224,
        "views": 4,
        "epochs_phase2": 12,
        "lr_phase2": 3e-5,
    },
}
OF_DATA = ("source", "split", "limit", "seed", "weights")  # parameters that both trainings share
