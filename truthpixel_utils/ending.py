"""A process that is told to end tidies up first, as it does on Ctrl-C."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def tidy_ending() -> Iterator[None]:
    """Leave the block by `SystemExit` when the process is told to end or its terminal is closed.

    A process would otherwise end on the spot, without the ``finally`` of any function: files that
    are half written would stay.
    """
    # Windows has no SIGHUP, and ends a process without a signal.
    names = [name for name in ("SIGTERM", "SIGHUP") if hasattr(signal, name)]
    before = {name: signal.signal(getattr(signal, name), _leave) for name in names}
    try:
        yield
    finally:
        for name, handler in before.items():
            signal.signal(getattr(signal, name), handler)


def _leave(number: int, frame: object) -> None:
    sys.exit(128 + number)  # the status by which shells know a signal
