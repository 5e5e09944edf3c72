"""Chapter 1: images and their labels, how they are divided, and what may happen to them."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submodules=["corruptions"],
    submod_attrs={
        "sources": ["SAMPLE", "Source", "find_source", "read_source", "to_rgb"],
        "splits": [
            "THUMBNAIL",
            "encoded_images",
            "leak_report",
            "load_all",
            "load_splits",
            "seen_before",
            "summary",
            "thumbnail",
            "thumbnails",
        ],
        "near_duplicates": ["find_near_duplicates", "perceptual_hash"],
    },
)
