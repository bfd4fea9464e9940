"""An event loop whose time is handed in: waiting takes none of ours, and is exact.

When nothing is left to do but to wait, the loop's clock is set on to the next timer at once. For code that waits
for timers only; a socket or a thread would be out of step.
"""

import asyncio
import selectors
from collections.abc import Coroutine
from typing import Any, TypeVar

from llm_router.domain.clock import Clock

T = TypeVar("T")

EPOCH = 1_700_000_000.0
"""What the wall clock shows when the loop begins."""


class HandedLoop(asyncio.SelectorEventLoop):
    def __init__(self) -> None:
        self._now = 0.0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._now

    def set_on(self, seconds: float) -> None:
        self._now += seconds


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: HandedLoop) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout:
            self._loop.set_on(timeout)
        ready: list[tuple[selectors.SelectorKey, int]] = super().select(0 if timeout is not None else None)
        return ready


def run(main: Coroutine[Any, Any, T]) -> T:
    """As `asyncio.run`, in a loop of handed time that begins at 0."""
    with asyncio.Runner(loop_factory=HandedLoop) as runner:
        return runner.run(main)


def loop_clock() -> Clock:
    """The time of the loop that runs now."""
    now = asyncio.get_running_loop().time
    return Clock(lambda: EPOCH + now(), now)
