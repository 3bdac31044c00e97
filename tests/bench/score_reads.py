"""Pages of customers at risk among a million rows of scores, and the scores of single customers."""

import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from random import Random
from typing import Any, Final

import asyncpg

from services.scoring.score_tables import finish_table, next_schema, show
from tests.bench.deployment import on_embedded_log
from tests.bench.environment import Bench
from tests.bench.keep_alive import KeepAlive
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted, percentile
from tests.scored_customers import CUTS, FIGURES, MBG, SETTINGS, SPEND

_ROWS: Final = 1_000_000
_AT_RISK: Final = 100_000
_DAYS: Final = 20
"""Purchase days of a customer at most; they have 3 at least, and 11 on the average."""
_PAGES: Final = 400
_SCORES: Final = 1_500
_WARM_UP: Final = 50
_PAGE_P99_MS: Final = 20
_SCORES_P99_MS: Final = 15
_OK: Final = 200
_SEED: Final = 97
_RUN_ID: Final = "run-bench"
_AS_OF: Final = datetime(2026, 10, 1, tzinfo=UTC)


async def measure(bench: Bench) -> Outcome:
    """One API process, one connection, one request after the other; pages of 50 from all over the list."""
    rows, at_risk = bench.count(_ROWS), bench.count(_AT_RISK)
    async with on_embedded_log(bench, "scores") as deployment:
        connection = await asyncpg.connect(deployment.database_url)
        try:
            bench.say(f"filling {rows:,} rows of scores, and what {at_risk:,} customers at risk bought")
            await _filled(connection, rows, at_risk)
            customers = await connection.fetch(
                "select 'cus_' || substr(party, 5) as id from live.scores where profiled limit 5000"
            )
        finally:
            await connection.close()
        ids = [row["id"] for row in customers]
        Random(_SEED).shuffle(ids)
        scores = [f"/v1/customers/{ids[each % len(ids)]}/scores" for each in range(_SCORES)]
        async with deployment.serve("api") as (_, port), KeepAlive(port) as client:
            pages = await _pages(client)
            Random(_SEED).shuffle(pages)
            for warming in (pages, scores):
                await _latencies(client, warming[:_WARM_UP])
            rounds = [
                (await _latencies(client, pages), await _latencies(client, scores))
                for _ in range(bench.rounds)
            ]
    return Outcome(
        (
            _row("customers at risk, a page of 50, p50", [each[0] for each in rounds], 0.5, None),
            _row("customers at risk, a page of 50, p99", [each[0] for each in rounds], 0.99, _PAGE_P99_MS),
            _row("scores of a customer, p50", [each[1] for each in rounds], 0.5, None),
            _row("scores of a customer, p99", [each[1] for each in rounds], 0.99, _SCORES_P99_MS),
        )
    )


def _row(scenario: str, rounds: Sequence[Sequence[float]], share: float, most: int | None) -> Row:
    figures = Figures("rapport", tuple(percentile(list(each), share) for each in rounds))
    wanted = None if most is None else Wanted(most=most)
    note = "" if most is None else f"{sum(len(each) for each in rounds):,} requests, among {_ROWS:,} rows"
    return Row(scenario, "ms", figures, wanted=wanted, note=note)


async def _pages(client: KeepAlive) -> list[str]:
    """Paths of pages that follow each other from the beginning of the list."""
    path = f"/v1/customers/at-risk?as_of={_AS_OF.isoformat().replace('+00:00', 'Z')}"
    paths = [path]
    while len(paths) < _PAGES:
        answer = await client.request("GET", paths[-1])
        page = json.loads(answer.body)
        if answer.status != _OK or not page["items"]:
            raise BenchError(f"a page of customers at risk answered {answer.status}: {answer.body[:400]!r}")
        if page["next_cursor"] is None:
            break
        paths.append(f"{path}&cursor={page['next_cursor']}")
    return paths


async def _latencies(client: KeepAlive, paths: Sequence[str]) -> list[float]:
    """Milliseconds of each request, one after the other."""
    taken = []
    for path in paths:
        began = time.perf_counter()
        answer = await client.request("GET", path)
        taken.append((time.perf_counter() - began) * 1000)
        if answer.status != _OK:
            raise BenchError(f"{path} answered {answer.status}: {answer.body[:400]!r}")
    return taken


async def _filled(connection: asyncpg.Connection, rows: int, at_risk: int) -> None:
    """Rows as a run leaves them, and under those at risk what they are read again from: 3 to 20 purchase days."""
    await connection.execute("set synchronous_commit = off")
    await connection.execute("set timezone = 'UTC'")
    schema = await next_schema(connection)
    for statement in (_PARTIES, _CONSENTS, _PURCHASES.format(days=_DAYS)):
        await connection.execute(statement.format(at_risk=at_risk))
    await connection.execute(_SCORE_ROWS.format(schema=schema, rows=rows, at_risk=at_risk, days=_DAYS))
    await finish_table(connection, schema)
    await connection.execute(_RUN, _RUN_ID, _AS_OF, _run())
    await show(connection, schema)
    await connection.execute("vacuum analyze")


def _run() -> str:
    document: dict[str, Any] = {
        "run_id": _RUN_ID, "as_of": _AS_OF.isoformat(), "position": "0:1", "customers": _ROWS,
        "parameters": {"mbg_nbd": MBG, "gamma_gamma": SPEND}, "cuts": CUTS, "settings": SETTINGS, "figures": FIGURES,
    }  # fmt: skip
    return json.dumps(document)


_PARTY: Final = "'pty_' || substr(translate(md5(number::text), '0189', 'ghij'), 1, 26)"
_PARTIES: Final = f"""
insert into live.identity_parties (party_id, type, first_seen, last_seen)
select {_PARTY}, 'member', '2025-01-01', '2025-07-01' from generate_series(1, {{at_risk}}) number
"""  # noqa: S608 - fixed texts
_CONSENTS: Final = f"""
insert into live.consents (party, purpose, channel, granted, time, event_id)
select {_PARTY}, 'profiling', '', true, '2025-01-01', 'c' from generate_series(1, {{at_risk}}) number
"""  # noqa: S608 - fixed texts
_PURCHASES: Final = f"""
insert into live.purchases (party, time, partition, log_offset, event_id, order_id, total, currency)
select {_PARTY}, timestamptz '2025-01-01 12:00Z' + day * interval '1 day' * (5 + number % 17), 0,
    number::bigint * {{days}} + day, 'e', number || '-' || day, 10 + number % 90, 'EUR'
from generate_series(1, {{{{at_risk}}}}) number, generate_series(0, 2 + number % ({{days}} - 2)) day
"""  # noqa: S608 - fixed texts
_SCORE_ROWS: Final = f"""
insert into {{schema}}.scores (party, parties, run_id, as_of, purchase_days, p_alive, silent_from, value_at_stake,
    tier, tier_rank, lifecycle, loyalty_type, currency_mixed, profiled)
select {_PARTY}, array[{_PARTY}], '{_RUN_ID}', '{_AS_OF.isoformat()}',
    case when number <= {{at_risk}} then 3 + number % ({{days}} - 2) else 1 + number % 2 end, 0.4,
    timestamptz '2025-09-01 12:00Z' + number % 300 * interval '1 day', (hashint4(number) & 1048575)::numeric / 100,
    'C', 4, 'declining', 'unknown', false, number <= {{at_risk}}
from generate_series(1, {{rows}}) number
"""  # noqa: S608 - fixed texts
_RUN: Final = """
insert into live.analytics_runs (run_id, time, event_id, as_of, customers, run) values ($1, $2, 'run', $2, 1000000, $3)
"""
