"""Chapter 7: upload an image, get a verdict and its explanation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["exports", "views", "voila_app"],
    submod_attrs={
        "analysis": ["Report", "analyze", "load_analyzer"],
        "choice": ["chooser", "load_detectors"],
        "doubts": ["why_outside", "why_unsure"],
        "examples": ["load_examples"],
        "headline": ["says_the_file"],
        "images_named": ["images_in", "read_file"],
        "provenance": ["look_into"],
        "uploads": ["check_size", "open_upload"],
        "views": ["report_card"],
        "widgets": ["build_interface"],
    },
)
