"""The detector on an archive: from ten files to a bucket of millions, into one table."""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach(
    __name__,
    submod_attrs={"job": ["score"], "table": ["SCHEMA"]},
)
