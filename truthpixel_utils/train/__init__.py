"""Chapters 3 and 4: transfer learning in two phases."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "augment": ["augmentation", "augmented_views", "corrupt_at_random"],
        "feature_cache": ["cached_features", "clear_cache", "list_cache"],
        "loop": ["best_epoch"],
        "phases": ["train_phase"],
        "pictures": ["draw_window", "source_weights"],
        "record": ["check_unseen", "check_unseen_by_shipped"],
    },
)
