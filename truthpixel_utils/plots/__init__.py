"""Every figure, in one style; no chapter's property."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "charts": [
            "bars",
            "faithfulness_chart",
            "interval_chart",
            "matrix",
            "robustness_curves",
            "spectra",
            "training_curves",
        ],
        "diagrams": ["network_diagram", "phases_diagram", "windows_diagram"],
        "pictures": [
            "class_grid",
            "contact_sheet",
            "explanation",
            "heatmap_row",
            "image_grid",
            "overlay",
        ],
        "scores": [
            "confusion_matrix",
            "precision_recall_curve",
            "reliability_diagram",
            "risk_coverage_curve",
            "roc_curve",
            "score_histogram",
            "threshold_panel",
        ],
        "slider": ["leaf_through"],
        "style": [
            "COLOURS",
            "FAINT",
            "HEAT",
            "INK",
            "MARK",
            "VERDICT_COLOURS",
            "new_figure",
            "keep",
            "save_figure",
        ],
    },
)
