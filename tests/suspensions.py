"""Stepping through a coroutine from one await that gives up control to the next, so that something can happen there."""

from collections.abc import Awaitable, Callable, Coroutine, Generator
from types import coroutine
from typing import Any, TypeVar

Answer = TypeVar("Answer")
AtAwait = Callable[[int], Awaitable[None]]
"""Awaited with 1, 2, … each time control is given up, in the same task and before it is."""


@coroutine
def stepping(stepped: Coroutine[Any, Any, Answer], at: AtAwait) -> Generator[Any, Any, Answer]:
    """What the coroutine answers or raises, with `at` run at each of its awaits that give up control.

    What it waits for there has been asked for already: a query is on its way, its answer not read.
    """
    number = 0
    error: BaseException | None = None
    while True:
        try:
            awaited = stepped.send(None) if error is None else stepped.throw(error)
        except StopIteration as stop:
            answer: Answer = stop.value
            return answer
        error = None
        number += 1
        yield from at(number).__await__()
        try:
            yield awaited
        except BaseException as raised:  # noqa: BLE001 - it is the coroutine's to see, a cancellation too
            error = raised
