"""Results in order, whatever happens to the workers."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil
import pytest

from annotate.errors import AnnotateError
from annotate.parallel import BATCH, BATCH_SIZE, batches, ordered_map


def square() -> Callable[[int], int]:
    return lambda number: number * number


def deadly(flag: Path, number: int) -> int:
    """Kill the worker the first time it sees 40; every time when there is no flag to remember by."""
    if number == 40 and not flag.exists():
        if flag.parent.exists():
            flag.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return number


def deadly_worker(flag: Path) -> Callable[[int], int]:
    return partial(deadly, flag)


def failing() -> Callable[[int], int]:
    return lambda number: 1 // number


def test_batches_hold_everything_in_order_and_are_limited() -> None:
    for size in (0, 1, BATCH_SIZE // 10, BATCH_SIZE, 3 * BATCH_SIZE):
        found = list(batches(range(1000), size=lambda _number, size=size: size))
        assert [number for batch in found for number in batch] == list(range(1000))
        assert all(len(batch) <= BATCH and (len(batch) - 1) * size < BATCH_SIZE for batch in found)


@pytest.mark.parametrize("workers", [1, 2])
def test_results_come_in_order(workers: int) -> None:
    assert list(ordered_map(square, range(100), workers=workers)) == [number * number for number in range(100)]


def test_nothing_is_read_far_ahead() -> None:
    read = []

    def source() -> object:
        for number in range(10_000):
            read.append(number)
            yield number

    results = ordered_map(square, source(), workers=2)
    next(results)
    assert len(read) < 1_000
    results.close()


@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_a_killed_worker_loses_nothing(tmp_path: Path) -> None:
    assert list(ordered_map(partial(deadly_worker, tmp_path / "flag"), range(200), workers=2)) == list(range(200))


def test_items_that_always_kill_are_an_error_not_a_hang(tmp_path: Path) -> None:
    with pytest.raises(AnnotateError, match="again and again"):
        list(ordered_map(partial(deadly_worker, tmp_path / "no" / "flag"), range(200), workers=2))


def test_workers_killed_between_two_results_lose_nothing() -> None:
    results = ordered_map(square, range(400), workers=2)
    seen = [next(results) for _ in range(20)]
    for child in psutil.Process().children():
        with suppress(psutil.NoSuchProcess):  # workers of earlier tests may just be ending
            if "spawn_main" in " ".join(child.cmdline()):
                child.kill()
    assert seen + list(results) == [number * number for number in range(400)]


def test_errors_of_the_function_come_through() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(failing, [1, 0], workers=2))
