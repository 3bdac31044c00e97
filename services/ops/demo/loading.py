"""Posts the demo's events through the front door and waits until the views show them."""

import asyncio
import time
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import asyncpg
import httpx

from shared.position import Position

_BATCH_EVENTS = 200
_MOST_ATTEMPTS = 30
_LONGEST_PAUSE_SECONDS = 2.0
_LOOK_SECONDS = 0.1

Progress = Callable[[int, int], None]
"""Is told how many events were posted, and how many of those the views include."""


class LoadingError(Exception):
    """Events were refused, or the views did not get there; the message says what to look at."""


class Loaded(NamedTuple):
    """What loading did: the position of the last event, and how long it took until the views included it."""

    position: Position
    seconds: float


async def load(
    client: httpx.AsyncClient,
    database: asyncpg.Connection,
    events: Sequence[dict[str, Any]],
    progress: Progress,
) -> Loaded:
    """Posts the events in their order, in batches, and returns when a read at their position is answered.

    May be repeated: what was posted before is dropped as repeats. Raises `LoadingError`.
    """
    began = time.monotonic()
    before = await _applied(database)
    posted = 0
    position = Position({})

    async def report() -> None:
        while True:
            progress(posted, min(posted, await _applied(database) - before))
            await asyncio.sleep(_LOOK_SECONDS)

    reporting = asyncio.create_task(report())
    try:
        for start in range(0, len(events), _BATCH_EVENTS):
            batch = events[start : start + _BATCH_EVENTS]
            position = _further(position, await _post(client, batch))
            posted += len(batch)
        await _until_visible(client, position, events[-1]["data"]["customer"][0])
    finally:
        reporting.cancel()
        await asyncio.gather(reporting, return_exceptions=True)
    progress(posted, posted)
    return Loaded(position, time.monotonic() - began)


async def _post(client: httpx.AsyncClient, batch: Sequence[dict[str, Any]]) -> Position:
    """Posts until every event is accepted: repeating is safe, because repeats are dropped."""
    said = ""
    for attempt in range(_MOST_ATTEMPTS):
        try:
            answer = await client.post("/v1/events", json=batch)
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
        else:
            if answer.status_code == httpx.codes.ACCEPTED:
                return Position.parse(answer.json()["position"])
            said = answer.text[:500]
            if (
                answer.status_code != httpx.codes.SERVICE_UNAVAILABLE
                and '"retryable":true' not in answer.text
            ):
                break
        await asyncio.sleep(min(0.1 * 2**attempt, _LONGEST_PAUSE_SECONDS))
    raise LoadingError(f"ingest did not take the sample: {said}")


async def _until_visible(client: httpx.AsyncClient, position: Position, identifier: dict[str, str]) -> None:
    headers = {"Rapport-At-Least": position.token(), "Prefer": "wait=10"}
    said = ""
    for _ in range(_MOST_ATTEMPTS):
        try:
            answer = await client.post("/v1/customers/lookup", json=identifier, headers=headers)
        except httpx.TransportError as error:
            said = str(error) or type(error).__name__
        else:
            if answer.status_code == httpx.codes.OK:
                return
            said = answer.text[:500]
            if answer.status_code != httpx.codes.SERVICE_UNAVAILABLE:
                break
        await asyncio.sleep(_LOOK_SECONDS)
    raise LoadingError(f"the views did not reach the sample's last event: {said}")


def _further(one: Position, other: Position) -> Position:
    partitions = one.offsets.keys() | other.offsets.keys()
    return Position({each: max(one.offsets.get(each, 0), other.offsets.get(each, 0)) for each in partitions})


async def _applied(database: asyncpg.Connection) -> int:
    applied: int = await database.fetchval("select coalesce(sum(position), 0)::bigint from control.positions")
    return applied
