"""For tests and notebooks alike: where they write, and which of them run beside each other.

What they write must not touch the user's own outputs.
"""

import os
import tempfile

from xdist.scheduler import LoadScopeScheduling

os.environ["TRUTHPIXEL_HOME"] = tempfile.mkdtemp(prefix="truthpixel-tests-")
os.environ.pop("TRUTHPIXEL_CIFAKE", None)


class ByFile(LoadScopeScheduling):
    """A file's tests run in one process; all notebooks do, with the tests of what they leave."""

    def _split_scope(self, nodeid):
        of_course = nodeid.startswith(("notebooks/", "tests/test_figures.py"))
        return "course" if of_course else nodeid.partition("::")[0]


def pytest_xdist_make_scheduler(config, log):
    return ByFile(config, log)
