"""Before any test or notebook kernel starts: what they write must not touch the user's own outputs."""

import os
import tempfile

os.environ["TRUTHPIXEL_HOME"] = tempfile.mkdtemp(prefix="truthpixel-tests-")
os.environ.pop("TRUTHPIXEL_CIFAKE", None)
