"""Chapter 1: images and their labels, how they are divided, and what may happen to them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["corruptions"],
    submod_attrs={
        "formats": ["READ", "SUFFIXES"],
        "sources": ["SAMPLE", "Source", "find_source"],
        "listing": ["LEFT_BY_PROGRAMS", "files_below"],
        "tables": ["read_source"],
        "images": ["THUMBNAIL", "encoded_images", "seen", "thumbnail", "thumbnails", "to_rgb"],
        "spectrum": ["log_spectrum"],
        "splits": ["leave_one_out", "load_all", "load_splits", "summary"],
        "windows": ["View", "look"],
        "leaks": ["leak_report", "seen_before", "source_of"],
        "near_duplicates": ["find_near_duplicates", "perceptual_hash"],
    },
)
