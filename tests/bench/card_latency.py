"""From the moment a recognition card is due to be asked for until it is answered, at 200 a second."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice
from random import Random
from typing import Any, Final

import asyncpg

from shared.identifiers import customer_id_of
from tests.bench.deployment import Deployment, on_embedded_log, positions_sum
from tests.bench.environment import Bench
from tests.bench.keep_alive import Answer, KeepAlive
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted, percentile
from tests.bench.processes import Child, wait_until
from tests.bench.purchases import customers
from tests.bench.scheduled import REQUESTS_A_SECOND, scheduled

_GUESTS: Final = 2_000
_VISITS: Final = 6
_WARM_UP_SECONDS: Final = 3
_P99_MS: Final = 20
_OK: Final = 200
_ACCEPTED: Final = 202
_BATCH: Final = 500
_SEED: Final = 4096


async def measure(bench: Bench) -> Outcome:
    """One API process; cards of guests drawn at random, of whom everything that a card tells is known."""
    async with on_embedded_log(bench, "cards") as deployment:
        await filled(bench, deployment)
        ids = [customer_id_of(member.party_id) for member in customers(_GUESTS)]
        Random(_SEED).shuffle(ids)

        async def card(connection: KeepAlive, number: int) -> Answer:
            path = f"/v1/customers/{ids[number % len(ids)]}/card?purpose=greeting"
            return await connection.request("GET", path)

        async with deployment.serve("api") as (_, port):
            await _check(port, ids[0])
            await scheduled(port, card, _OK, _WARM_UP_SECONDS)
            rounds = [await scheduled(port, card, _OK, bench.seconds) for _ in range(bench.rounds)]
    asked = sum(len(latencies) for latencies in rounds)
    note = f"{asked:,} cards; from when each was due at {REQUESTS_A_SECOND}/s until its answer"
    return Outcome(
        (_row("card p50", rounds, 0.5, None, ""), _row("card p99", rounds, 0.99, Wanted(most=_P99_MS), note))
    )


def _row(scenario: str, rounds: list[list[float]], share: float, wanted: Wanted | None, note: str) -> Row:
    figures = Figures("rapport", tuple(percentile(latencies, share) for latencies in rounds))
    return Row(scenario, "ms", figures, wanted=wanted, note=note)


async def _check(port: int, customer_id: str) -> None:
    """Raises `BenchError` where a card does not say what the load is about."""
    async with KeepAlive(port) as connection:
        answer = await connection.request("GET", f"/v1/customers/{customer_id}/card?purpose=greeting")
    card = json.loads(answer.body)
    said = ("name", "tier", "last_visit", "favourites", "open_complaints", "tasks_due", "consents")
    if answer.status != _OK or not all(card[name] for name in said):
        raise BenchError(f"a card answered {answer.status}: {answer.body[:600]!r}")


async def filled(bench: Bench, deployment: Deployment) -> None:
    """Posts what is known of every guest, so that it is sealed as it would be, and waits until the views have it."""
    now = datetime.now(UTC)
    events = (event for number in range(_GUESTS) for event in _guest(number, now))
    posted = 0
    headers = {"content-type": "application/json"}
    bench.say(f"posting what is known of {_GUESTS:,} guests")
    async with (
        deployment.serve("ingest") as (_, port),
        deployment.project() as worker,
        KeepAlive(port) as connection,
    ):
        while batch := list(islice(events, _BATCH)):
            answer = await connection.request("POST", "/v1/events", headers, json.dumps(batch).encode())
            if answer.status != _ACCEPTED:
                raise BenchError(f"ingest answered {answer.status}: {answer.body[:300]!r}")
            posted += len(batch)
        await _until_projected(deployment, posted, worker)


async def _until_projected(deployment: Deployment, events: int, worker: Child) -> None:
    connection = await asyncpg.connect(deployment.database_url)

    async def is_there() -> bool:
        return await positions_sum(connection) >= events

    try:
        await wait_until(is_there, "the guests to be in the views", while_alive=(worker,))
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


def _guest(number: int, now: datetime) -> Iterator[dict[str, Any]]:
    """Twenty events of a guest: who they are, visits and bills, points, a complaint, a task, words on consents."""
    member = f"M{number}"
    customer = {"customer": [{"type": "member", "value": member}]}

    def event(what: str, type_: str, days_before: float, **data: Any) -> dict[str, Any]:
        return {
            "specversion": "1.0", "id": f"{what}-{number}", "source": "/bench/guests", "type": type_,
            "time": (now - timedelta(days=days_before)).isoformat(), "channel": "store", "data": {**customer, **data},
        }  # fmt: skip

    birthday = (now + timedelta(days=number % 10)).strftime("--%m-%d")
    attributes = {
        "name": f"Guest {number}", "salutation": "Ms", "language": "en", "birthday": birthday,
        "address": f"{number} Long Street", "preferences": {"seat": "window"}, "dietary": "no nuts",
    }  # fmt: skip
    yield event("described", "customer.described", 400, attributes=attributes)
    for visit in range(_VISITS):
        days = 390 - 60 * visit
        details = {"seat": f"terrace {visit}", "menu": "set B"}
        yield event(
            f"visit-{visit}", "interaction.recorded", days, kind="visit", category="sales", details=details
        )
        yield event(f"bill-{visit}", "purchase.completed", days - 0.1, **_bill(number, visit))
    points = {"account_id": member, "points": 500, "reason": "welcome", "expires_at": None}
    yield event("points", "loyalty.points_earned", 380, **points)
    yield event("consent", "consent.changed", 399, purpose="marketing", granted=True)
    yield event("no-sms", "consent.changed", 398, purpose="marketing", granted=False, channel="sms")
    complaint = {
        "complaint_id": f"C-{number}",
        "summary": "cold soup",
        "cause": "quality_below_expectation",
        "severity": "normal",
    }
    yield event("complaint", "complaint.opened", 30, **complaint)
    task = {
        "task_id": f"T-{number}",
        "title": "call back",
        "due_at": now.isoformat(),
        "assignee": {"person": "kim"},
    }
    yield event("task", "task.created", 29, **task)


def _bill(number: int, visit: int) -> dict[str, Any]:
    price = {"amount": "10.00", "currency": "EUR"}
    lines = [
        {
            "sku": f"dish-{(number + visit * each) % 50}",
            "description": "A dish",
            "quantity": 1 + each,
            "unit_price": price,
        }
        for each in range(3)
    ]
    total = {"amount": "60.00", "currency": "EUR"}
    return {"order_id": f"bill-{number}-{visit}", "total": total, "promised_total": total, "lines": lines}
