"""Parts worked on this machine: in this process, or in some of its own."""

import multiprocessing
import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from functools import cache
from multiprocessing.process import BaseProcess
from threading import Thread
from typing import Any

from ons_assets.engine.parts import Engine, Impossible, Made, Mapped, Part, applied
from ons_assets.engine.tasks import Outcome


class ThisProcess:
    """The engine that works in the process that asks, part after part."""

    def map(self, function: Callable[..., Made], parts: Iterable[Part], at_once: int = 1) -> Iterator[Made]:
        """Yield what a function makes of each part; see `ons_assets.engine.parts.Engine.map`."""
        if at_once == 1:
            yield from (applied(function, part) for part in parts)
            return
        with ThreadPoolExecutor(at_once) as pool:
            yield from _in_order(pool, at_once, applied, function, parts)


class Processes:
    """The engine that works in processes of its own on this machine, which stay for the next parts.

    Parameters
    ----------
    number
        Of them; each has a part in memory.
    """

    def __init__(self, number: int) -> None:
        self._number = number

    def map(self, function: Callable[..., Made], parts: Iterable[Part], at_once: int = 1) -> Iterator[Made]:
        """Yield what a function makes of each part; see `ons_assets.engine.parts.Engine.map`.

        Raises
        ------
        Impossible
            If a process was killed, as one is where memory is short.
        """
        try:
            for outcome in _in_order(_pool(self._number), self._number + 1, Outcome.of, function, parts):
                yield outcome.get()
        except BrokenProcessPool:
            _pool.cache_clear()
            raise Impossible(
                "a process that worked on a part was killed; there may not be memory for engine.processes = "
                f"{self._number}"
            ) from None


@cache
def _pool(number: int) -> ProcessPoolExecutor:
    # A fork would copy the locks of other threads as they are, which nobody opens again.
    return ProcessPoolExecutor(number, multiprocessing.get_context("spawn"), initializer=_end_with_parent)


def _end_with_parent() -> None:
    """Have this process end when the one that began it does, however that ends; of its own it would wait for ever."""
    if (parent := multiprocessing.parent_process()) is not None:
        Thread(target=_end_after, args=(parent,), daemon=True).start()


def _end_after(parent: BaseProcess) -> None:
    parent.join()
    os._exit(1)


def _in_order(
    pool: Executor,
    ahead: int,
    work: Callable[..., Any],
    function: Callable[..., Any],
    parts: Iterable[Part],
) -> Iterator[Any]:
    """Yield results in the order of parts, with so many on their way; nothing works on when nobody asks any more."""
    waiting: deque[Future[Any]] = deque()
    try:
        for part in parts:
            waiting.append(pool.submit(work, function, part))
            if len(waiting) >= ahead:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for each in waiting:
            each.cancel()
        wait(waiting)


HERE: Engine = ThisProcess()


def worked_here(computed: Iterable[Mapped]) -> Iterator[Any]:
    """Yield what is made of all parts, in this process: for those who call a method without a lakehouse."""
    for each in computed:
        yield from HERE.map(each.function, each.parts, each.at_once)
