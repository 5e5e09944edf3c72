"""Chapter 7: upload an image, get a verdict and its explanation."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["exports", "views", "voila_app"],
    submod_attrs={
        "analysis": ["Report", "analyze", "load_analyzer"],
        "choice": ["chooser"],
        "examples": ["load_examples"],
        "images_named": ["images_in", "read_file"],
        "views": ["report_card"],
        "widgets": ["build_interface"],
    },
)
