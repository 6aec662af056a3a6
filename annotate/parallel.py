"""A map over processes: results in order, bounded memory, alive after a killed worker."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from itertools import islice
from typing import Any, TypeVar

from annotate.errors import AnnotateError

T = TypeVar("T")
R = TypeVar("R")

CHUNK = 16
"""Items per job: one at a time loses more to sending than it wins."""
WINDOW = 8
"""Jobs in flight per worker: enough to keep it busy, few enough to keep memory flat."""
TRIES = 3
"""How often a job is given to a new pool before its items are held to be what kills workers."""

log = logging.getLogger("annotate")

_function: Callable[[Any], Any]


def ordered_map(make: Callable[[], Callable[[T], R]], items: Iterable[T], *, workers: int = 1) -> Iterator[R]:
    """`map(make(), items)`. `make` must be picklable and is called once in each of the `workers` processes; with one worker all
    happens here. Raises `AnnotateError` when the same items break the workers again and again."""
    function = make()  # also with several workers: what is wrong with it is said here, not by a dying pool
    if workers <= 1:
        yield from map(function, items)
        return
    source = iter(items)
    pool = _pool(make, workers)
    waiting: deque[tuple[list[T], Future[list[R]], int]] = deque()
    try:
        while True:
            while len(waiting) < workers * WINDOW and (chunk := list(islice(source, CHUNK))):
                waiting.append((chunk, pool.submit(_run, chunk), 1))
            if not waiting:
                return
            chunk, future, tries = waiting.popleft()
            try:
                done = future.result()
            except BrokenProcessPool:
                if tries == TRIES:
                    raise AnnotateError(
                        "a worker process dies on the same documents again and again", hint="try --workers 1"
                    ) from None
                log.warning("a worker process was killed; its documents are done again")
                pool.shutdown(wait=False, cancel_futures=True)
                pool = _pool(make, workers)
                # Everything in flight is lost with the pool, unless it had finished; only the first has been tried for sure.
                waiting = deque((c, f if _finished(f) else pool.submit(_run, c), t) for c, f, t in waiting)
                waiting.appendleft((chunk, pool.submit(_run, chunk), tries + 1))
            else:
                yield from done
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _finished(future: Future[Any]) -> bool:
    return future.done() and not future.cancelled() and future.exception() is None


def _pool(make: Callable[[], Callable[[Any], Any]], workers: int) -> ProcessPoolExecutor:
    # spawn: the same on every system, and no locks inherited in an unknown state
    context = multiprocessing.get_context("spawn")
    return ProcessPoolExecutor(workers, mp_context=context, initializer=_begin, initargs=(make,))


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _function
    _function = make()


def _run(chunk: list[Any]) -> list[Any]:
    return [_function(item) for item in chunk]
