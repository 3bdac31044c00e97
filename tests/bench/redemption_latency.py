"""From the moment a redemption is due to be asked for until its decision is answered, at 200 a second over Kafka."""

import json
import uuid
from collections.abc import Iterator
from datetime import timedelta

import asyncpg
from prometheus_client import CollectorRegistry

from shared.envelope import RecordedIdentifier
from shared.log.choose import event_log
from shared.log.port import NewRecord
from shared.metrics import Metrics
from tests.bench.deployment import Deployment, on_kafka, positions_sum
from tests.bench.environment import Bench
from tests.bench.keep_alive import Answer, KeepAlive
from tests.bench.loyalty_events import FIRST, recorded
from tests.bench.measurement import Figures, Outcome, Row, Wanted, percentile
from tests.bench.processes import Child, wait_until
from tests.bench.purchases import customers, fill
from tests.bench.scheduled import REQUESTS_A_SECOND, scheduled

_ACCOUNTS = 2_000
_LOTS = 5
_LOT_POINTS = 100_000
_WARM_UP_SECONDS = 3
_CREATED = 201
_P50_MS, _P99_MS = 15, 60


async def measure(bench: Bench) -> Outcome:
    """API and worker as processes of their own; redemptions spread over many accounts, then all of one account."""
    members = customers(_ACCOUNTS)
    async with on_kafka(bench, "redeem") as deployment:
        log = event_log(deployment.settings, Metrics(CollectorRegistry()))
        granted = await fill(log, _grants(members))
        async with deployment.project() as worker, deployment.serve("api") as (_, port):
            await _until_projected(deployment, granted, worker)
            rows: list[Row] = []
            for name, accounts in (("many accounts", members), ("one account", members[:1])):
                rows += await _measure_on(bench, port, name, [member.value for member in accounts])
    return Outcome(tuple(rows))


def _grants(members: list[RecordedIdentifier]) -> Iterator[NewRecord]:
    """A few lots for every account, with more points in them than will be asked for."""
    for number in range(len(members) * _LOTS):
        member = members[number % len(members)]
        data = {
            "account_id": member.value,
            "points": _LOT_POINTS,
            "reason": "to be spent",
            "expires_at": None,
        }
        happened = FIRST + timedelta(seconds=number)
        yield recorded("loyalty.points_earned", data, member, f"grant-{number}", happened)


async def _until_projected(deployment: Deployment, events: int, worker: Child) -> None:
    connection = await asyncpg.connect(deployment.database_url)

    async def is_there() -> bool:
        return await positions_sum(connection) >= events

    try:
        await wait_until(is_there, "the granted points to be in the ledger", while_alive=(worker,))
    finally:
        await connection.close()


async def _measure_on(bench: Bench, port: int, name: str, accounts: list[str]) -> list[Row]:
    await _load(port, accounts, _WARM_UP_SECONDS)
    rounds = [await _load(port, accounts, bench.seconds) for _ in range(bench.rounds)]
    asked = sum(len(latencies) for latencies in rounds)
    note = (
        f"{asked:,} requests, all accepted; from when each was due at {REQUESTS_A_SECOND}/s until its answer"
    )
    return [
        _row(f"redemption p50, {name}", rounds, 0.5, _P50_MS, ""),
        _row(f"redemption p99, {name}", rounds, 0.99, _P99_MS, note),
    ]


def _row(scenario: str, rounds: list[list[float]], share: float, most: float, note: str) -> Row:
    figures = Figures("rapport", tuple(percentile(latencies, share) for latencies in rounds))
    return Row(scenario, "ms", figures, wanted=Wanted(most=most), note=note)


async def _load(port: int, accounts: list[str], seconds: int) -> list[float]:
    """Milliseconds of every redemption; raises `BenchError` where one is not accepted."""

    async def redeem(connection: KeepAlive, number: int) -> Answer:
        headers = {"content-type": "application/json", "idempotency-key": uuid.uuid4().hex}
        body = json.dumps({"points": 10, "reward": "tea"}).encode()
        account_id = accounts[number % len(accounts)]
        return await connection.request(
            "POST", f"/v1/loyalty/accounts/{account_id}/redemptions", headers, body
        )

    return await scheduled(port, redeem, _CREATED, seconds)
