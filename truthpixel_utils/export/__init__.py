"""Out of Python: a detector written for other runtimes, its preprocessing included."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={
        "command": ["export_command"],
        "folder": ["export_detector"],
        "formats": ["FORMATS", "check_format"],
        "runtimes": ["CARD", "load_exported"],
    },
)
