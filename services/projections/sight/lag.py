"""How far views are behind the log: events, and since when the oldest of them waits."""

import asyncio
from collections.abc import Collection, Mapping
from datetime import datetime
from typing import Final, NamedTuple

from msgspec import DecodeError, Struct, ValidationError, json

from services.projections.sight.positions import Positions
from shared.envelope import AwareDatetime
from shared.log.port import Bounds, LogReader, LogTruncatedError, StoredRecord

_READ_SECONDS: Final = 2.0
_RECORDS: Final = 100

Place = tuple[int, int]
"""A partition and an offset."""


class Lag(NamedTuple):
    """One view in one partition. None is what the log does not tell: an answer of 0 always means the log's end.

    `events` is unknown where the log ends before the position, `recorded` besides where the next event is gone, is
    undecodable, or did not come in time.
    """

    events: int | None
    recorded: datetime | None

    def seconds(self, now: datetime) -> float | None:
        """Since the oldest event not yet applied was recorded, 0 where there is none."""
        if self.events == 0:
            return 0.0
        return None if self.recorded is None else max(0.0, (now - self.recorded).total_seconds())


def total_events(lags: Collection[Lag]) -> int | None:
    """Of one view in all its partitions; None where one of them is not known."""
    known = [lag.events for lag in lags if lag.events is not None]
    return sum(known) if len(known) == len(lags) else None


def total_seconds(lags: Collection[Lag], now: datetime) -> float | None:
    """The longest that an event waits; None where events wait and of none it is known since when."""
    known = [seconds for lag in lags if (seconds := lag.seconds(now)) is not None]
    certain = len(known) == len(lags) or any(known)
    return max(known, default=0.0) if certain else None


class LogSight(NamedTuple):
    """What the log told at one moment: the bounds of its partitions, and each view's lag in each of them."""

    bounds: Mapping[int, Bounds]
    lags: Mapping[str, Mapping[int, Lag]]


class LagReader:
    """Measures with a log reader of its own. What stands still is read once; memory is one entry a place waited at."""

    def __init__(self, reader: LogReader) -> None:
        self._reader = reader
        self._recorded: dict[Place, datetime] = {}

    async def lags(
        self, bounds: Mapping[int, Bounds], positions: Mapping[str, Positions]
    ) -> dict[str, dict[int, Lag]]:
        """The lag of each view in each partition; `bounds` must have been read after `positions`.

        Reads for about 2 s at most. Raises `LogUnavailableError`.
        """
        waiting = {
            (partition, position)
            for own in positions.values()
            for partition, position in own.items()
            if partition in bounds and position < bounds[partition].end
        }
        self._recorded = {place: time for place, time in self._recorded.items() if place in waiting}
        await self._read(waiting - self._recorded.keys())
        return {
            view: {partition: self._lag(bounds, partition, position) for partition, position in own.items()}
            for view, own in positions.items()
        }

    def _lag(self, bounds: Mapping[int, Bounds], partition: int, position: int) -> Lag:
        if partition not in bounds or position > bounds[partition].end:
            return Lag(None, None)
        return Lag(bounds[partition].end - position, self._recorded.get((partition, position)))

    async def _read(self, places: set[Place]) -> None:
        """Finds when each place's event was recorded, several partitions at a time, then reads nothing any more."""
        if not places:
            return
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _READ_SECONDS
        while places and (left := deadline - loop.time()) > 0:
            wanted = dict(places)
            found = await self._first_events(wanted, left)
            if not found:
                break
            for partition, recorded in found.items():
                if recorded is not None:
                    self._recorded[partition, wanted[partition]] = recorded
            places -= {(partition, wanted[partition]) for partition in found}
        await self._reader.seek({})

    async def _first_events(self, wanted: Positions, seconds: float) -> dict[int, datetime | None]:
        """When the first event of some of the partitions was recorded, None where that cannot be known."""
        try:
            await self._reader.seek(wanted)
            records = await self._reader.poll(_RECORDS, seconds)
        except LogTruncatedError as error:
            return {error.partition: None}
        found: dict[int, datetime | None] = {}
        for record in records:
            if found.get(record.partition) is None:
                found[record.partition] = _recorded(record)
        return found


class _Recorded(Struct):
    recordedtime: AwareDatetime


def _recorded(record: StoredRecord) -> datetime | None:
    try:
        return json.decode(record.value or b"", type=_Recorded).recordedtime
    except (DecodeError, ValidationError):
        return None
