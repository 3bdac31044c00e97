"""Who waits for which position: waking on progress costs what was reached, not what waits."""

import asyncio
import heapq
from collections.abc import Iterable
from typing import Final

from shared.position import Position

_LEAST_GARBAGE: Final = 64


class TooManyWaitersError(Exception):
    """The bound on waiting requests is reached."""

    def __init__(self, most: int) -> None:
        super().__init__(f"{most} requests are waiting for a position already")


class Waiter:
    """One request's wait; `ended` gets None when its position is included, else the error that ended the
    wait.
    """

    __slots__ = ("ended", "wanted")

    def __init__(self, wanted: Position, ended: asyncio.Future[Exception | None]) -> None:
        self.wanted = wanted
        self.ended = ended

    def __lt__(self, other: "Waiter") -> bool:
        """Any order will do among equal offsets."""
        return id(self) < id(other)


class Waiters:
    """Waiters, each filed under one partition that lags behind its position, by the offset wanted there.

    Progress of a partition touches the waiters it satisfies; each of those is woken or filed under the next
    partition that lags. Does no I/O and never blocks.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._lagging: dict[int, list[tuple[int, Waiter]]] = {}
        self._count = 0
        self._garbage = 0
        self._known = Position({})

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    @property
    def known(self) -> Position:
        """The latest position told to `advance`."""
        return self._known

    def add(self, wanted: Position) -> Waiter:
        """A new waiter; `remove` it in the end, whatever became of it. Raises `TooManyWaitersError`."""
        if self._count >= self._most:
            raise TooManyWaitersError(self._most)
        waiter = Waiter(wanted, asyncio.get_running_loop().create_future())
        self._count += 1
        self._file(waiter)
        return waiter

    def remove(self, waiter: Waiter) -> None:
        """Ends a wait."""
        self._count -= 1
        if not waiter.ended.done():
            waiter.ended.cancel()
            self._garbage += 1
            if self._garbage > max(_LEAST_GARBAGE, self._count):
                self._collect()

    def advance(self, position: Position) -> None:
        """Wakes everyone whose position is included in `position`, the newest one known."""
        before, self._known = self._known, position
        for partition, offset in position.offsets.items():
            if offset != before.offsets.get(partition, 0):
                self._wake(partition, offset)

    def fail(self, error: Exception) -> None:
        """Ends every wait with `error`."""
        for waiter in self._filed():
            if not waiter.ended.done():
                waiter.ended.set_result(error)
        self._lagging.clear()
        self._garbage = 0

    def _wake(self, partition: int, offset: int) -> None:
        queue = self._lagging.get(partition, [])
        while queue and queue[0][0] <= offset:
            waiter = heapq.heappop(queue)[1]
            if waiter.ended.done():
                self._garbage -= 1
            else:
                self._file(waiter)

    def _file(self, waiter: Waiter) -> None:
        for partition, offset in waiter.wanted.offsets.items():
            if self._known.offsets.get(partition, 0) < offset:
                heapq.heappush(self._lagging.setdefault(partition, []), (offset, waiter))
                return
        waiter.ended.set_result(None)

    def _filed(self) -> Iterable[Waiter]:
        return (waiter for queue in self._lagging.values() for _, waiter in queue)

    def _collect(self) -> None:
        waiting = [waiter for waiter in self._filed() if not waiter.ended.done()]
        self._lagging.clear()
        self._garbage = 0
        for waiter in waiting:
            self._file(waiter)
