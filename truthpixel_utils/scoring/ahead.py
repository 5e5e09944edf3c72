"""Work that runs ahead of who takes its results, so that neither waits for the other."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from itertools import islice
from queue import Empty, Queue
from threading import Event, Thread
from typing import Any, TypeVar

# One by one, handing a thumbnail to a thread and back takes as long as decoding it.
HANDED_TOGETHER = 8

Given, Made = TypeVar("Given"), TypeVar("Made")
_END = object()


def run_ahead(
    function: Callable[[Given], Made], given: Iterable[Given], most: int, threads: int
) -> Iterator[Made]:
    """Apply a function to one thing after the other in a pool of threads, some of them ahead.

    Parameters
    ----------
    function : callable
        Called in several threads at once.
    given : iterable
        What it is applied to; it is gone through in a thread of its own, which may wait for a disk
        or a network.
    most : int
        How many results are kept ready, at most; eight at least, since so many are handed to a
        thread together.
    threads : int
        Of the pool. More than it takes to keep up only get into each other's way.

    Yields
    ------
    object
        The results, in the order of what was given. What raises, raises here, in place of all
        that was handed over with it.
    """
    ready: Queue[Any] = Queue(max(1, most // HANDED_TOGETHER))
    stopped = Event()

    def feed(pool):
        try:
            one_by_one = iter(given)
            while group := list(islice(one_by_one, HANDED_TOGETHER)):
                ready.put(pool.submit(lambda group: [function(one) for one in group], group))
                if stopped.is_set():
                    return
            ready.put(_END)
        except BaseException as error:  # of `given`: it belongs to who takes the results
            failed: Future = Future()
            failed.set_exception(error)
            ready.put(failed)

    with ThreadPoolExecutor(threads) as pool:
        feeder = Thread(target=feed, args=(pool,), daemon=True)
        feeder.start()
        try:
            while (future := ready.get()) is not _END:
                yield from future.result()
        finally:
            stopped.set()
            while feeder.is_alive():  # it may wait for room to put one more
                with suppress(Empty):
                    ready.get_nowait()
                feeder.join(0.05)
            pool.shutdown(cancel_futures=True)
