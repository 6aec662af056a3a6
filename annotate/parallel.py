"""A map over processes: results in order, bounded memory, alive after a killed worker."""

from __future__ import annotations

import logging
import multiprocessing
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from itertools import islice
from typing import Any, Generic, TypeVar

from annotate.errors import AnnotateError

T = TypeVar("T")
R = TypeVar("R")

BATCH, BATCH_SIZE = 256, 1 << 18
"""A batch has at most so many items, and is full when its size is this."""
WINDOW = 4
"""Items in flight per worker: enough to keep it busy, few enough to keep memory flat."""
TRIES = 3
"""How often an item is given to a new pool before it is held to be what kills workers."""

log = logging.getLogger("annotate")

_function: Callable[[Any], Any]


def batches(items: Iterable[T], *, size: Callable[[T], int]) -> Iterator[list[T]]:
    """The items in lists of at most `BATCH`, and of a total size of about `BATCH_SIZE`."""
    batch: list[T] = []
    total = 0
    for item in items:
        batch.append(item)
        total += size(item)
        if len(batch) == BATCH or total >= BATCH_SIZE:
            yield batch
            batch, total = [], 0
    if batch:
        yield batch


def ordered_map(make: Callable[[], Callable[[T], R]], items: Iterable[T], *, workers: int = 1) -> Iterator[R]:
    """`map(make(), items)`; small items are better sent together, as `batches`. `make` must be picklable and is called once in
    each of the `workers` processes; with one worker all happens here. Raises `AnnotateError` when the same item breaks the
    workers again and again."""
    function = make()  # also with several workers: what is wrong with it is said here, not by a dying pool
    if workers <= 1:
        yield from map(function, items)
        return
    source = iter(items)
    crew = _Crew(make, workers)
    waiting: deque[_Job[T, R]] = deque()
    try:
        while True:
            waiting += [crew.submit(_Job(item)) for item in islice(source, workers * WINDOW - len(waiting))]
            if not waiting:
                return
            job = waiting[0]
            try:
                done = job.result()
            except BrokenProcessPool:
                job.tries += 1
                if job.tries == TRIES:
                    raise AnnotateError(
                        "a worker process dies on the same documents again and again", hint="try --workers 1"
                    ) from None
                log.warning("a worker process was killed; its documents are done again")
                for unfinished in waiting:
                    crew.submit(unfinished)
            else:
                waiting.popleft()
                yield done
    finally:
        crew.pool.shutdown(wait=False, cancel_futures=True)


@dataclass(slots=True)
class _Job(Generic[T, R]):
    """An item, and what is becoming of it."""

    item: T
    future: Future[R] | None = None
    tries: int = 0

    def result(self) -> R:
        if self.future is None:
            raise BrokenProcessPool
        return self.future.result()

    def finished(self) -> bool:
        return (
            self.future is not None and self.future.done() and not self.future.cancelled() and self.future.exception() is None
        )


class _Crew:
    """A pool that is replaced when it breaks: the system kills workers whenever memory runs out."""

    def __init__(self, make: Callable[[], Callable[[Any], Any]], workers: int) -> None:
        self._make, self._workers = make, workers
        self.pool = self._new()

    def submit(self, job: _Job[T, R]) -> _Job[T, R]:
        """Set a job to work unless it has been done. A job that a broken pool refuses waits until its result is asked for."""
        if job.finished():
            return job
        try:
            job.future = self.pool.submit(_run, job.item)
        except BrokenProcessPool:
            self.pool.shutdown(wait=False, cancel_futures=True)
            self.pool = self._new()
            job.future = self.pool.submit(_run, job.item)
        return job

    def _new(self) -> ProcessPoolExecutor:
        # spawn: the same on every system, and no locks inherited in an unknown state
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._workers, mp_context=context, initializer=_begin, initargs=(self._make,))


def _begin(make: Callable[[], Callable[[Any], Any]]) -> None:
    global _function
    _function = make()


def _run(item: Any) -> Any:
    return _function(item)
