"""Helpers of the TruthPixel course: telling AI-generated images from photographs.

One module for each notebook (``data``, ``model``, ``train``, ``evaluate``, ``gradcam``, ``demo``) and others beside
them, such as ``sources`` (where rows come from), ``score`` (images in, table out), ``plots`` (figures) and ``course``
(runs the notebooks); the README has the whole list. Nothing heavy is imported here, so that
``import truthpixel_utils`` costs nothing.
"""

import os

# Before TensorFlow is imported anywhere: no start-up messages. An explicit setting of the user's wins.
os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("GRPC_VERBOSITY", "ERROR")
os.environ.setdefault("ABSL_MIN_LOG_LEVEL", "3")

__version__ = "0.1.0"
