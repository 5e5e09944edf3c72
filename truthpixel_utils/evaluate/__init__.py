"""Chapter 5: what a detector's answers are worth, and when it should give none."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["baselines"],
    submod_attrs={
        "answers": ["prepare_answers"],
        "bootstrap": ["bootstrap_intervals"],
        "calibration": [
            "calibrate",
            "choose_thresholds",
            "expected_calibration_error",
            "platt_scaling",
            "reliability_table",
            "risk_coverage_table",
            "verdicts",
            "youden_threshold",
        ],
        "fusion": ["fit_fusion"],
        "finished": ["finish", "load_for_test", "load_rule", "save_finished"],
        "metrics": [
            "HEADLINES",
            "THRESHOLD",
            "classification_report",
            "compute_metrics",
            "mcnemar",
            "save_metrics",
        ],
        "ood": ["fit_ood", "ood_distances", "ood_distances_of_rows"],
        "predictions": ["images_for", "predict_images", "predict_rows"],
        "robustness": ["BATTERY", "USUAL", "measure_robustness"],
        "subgroups": ["by_class", "by_generator", "by_source"],
        "summary": ["format_summary", "measure_detector"],
    },
)
