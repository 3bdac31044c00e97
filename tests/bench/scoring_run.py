"""A scoring run over a million customers: how long it takes from the first read to the rows that lists read, and the
most memory its process holds.

The rows of the views are made in PostgreSQL rather than projected from events, which would take an hour: parties,
links, purchases, refunds and consents, as the projections would leave them. Customers differ in how often they buy and
in how long they stay, so that the models have something to find.
"""

import asyncio
import json
import sys
import time
from pathlib import Path
from typing import Final, NamedTuple

import asyncpg

from tests.bench.deployment import COMMAND, Deployment, on_embedded_log
from tests.bench.environment import PROJECT, PYTHON, Bench
from tests.bench.measurement import BenchError, Figures, Outcome, Row, Wanted

_CUSTOMERS: Final = 1_000_000
_RUNS: Final = 2
_MOST_SECONDS: Final = 120
_MOST_MB: Final = 2_000
_LONGEST_SECONDS: Final = 900
_WRAP: Final = """
import resource, subprocess, sys
ended = subprocess.run(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(ended.returncode)
"""
"""Runs a command and tells the peak of its resident memory, in kilobytes, as the kernel kept it."""


class _Run(NamedTuple):
    seconds: float
    megabytes: float
    purchases: int
    customers: int


async def measure(bench: Bench) -> Outcome:
    """Whole runs of `rapport score`, each a process that starts with nothing."""
    async with on_embedded_log(bench, "scoring") as deployment:
        customers = bench.count(_CUSTOMERS)
        bench.say(f"making the rows of {customers:,} customers")
        purchases = await _fill(deployment.database_url, customers)
        runs = [await _score(deployment, bench, purchases) for _ in range(min(bench.rounds, _RUNS))]
    found = runs[0].customers
    note = f"{found:,} customers, {purchases:,} purchases; reading, fitting, looking back and writing rows"
    return Outcome(
        (
            Row("scoring run", "s", Figures("rapport score", tuple(each.seconds for each in runs)),
                wanted=Wanted(most=_MOST_SECONDS), note=note),
            Row("scoring run, peak resident memory", "MB",
                Figures("rapport score", tuple(each.megabytes for each in runs)), wanted=Wanted(most=_MOST_MB),
                note="of its process; PostgreSQL's sorts are bounded to 128 MB each"),
        )
    )  # fmt: skip


async def _score(deployment: Deployment, bench: Bench, purchases: int) -> _Run:
    began = time.monotonic()
    out = bench.output("score")
    with Path(out).open("wb") as errors:  # noqa: ASYNC230 - nothing else runs in this loop
        process = await asyncio.create_subprocess_exec(
            PYTHON, "-c", _WRAP, *COMMAND, "score", "--json", "--as-of", "2026-01-01T00:00:00Z",
            env=bench.process_environment(**deployment.variables), cwd=PROJECT, stdout=asyncio.subprocess.PIPE,
            stderr=errors,
        )  # fmt: skip
        answer, _ = await asyncio.wait_for(process.communicate(), _LONGEST_SECONDS)
    seconds = time.monotonic() - began
    said = out.read_text().strip().splitlines()
    if process.returncode:
        raise BenchError(f"the run ended with exit code {process.returncode}: {' '.join(said)[-500:]}")
    run = json.loads(answer)
    if run["parameters"].get("mbg_nbd") is None or run["figures"]["lifecycles"]["mature"] == 0:
        raise BenchError(f"the run fitted nothing: {run['notes']}")
    kilobytes = int(said[-1]) if sys.platform != "darwin" else int(said[-1]) / 1024
    return _Run(seconds, kilobytes * 1024 / 10**6, purchases, run["customers"])


async def _fill(url: str, customers: int) -> int:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute("select setseed(0.42)")
        await connection.execute("set work_mem = '256MB'")
        for statement in _ROWS:
            filled = statement
            for name, stands_for in {**_NAMES, "CUSTOMERS": str(customers)}.items():
                filled = filled.replace(name, stands_for)
            await connection.execute(filled)
        await connection.execute("vacuum analyze")
        found: int = await connection.fetchval("select count(*) from live.purchases")
        return found
    finally:
        await connection.close()


_NAMES: Final = {
    "MEMBER": "'pty_' || md5('member' || n)",
    "EMAIL": "'pty_' || md5('email' || n)",
    "DAYS": "730",
}
_ROWS: Final = (
    """
    create temporary table buyer as
    select n, timestamptz '2024-01-02' + random() * interval 'DAYS days' as first,
        exp(3.4 + sqrt(-2 * ln(1 - random())) * cos(6.2832 * random())) as gap,
        least(0.9999, greatest(0.0001, 1 - (1 - random()) ^ (1 / 1.6))) as leaves,
        exp(3 + 0.7 * sqrt(-2 * ln(1 - random())) * cos(6.2832 * random())) as spends
    from generate_series(1, CUSTOMERS) n
    """,
    """
    insert into live.identity_parties (party_id, type, first_seen, last_seen)
    select MEMBER, 'member', first, first from buyer
    union all select EMAIL, 'email', first, first from buyer where n % 4 = 0
    """,
    """
    insert into live.identity_pairs (party_id, other_party_id, other_type, shared_at, event_link)
    select MEMBER, EMAIL, 'email', 0, 'l' || n from buyer where n % 4 = 0
    union all select EMAIL, MEMBER, 'member', 0, 'l' || n from buyer where n % 4 = 0
    """,
    """
    insert into live.purchases (party, time, partition, log_offset, event_id, order_id, total, currency, coupons, skus,
        categories)
    select case when n % 4 = 0 and visit % 2 = 1 then EMAIL else MEMBER end, time, n % 12,
        row_number() over (), 'e' || n || '-' || visit, 'o' || n || '-' || visit,
        round((spends * (0.5 + random()))::numeric, 2), 'EUR',
        case when random() < 0.2 then '["SPRING"]'::jsonb end,
        case when n % 4 = 1 then jsonb_build_array('sku-' || (n * 7 + visit) % 5000, 'sku-' || (n * 13 + visit) % 900)
        end,
        case when n % 4 = 1 then jsonb_build_object('category-' || n % 17, '9.90', 'category-' || visit % 5, '5') end
    from (
        select n, spends, visit,
            first + sum(case when visit = 0 then 0 else -ln(1 - random()) * gap end)
                over (partition by n order by visit) * interval '1 day' as time
        from buyer, generate_series(0, least(60, floor(ln(1 - random()) / ln(1 - leaves)))::integer) visit
    ) made
    where time < timestamptz '2026-01-01'
    """,
    """
    insert into live.refunds (party, order_id, refund_id, time, event_id, amount, currency)
    select party, order_id, 'r', time + interval '3 days', 'r' || event_id, total, currency
    from live.purchases where log_offset % 40 = 0
    """,
    """
    insert into live.consents (party, purpose, channel, granted, time, event_id)
    select MEMBER, 'profiling', '', n % 3 > 0, first, 'c' || n from buyer where n % 2 = 0
    """,
)  # fmt: skip
"""A quarter of the customers are two linked parties whose purchases come by both; every fortieth order is given back;
a quarter of the orders tell items and categories; half of the customers said something about profiling.
"""
