"""Chapter 2: the detector, what of it is frozen, and its forward pass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "detector": [
            "FINAL",
            "POOLED",
            "SHIPPED",
            "backbone_layers",
            "build_detector",
            "describe",
            "detector_path",
            "fingerprint",
            "freeze_backbone",
            "freeze_batch_norm",
            "load_detector",
            "save_detector",
            "split_trunk",
            "stages",
            "unfreeze_top",
            "with_image_size",
        ],
        "inference": ["prepare"],
    },
)
