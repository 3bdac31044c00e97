"""Which partitions of a topic may be sent their next batch now: lanes of partitions, each sent in rounds."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator

from shared.log.append_buffer import Waiting
from shared.log.partitioning import partition_of

_ROUND_SECONDS = 0.01
"""How long at most a lane's next round waits for the batches of the one before."""
_LANES = 2
"""While one lane's batches are with the broker, the requests that the other's answered are read and answered."""


class Partition:
    """What waits for one partition, and whether a batch of it is under way."""

    __slots__ = ("in_flight", "number", "waiting")

    def __init__(self, number: int) -> None:
        self.number = number
        self.waiting: deque[Waiting] = deque()
        self.in_flight = False


class Lane:
    """Partitions whose batches are sent together: the next ones fill up until all of a round are answered.

    A round waits for the one before, but not for long: while one partition is stuck, the others flow.
    """

    def __init__(self, partitions: list[Partition], wake: Callable[[], None]) -> None:
        self.partitions = partitions
        self._wake = wake
        self._under_way = 0
        self._late = False
        self._overdue: asyncio.TimerHandle | None = None

    def sendable(self) -> list[Partition]:
        """The partitions whose next batch may be sent now, for each of which something waits."""
        if self._under_way and not self._late:
            return []
        return [partition for partition in self.partitions if partition.waiting and not partition.in_flight]

    def sent(self, partition: Partition) -> None:
        """A batch of the partition is under way, until `answered`."""
        partition.in_flight = True
        self._under_way += 1
        if not self._late and self._overdue is None:
            self._overdue = asyncio.get_running_loop().call_later(_ROUND_SECONDS, self._no_longer)

    def answered(self, partition: Partition) -> None:
        """The partition's batch is no longer under way; wakes the sender where that lets something be sent."""
        partition.in_flight = False
        self._under_way -= 1
        if not self._under_way:
            self._late = False
            if self._overdue is not None:
                self._overdue.cancel()
                self._overdue = None
        self._wake_if_sendable()

    def _no_longer(self) -> None:
        """From here on until all its batches are answered, a lane's partitions go each at its own pace."""
        self._overdue = None
        self._late = True
        self._wake_if_sendable()

    def _wake_if_sendable(self) -> None:
        if self.sendable():
            self._wake()


class Lanes:
    """The partitions of a topic, dealt out to lanes. `wake` is called when waiting records can be sent."""

    def __init__(self, partitions: int, wake: Callable[[], None]) -> None:
        self.partitions = [Partition(number) for number in range(partitions)]
        self._lanes = [Lane(self.partitions[number::_LANES], wake) for number in range(_LANES)]

    def __iter__(self) -> Iterator[Lane]:
        return iter(self._lanes)

    def put(self, waiting: Waiting) -> None:
        """Puts a record behind those of its partition, and lets go of what was answered at their head."""
        record = waiting.record
        if record is None:
            return
        queue = self.partitions[partition_of(record.key, len(self.partitions))].waiting
        while queue and queue[0].record is None:
            queue.popleft()
        queue.append(waiting)
