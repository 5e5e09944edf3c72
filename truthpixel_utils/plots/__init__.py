"""Every figure, in one style; no chapter's property."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "pictures": [
            "COLOURS",
            "FAINT",
            "HEAT",
            "INK",
            "class_grid",
            "contact_sheet",
            "explanation",
            "heatmap_row",
            "image_grid",
            "new_figure",
            "overlay",
            "save_and_show",
            "save_figure",
        ],
        "charts": [
            "bars",
            "confusion_matrix",
            "faithfulness_chart",
            "interval_chart",
            "precision_recall_curve",
            "reliability_diagram",
            "risk_coverage_curve",
            "robustness_curves",
            "roc_curve",
            "score_histogram",
            "spectra",
            "training_curves",
        ],
    },
)
