"""Where views stand: generations, positions, how far they are behind the log, and rebuilds under way."""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime
from typing import Any, NamedTuple

import asyncpg
from msgspec import DecodeError, Struct, ValidationError, json

from services.projections.engine.barrier import Positions, live_positions
from services.projections.engine.generation_positions import PartitionProgress, progress
from services.projections.engine.generations import Generation, generations
from shared.clock import Clock
from shared.log.port import EventLog, LogReader, LogTruncatedError, LogUnavailableError

_SAMPLE_SECONDS = 0.5
_POLL_SECONDS = 1.0


class Rebuilding(NamedTuple):
    """A generation that is being made. `rate` is events a second since it was taken up; None where unknown."""

    view: str
    generation: int
    version: int
    state: str
    partitions: list[PartitionProgress]

    @property
    def done(self) -> int:
        """Events taken up."""
        return sum(each.done for each in self.partitions)

    @property
    def total(self) -> int:
        """Events to take up."""
        return sum(each.total for each in self.partitions)

    @property
    def rate(self) -> float:
        """Events a second since the rebuild was last taken up."""
        if not self.partitions:
            return 0.0
        begun = min(each.resumed_at for each in self.partitions)
        seconds = (max(each.updated_at for each in self.partitions) - begun).total_seconds()
        moved = sum(each.position - each.resumed_position for each in self.partitions)
        return moved / seconds if seconds > 0 else 0.0

    @property
    def eta_seconds(self) -> float | None:
        """How long it takes at that rate; None where nothing moved."""
        return (self.total - self.done) / self.rate if self.rate > 0 else None


class ViewStatus(NamedTuple):
    """A view as readers see it. Lags are None where the log does not answer."""

    name: str
    generation: int
    version: int
    state: str
    positions: Positions
    lag_events: int | None
    lag_seconds: float | None
    rate: float
    parked_keys: int


class Status(NamedTuple):
    """Everything. `head` is where the log ends, empty where it does not answer, and `log_error` says why."""

    head: Positions
    log_error: str | None
    views: list[ViewStatus]
    building: list[Rebuilding]
    kept: list[Generation]
    undecodable: int


class _Recorded(Struct):
    recordedtime: datetime


async def status(connection: asyncpg.Connection, log: EventLog, clock: Clock) -> Status:
    """The status now; takes half a second, in which the rate is measured. Raises asyncpg's errors."""
    before = await live_positions(connection)
    await asyncio.sleep(_SAMPLE_SECONDS)
    live = await live_positions(connection)
    rate = sum(live[each] - before.get(each, 0) for each in live) / _SAMPLE_SECONDS
    every = await generations(connection)
    stands = {
        (each.view, each.generation): await progress(connection, each.view, each.generation) for each in every
    }
    positions = {}
    for each in every:
        if each.shown:
            own = {at.partition: at.position for at in stands[each.view, each.generation]}
            positions[each.view] = live if each.state == "live" else own
    head, error, lags = await _lags(log, live, positions, clock)
    parked = {row["view"]: row["keys"] for row in await connection.fetch(_PARKED_KEYS)}
    return Status(
        head,
        error,
        [
            ViewStatus(
                each.view, each.generation, each.version, each.state, positions[each.view],
                lags[each.view].events, lags[each.view].seconds,
                rate if each.state == "live" else 0.0, parked.get(each.view, 0),
            )
            for each in every
            if each.shown
        ],
        [
            Rebuilding(each.view, each.generation, each.version, each.state, stands[each.view, each.generation])
            for each in every
            if each.state == "building"
        ],
        [each for each in every if each.state in ("ready", "retired")],
        parked.get("*", 0),
    )  # fmt: skip


class _Lag(NamedTuple):
    events: int | None
    seconds: float | None


async def _lags(
    log: EventLog, live: Positions, positions: Mapping[str, Positions], clock: Clock
) -> tuple[Positions, str | None, dict[str, _Lag]]:
    try:
        async with log.reader() as reader:
            bounds = await reader.bounds(list(live))
            head = {partition: held.end for partition, held in bounds.items()}
            lags = {}
            for view, at in positions.items():
                behind = {each: position for each, position in at.items() if position < head.get(each, 0)}
                events = sum(head[each] - position for each, position in behind.items())
                lags[view] = _Lag(events, await _age(reader, behind, clock))
    except LogUnavailableError as error:
        return {}, str(error), dict.fromkeys(positions, _Lag(None, None))
    return head, None, lags


async def _age(reader: LogReader, behind: Positions, clock: Clock) -> float | None:
    """Seconds since the oldest event that is still to be applied was recorded; 0 where there is none."""
    oldest: datetime | None = None
    for partition, position in behind.items():
        with suppress(LogTruncatedError, DecodeError, ValidationError):
            await reader.seek({partition: position})
            for record in await reader.poll(1, _POLL_SECONDS):
                recorded = json.decode(record.value or b"", type=_Recorded).recordedtime
                oldest = recorded if oldest is None else min(oldest, recorded)
    if not behind:
        return 0.0
    return None if oldest is None else max(0.0, (clock() - oldest).total_seconds())


def as_json(found: Status) -> dict[str, Any]:
    """The status in the documented shape."""
    return {
        "head": _by_partition(found.head),
        "log_error": found.log_error,
        "views": [{**view._asdict(), "positions": _by_partition(view.positions)} for view in found.views],
        "building": [
            {
                "name": each.view,
                "generation": each.generation,
                "version": each.version,
                "done": each.done,
                "total": each.total,
                "rate": each.rate,
                "eta_seconds": each.eta_seconds,
                "partitions": {str(p.partition): {"done": p.done, "total": p.total} for p in each.partitions},
            }
            for each in found.building
        ],
        "kept": [
            {
                "name": each.view,
                "generation": each.generation,
                "version": each.version,
                "state": each.state,
                "created_at": each.created_at.isoformat(),
                "switched_at": each.switched_at.isoformat() if each.switched_at else None,
            }
            for each in found.kept
        ],
        "undecodable": found.undecodable,
    }


def _by_partition(positions: Positions) -> dict[str, int]:
    return {str(partition): position for partition, position in positions.items()}


_PARKED_KEYS = """
select view, count(distinct coalesce(stream_key, partition || ':' || log_offset)) as keys
from control.parked_events where discarded_at is null group by view
"""
