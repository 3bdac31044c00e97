"""From the answer to a POST until the timeline shows the event, at a steady 500 events a second."""

import asyncio
import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime

from shared.events.vocabulary import Identifier
from shared.identifiers import PartyIds, normalise
from tests.bench.deployment import Deployment, on_embedded_log, on_kafka
from tests.bench.environment import PEPPER, Bench
from tests.bench.keep_alive import Pool, connections
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted, percentile

_EVENTS_A_SECOND = 500
_PROBED = 5  # one event in so many is looked for, so that the search is not the load
_CUSTOMERS = 2_000
_CONNECTIONS = 64
_WARM_UP_SECONDS = 2
_LEAST_SHARE_OF_RATE = 0.97


@dataclass(slots=True)
class _Seen:
    """Milliseconds from POST answered to visible, milliseconds of the POSTs, seconds of the whole load."""

    fresh: list[float] = field(default_factory=list)
    posted: list[float] = field(default_factory=list)
    seconds: float = 0.0


async def measure(bench: Bench) -> Outcome:
    """Ingest, worker and API as processes of their own: over Kafka, then over the embedded log."""
    rows: list[Row] = []
    for name, deployed in (("Kafka", on_kafka), ("embedded log", on_embedded_log)):
        async with deployed(bench, "fresh") as deployment:
            rows += await _measure_on(bench, name, deployment)
    return Outcome(tuple(rows))


async def _measure_on(bench: Bench, name: str, deployment: Deployment) -> list[Row]:
    async with (
        deployment.project(),
        deployment.serve("ingest") as (_, ingest_port),
        deployment.serve("api") as (_, api_port),
    ):
        customers = _customers(deployment)
        await _load(ingest_port, api_port, customers, _WARM_UP_SECONDS)
        rounds = [await _load(ingest_port, api_port, customers, bench.seconds) for _ in range(bench.rounds)]
    probes = sum(len(seen.fresh) for seen in rounds)
    rate = sum(len(seen.posted) for seen in rounds) / sum(seen.seconds for seen in rounds)
    if rate < _EVENTS_A_SECOND * _LEAST_SHARE_OF_RATE:
        raise BenchError(f"freshness over {name}: the load reached {rate:.0f} of {_EVENTS_A_SECOND} events/s")
    posts = [value for seen in rounds for value in seen.posted]
    note = (
        f"{probes:,} of {len(posts):,} events looked for at {rate:.0f} events/s; POST itself p50 "
        f"{percentile(posts, 0.5):.1f} ms, p99 {percentile(posts, 0.99):.1f} ms"
    )
    return [
        _row(f"freshness p50, {name}", rounds, 0.5, None, ""),
        _row(f"freshness p99, {name}", rounds, 0.99, Wanted(most=50), note),
    ]


def _row(scenario: str, rounds: list[_Seen], share: float, wanted: Wanted | None, note: str) -> Row:
    figures = Figures("rapport", tuple(percentile(seen.fresh, share) for seen in rounds))
    return Row(scenario, "ms", figures, wanted=wanted, note=note)


async def _load(ingest_port: int, api_port: int, customers: list[tuple[str, str]], seconds: int) -> _Seen:
    """Posts on a fixed schedule, whether or not earlier answers have come; looks for every fifth event."""
    seen = _Seen()
    async with (
        connections(ingest_port, _CONNECTIONS) as posting,
        connections(api_port, _CONNECTIONS) as reading,
        asyncio.TaskGroup() as group,
    ):
        begun = time.perf_counter()
        for number in range(_EVENTS_A_SECOND * seconds):
            due = begun + number / _EVENTS_A_SECOND
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            member, party_id = customers[number % len(customers)]
            group.create_task(_one(seen, posting, reading, member, party_id, probed=number % _PROBED == 0))
    seen.seconds = time.perf_counter() - begun
    return seen


async def _one(
    seen: _Seen, posting: Pool, reading: Pool, member: str, party_id: str, *, probed: bool
) -> None:
    event_id = uuid.uuid4().hex
    begun = time.perf_counter()
    async with posting.connection() as connection:
        answer = await connection.request(
            "POST", "/v1/events", {"content-type": "application/json"}, _event(event_id, member)
        )
    answered = time.perf_counter()
    if answer.status != 202:
        raise BenchError(f"POST /v1/events answered {answer.status}: {answer.body[:300]!r}")
    seen.posted.append((answered - begun) * 1e3)
    if not probed:
        return
    position = json.loads(answer.body)["position"]
    async with reading.connection() as connection:
        page = await connection.request(
            "GET",
            f"/v1/customers/{party_id}/timeline?limit=5",
            {"rapport-at-least": position, "prefer": "wait=5"},
        )
    visible = time.perf_counter()
    if page.status != 200 or event_id.encode() not in page.body:
        raise BenchError(f"the timeline answered {page.status} without the event: {page.body[:300]!r}")
    seen.fresh.append((visible - answered) * 1e3)


def _customers(deployment: Deployment) -> list[tuple[str, str]]:
    party_ids = PartyIds(PEPPER)
    region = deployment.settings.phone_region
    members = [f"F{number}" for number in range(_CUSTOMERS)]
    return [(member, _party_of(party_ids, member, region)) for member in members]


def _party_of(party_ids: PartyIds, member: str, region: str) -> str:
    identifier = normalise(Identifier("member", member), region)
    assert identifier is not None
    return party_ids.of(identifier.type, identifier.value)


def _event(event_id: str, member: str, now: Callable[[], datetime] = lambda: datetime.now(UTC)) -> bytes:
    event = {
        "specversion": "1.0", "id": event_id, "source": "/store/bench/till-1", "type": "purchase.completed",
        "time": now().isoformat(), "channel": "store",
        "data": {
            "customer": [{"type": "member", "value": member}], "order_id": event_id,
            "total": {"amount": "9.95", "currency": "EUR"},
            "lines": [{"sku": "tea-250", "quantity": 1, "unit_price": {"amount": "9.95", "currency": "EUR"}}],
        },
    }  # fmt: skip
    return json.dumps(event).encode()
