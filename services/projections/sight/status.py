"""Where views stand: generations, positions, how far they are behind the log, and rebuilds under way."""

import asyncio
from collections.abc import Mapping
from typing import Any, NamedTuple

import asyncpg

from services.projections.sight.generations import Generation, generations
from services.projections.sight.lag import Lag, LagReader, total_events, total_seconds
from services.projections.sight.positions import Positions, live_positions, progress
from services.projections.sight.rebuilding import Rebuilding
from services.projections.sight.verifications import Verification, newest_verifications
from shared.clock import Clock
from shared.log.port import EventLog, LogUnavailableError

_SAMPLE_SECONDS = 0.5


class ViewStatus(NamedTuple):
    """A view as readers see it. Lags are None where the log does not tell: it is away, or ends before a position.

    `verification` is the last that had a result, None where none had.
    """

    name: str
    generation: int
    version: int
    state: str
    positions: Positions
    lag_events: int | None
    lag_seconds: float | None
    rate: float
    parked_keys: int
    verification: Verification | None


class Status(NamedTuple):
    """Everything. `head` is where the log ends, empty where it does not answer, and `log_error` says why."""

    head: Positions
    log_error: str | None
    views: list[ViewStatus]
    building: list[Rebuilding]
    kept: list[Generation]
    undecodable: int


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
    head, error, lags = await _lags(log, live, positions)
    now = clock()
    compared = await newest_verifications(connection)
    parked = {row["view"]: row["keys"] for row in await connection.fetch(_PARKED_KEYS)}
    return Status(
        head,
        error,
        [
            ViewStatus(
                each.view, each.generation, each.version, each.state, positions[each.view],
                total_events(lags[each.view]), total_seconds(lags[each.view], now),
                rate if each.state == "live" else 0.0, parked.get(each.view, 0),
                compared.get(each.view),
            )
            for each in every
            if each.shown
        ],
        [
            Rebuilding.of(each, stands[each.view, each.generation], now)
            for each in every
            if each.state == "building"
        ],
        [each for each in every if each.state in ("ready", "retired")],
        parked.get("*", 0),
    )  # fmt: skip


async def _lags(
    log: EventLog, live: Positions, positions: Mapping[str, Positions]
) -> tuple[Positions, str | None, dict[str, list[Lag]]]:
    try:
        async with log.reader() as reader:
            bounds = await reader.bounds(list(live))
            lags = await LagReader(reader).lags(bounds, positions)
    except LogUnavailableError as error:
        return {}, str(error), {view: [Lag(None, None)] for view in positions}
    head = {partition: held.end for partition, held in bounds.items()}
    return head, None, {view: list(each.values()) for view, each in lags.items()}


def as_json(found: Status) -> dict[str, Any]:
    """The status in the documented shape."""
    return {
        "head": _by_partition(found.head),
        "log_error": found.log_error,
        "views": [
            {
                **view._asdict(),
                "positions": _by_partition(view.positions),
                "verification": _verified(view.verification),
            }
            for view in found.views
        ],
        "building": [
            {
                "name": each.view,
                "generation": each.generation,
                "version": each.version,
                "done": each.done,
                "total": each.total,
                "rate": each.rate,
                "standstill_seconds": each.standstill_seconds,
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


def _verified(found: Verification | None) -> dict[str, Any] | None:
    if found is None:
        return None
    return {
        "generation": found.generation,
        "state": found.state,
        "ended_at": found.ended_at.isoformat() if found.ended_at else None,
        "position": found.position,
        "rows": found.rows,
        "differing": found.differing,
    }


def _by_partition(positions: Positions) -> dict[str, int]:
    return {str(partition): position for partition, position in positions.items()}


_PARKED_KEYS = """
select view, count(distinct coalesce(stream_key, partition || ':' || log_offset)) as keys
from control.parked_events where discarded_at is null group by view
"""
