"""Chapter 2: the detector, what of it is frozen, and its forward pass."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "detector": [
            "POOLED",
            "backbone_layers",
            "build_detector",
            "describe",
            "fingerprint",
            "freeze_backbone",
            "freeze_batch_norm",
            "stages",
            "unfreeze_top",
            "view_of",
            "with_image_size",
        ],
        "fusion": ["fuse", "members", "views_of", "weigh"],
        "inference": ["prepare", "threads_given"],
        "statistics": ["MAPS", "STATISTICS", "build_statistics_detector", "set_linear"],
        "storage": [
            "COURSE",
            "FINAL",
            "ON",
            "PACKAGED",
            "SHIPPED",
            "detector_path",
            "find_detector",
            "load_detector",
            "save_detector",
        ],
        "trunk": ["boundary", "split_trunk"],
    },
)
