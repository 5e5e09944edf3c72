"""Helpers of the TruthPixel course: telling AI-generated images from photographs.

A chapter of the course is a sub-package, and its name is what a notebook imports: ``data``,
``model``, ``train``, ``evaluate``, ``explain`` and ``demo``; ``plots`` draws for all of them.
Nothing heavy is imported here or in a chapter's face, so that ``import truthpixel_utils`` costs
nothing. `scoring` applies the detector to archives; its `score` is here as well.
"""

import os

import lazy_loader

# Before TensorFlow is imported anywhere, so that it is silent. A setting of the user's own wins.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
__getattr__, __dir__, _ = lazy_loader.attach(__name__, submod_attrs={"scoring": ["score"]})
