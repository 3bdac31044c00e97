"""The list of overdue complaints and the report, over HTTP, among a million complaints."""

import json
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any, get_args
from urllib.parse import quote

import asyncpg

from services.projections.complaints.evolve import Evolve, evolve
from services.projections.complaints.report import Grouping
from services.projections.complaints.tables import COMPLAINTS
from services.projections.read_models.declaration import Needs, Row
from services.projections.rules import default_rules
from shared.codec import decode_record
from shared.envelope import RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.log.port import StoredRecord
from tests.bench.complaint_events import FIRST, complaint_event, life_of
from tests.bench.deployment import Deployment, on_embedded_log
from tests.bench.environment import Bench
from tests.bench.keep_alive import KeepAlive
from tests.bench.measurement import BenchError, Figures, Outcome, Wanted, percentile
from tests.bench.measurement import Row as Line
from tests.bench.purchases import customers

_COMPLAINTS = 1_000_000
_LIVES = 1_000
_UNFINISHED_ONE_IN = 20
_PAGES = 400
_WARM_UP_PAGES = 40
_FILL_SECONDS = 600
_OK = 200
_COLUMNS = [column.name for column in COMPLAINTS.columns]
_REPORT = "/v1/complaints/report?from=2000-01-01T00:00:00Z&to=2100-01-01T00:00:00Z&by="

_MULTIPLY = """
insert into {table} ({columns})
select {values} from lives cross join generate_series(1, {copies}) copy
"""


async def measure(bench: Bench) -> Outcome:
    """One API process; pages of the overdue one after the other to their end and again, then each report."""
    count = max(bench.count(_COMPLAINTS) // _LIVES, 1) * _LIVES
    overdue: list[float] = []
    reports: dict[Grouping, list[float]] = {by: [] for by in get_args(Grouping)}
    async with (
        _filled(bench, count) as deployment,
        deployment.serve("api") as (_, port),
        KeepAlive(port) as connection,
    ):
        await _overdue_pages(connection, _WARM_UP_PAGES)
        for _ in range(bench.rounds):
            overdue.append(percentile(await _overdue_pages(connection, _PAGES), 0.99))
            for by, taken in reports.items():
                taken.append(await _timed(connection, _REPORT + by))
    slowest = [max(taken[number] for taken in reports.values()) for number in range(bench.rounds)]
    by_grouping = ", ".join(f"{by} {sorted(taken)[len(taken) // 2]:.0f}" for by, taken in reports.items())
    return Outcome(
        (
            Line(
                f"overdue list among {count:,}, p99", "ms", Figures("rapport", tuple(overdue)),
                wanted=Wanted(most=20), note=f"{_PAGES} pages of 50 a round, one after the other",
            ),
            Line(
                f"report over {count:,}, slowest grouping", "ms", Figures("rapport", tuple(slowest)),
                wanted=Wanted(most=2_000), note=f"medians: {by_grouping}",
            ),
        )
    )  # fmt: skip


@asynccontextmanager
async def _filled(bench: Bench, count: int) -> AsyncIterator[Deployment]:
    """A deployment whose view holds so many complaints: a thousand lives, folded, and copies of them in bulk."""
    async with on_embedded_log(bench, "complaints") as deployment:
        bench.say(f"writing {count:,} complaints")
        connection = await asyncpg.connect(deployment.database_url)
        try:
            generation = await connection.fetchval(
                "select generation from control.generations where view = 'complaints' and state = 'live'"
            )
            table = f"complaints_g{generation}.complaints"
            await connection.execute(f"create temporary table lives (like {table})")
            await connection.copy_records_to_table("lives", records=_records(), columns=_COLUMNS)
            values = {name: name for name in _COLUMNS}
            values["complaint_id"] = "complaint_id || '-' || copy"
            for name in ("opened_at", "next_due_at", "next_escalation_at", "resolved_at", "latest"):
                values[name] = f"{name} - copy * interval '17 minutes'"
            statement = _MULTIPLY.format(
                table=table,
                copies=count // _LIVES,
                columns=", ".join(values),
                values=", ".join(values.values()),
            )
            await connection.execute("set synchronous_commit = off")
            await connection.execute(statement, timeout=_FILL_SECONDS)
            await connection.execute(f"vacuum analyze {table}", timeout=_FILL_SECONDS)
            await connection.execute("checkpoint", timeout=_FILL_SECONDS)
        finally:
            await connection.close()
        yield deployment


def _records() -> list[list[Any]]:
    """A thousand complaints as rows: one in twenty goes on, the others have ended."""
    fold = evolve(default_rules().policies.history)
    members = customers(_LIVES)
    found = []
    for number in range(_LIVES):
        steps = len(life_of(number)) - (2 if number % _UNFINISHED_ONE_IN == 0 else 0)
        row = _folded(fold, number, steps, members)
        record: Mapping[str, Any] = {"complaint_id": f"C-{number:07d}", "part": 0, **row}
        found.append(
            [json.dumps(each) if isinstance(each, dict | list) else each for each in map(record.get, _COLUMNS)]
        )  # fmt: skip
    return found


def _folded(fold: Evolve, number: int, steps: int, members: list[RecordedIdentifier]) -> Row:
    catalogue = Catalogue()
    key = (f"C-{number:07d}", 0)
    rows: Mapping[Any, Row | None] = {key: None}
    for step in range(max(steps, 1)):
        happened = FIRST + timedelta(minutes=90 * number, hours=2 * step)
        record = complaint_event(number, step, happened, members)
        stored = StoredRecord(0, number, record.key, record.value)
        evolved = fold(rows, decode_record(stored, catalogue))
        if isinstance(evolved, Needs):
            raise BenchError("a complaint's life began with an event before its opening")
        rows = {**rows, **evolved.rows}
    row = rows[key]
    if row is None:
        raise BenchError("a complaint's life left no row")
    return row


async def _overdue_pages(connection: KeepAlive, count: int) -> list[float]:
    """Milliseconds of so many pages, from the first to the last and again."""
    path = "/v1/complaints?overdue=true&limit=50"
    taken: list[float] = []
    cursor: str | None = None
    while len(taken) < count:
        began = time.perf_counter()
        answer = await connection.request("GET", path + (f"&cursor={quote(cursor)}" if cursor else ""))
        taken.append((time.perf_counter() - began) * 1e3)
        page = json.loads(answer.body)
        if answer.status != _OK or not page["items"]:
            raise BenchError(f"the list of the overdue answered {answer.status}: {answer.body[:300]!r}")
        cursor = page["next_cursor"]
    return taken


async def _timed(connection: KeepAlive, path: str) -> float:
    began = time.perf_counter()
    answer = await connection.request("GET", path)
    taken = (time.perf_counter() - began) * 1e3
    if answer.status != _OK or not json.loads(answer.body)["items"]:
        raise BenchError(f"{path} answered {answer.status}: {answer.body[:300]!r}")
    return taken
