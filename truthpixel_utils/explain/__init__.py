"""Chapter 6: where in an image the answer comes from, and whether to believe that."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["faithfulness", "significance"],
    submod_attrs={
        "cam": [
            "compute_heatmaps",
            "default_layer",
            "is_empty",
            "place_heatmap",
            "predict_and_explain",
        ],
        "methods": ["METHODS", "check_method"],
        "window_map": ["WindowMap", "map_windows"],
    },
)
