"""Rebuilding beside the live views: equal rows, one at a time, at a bounded pace, resumed, from either source."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import asyncpg
import pytest

from services.projections.engine.operating import ViewBusyError
from services.projections.engine.rebuild import Progress, RebuildRefusedError, rebuild
from services.projections.engine.rebuild_workers import Bulk, run_workers
from services.projections.engine.shadow import EventRefusedByViewError
from services.projections.read_models.timeline import TIMELINE
from tests.databases import empty_views
from tests.declared import READ_MODELS
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, end_of, event_ids, projection, purchase, reached, views_given, worker
from tests.rebuilding import rebuilding, rows_of, shown
from tests.strategies import JsonObject

EVENTS = 300


@pytest.fixture
async def connection(database_url: str) -> AsyncIterator[asyncpg.Connection]:
    await empty_views(database_url, partitions=4)
    connection = await asyncpg.connect(database_url)
    yield connection
    await connection.close()


def bought(number: int) -> JsonObject:
    """A purchase of two items at a price that was promised."""
    posted = purchase(number, f"M{number % 23}")
    euro = {"amount": "6.25", "currency": "EUR"}
    lines = [{"sku": sku, "quantity": 1, "unit_price": euro} for sku in ("tea", f"cup-{number % 5}")]
    promised = {"amount": f"{10 + number % 4}.50", "currency": "EUR"}
    return {**posted, "data": {**posted["data"], "lines": lines, "promised_total": promised}}


async def projected_log(connection: asyncpg.Connection, database_url: str, **changed: Any) -> MemoryLog:
    """A log with repeats and an undecodable record, applied by a worker."""
    log = MemoryLog()
    log.store(1, b"key", b"{not json")
    await append(log, [bought(number % EVENTS) for number in range(EVENTS + 50)])
    log.store(2, b"key", b"{not json")
    async with worker(projection(database_url, log, batch_events=70, **changed)):
        await reached(connection, end_of(log))
    return log


@pytest.mark.parametrize("source", ["log", "journal"])
async def test_a_rebuilt_view_equals_the_live_one_row_by_row(
    connection: asyncpg.Connection, database_url: str, source: str
) -> None:
    log = await projected_log(connection, database_url)
    done = await rebuild(rebuilding(database_url, log, source=source))
    assert [(each.view, each.generation, each.switched) for each in done] == [
        (read_model.name, 2, True) for read_model in READ_MODELS
    ]
    for each, read_model in zip(done, READ_MODELS, strict=True):
        rows = await rows_of(connection, read_model, 1)
        assert bool(rows) == (read_model.name in views_given(bought(1)))
        assert await rows_of(connection, read_model, 2) == rows
        assert each.comparison is not None
        assert (each.comparison.rows, each.comparison.differing) == (len(rows), 0)
    assert set((await shown(connection)).values()) == {(2, "live")}


async def test_the_live_set_goes_on_where_a_rebuild_took_over(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    await rebuild(rebuilding(database_url, log))
    await append(log, [purchase(number) for number in range(EVENTS, EVENTS + 20)])
    async with worker(projection(database_url, log)):
        await reached(connection, end_of(log))
    assert len(await event_ids(connection)) == EVENTS + 20
    assert await connection.fetchval("select count(*) from timeline_g1.timeline") == EVENTS
    assert await connection.fetchval("select sum(events) from live.customer_summary") == EVENTS + 20


async def test_a_rebuilt_table_has_the_indexes_that_the_first_one_has(
    connection: asyncpg.Connection, database_url: str
) -> None:
    async def indexes(generation: int) -> list[str]:
        rows = await connection.fetch(
            "select indexdef from pg_indexes where schemaname = $1 order by 1", f"timeline_g{generation}"
        )
        return [row["indexdef"].replace(f"timeline_g{generation}.", "") for row in rows]

    log = await projected_log(connection, database_url)
    await rebuild(rebuilding(database_url, log))
    assert await indexes(2) == await indexes(1)
    assert len(await indexes(2)) == len(TIMELINE.table.indexes) + 1


async def test_a_rebuild_mends_a_row_changed_by_hand_and_names_its_key(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    before = await rows_of(connection, TIMELINE, 1)
    place = await connection.fetchrow(
        "update live.timeline set item = 'never happened' where (partition, log_offset) = "
        "(select partition, log_offset from live.timeline order by 1, 2 limit 1) "
        "returning subject, partition, log_offset"
    )
    [done, *_] = await rebuild(rebuilding(database_url, log))
    assert done.comparison is not None
    assert done.comparison.differing == 1
    [difference] = done.comparison.keys
    assert difference.how == "changed"
    assert place is not None
    assert difference.key.items() >= dict(place).items()
    assert await rows_of(connection, TIMELINE, 2) == before


async def test_a_second_rebuild_of_a_view_is_refused_while_one_runs(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    begun, allowed = asyncio.Event(), asyncio.Event()

    async def held_up(bulk: Bulk, workers: int) -> None:
        begun.set()
        await allowed.wait()
        await run_workers(bulk, workers)

    first = asyncio.create_task(rebuild(rebuilding(database_url, log, run_workers=held_up)))
    await begun.wait()
    with pytest.raises(ViewBusyError, match=r"timeline is busy: `rapport rebuild timeline.*runs since"):
        await rebuild(rebuilding(database_url, log, read_models=(TIMELINE,)))
    allowed.set()
    assert (await first)[0].generation == 2


async def test_a_throttled_rebuild_takes_its_time_and_says_how_far_it_is(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    reports: list[Progress] = []
    loop = asyncio.get_running_loop()
    begun = loop.time()
    await rebuild(
        rebuilding(database_url, log, events_per_second=EVENTS / 2, workers=1, report=reports.append)
    )
    assert loop.time() - begun >= 1.5
    done = [sum(each.done for each in report.views["timeline"]) for report in reports]
    total = sum(each.total for each in reports[-1].views["timeline"])
    assert done == sorted(done)
    assert len(set(done)) > 2
    assert done[-1] == total >= EVENTS


async def test_a_rebuild_goes_on_where_one_before_it_ended(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)

    class PowerCutError(Exception):
        pass

    async def cut_short(bulk: Bulk, workers: int) -> None:
        projecting = asyncio.create_task(run_workers(replace(bulk, events_per_second=100), workers))
        some = "select coalesce(sum(position - first), 0) from control.generation_positions"
        while not await connection.fetchval(some):
            await asyncio.sleep(0.02)
        projecting.cancel()
        await asyncio.wait([projecting])
        raise PowerCutError

    with pytest.raises(PowerCutError):
        await rebuild(rebuilding(database_url, log, run_workers=cut_short))
    reports: list[Progress] = []
    [done, *_] = await rebuild(rebuilding(database_url, log, report=reports.append))
    assert done.generation == 2
    assert done.comparison is not None
    assert done.comparison.differing == 0
    assert sum(each.resumed_position - each.first for each in reports[0].views["timeline"]) > 0


async def test_a_log_that_is_away_for_a_while_delays_a_rebuild(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    some = "select coalesce(sum(position - first), 0) from control.generation_positions"

    async def away_in_between(bulk: Bulk, workers: int) -> None:
        projecting = asyncio.create_task(run_workers(replace(bulk, events_per_second=200), workers))
        while not await connection.fetchval(some):
            await asyncio.sleep(0.02)
        log.go_away()
        await asyncio.sleep(0.5)
        assert not projecting.done()
        log.come_back()
        await projecting

    done = await rebuild(rebuilding(database_url, log, run_workers=away_in_between))
    assert [each.comparison and each.comparison.differing for each in done] == [0] * len(READ_MODELS)


async def test_a_log_without_its_beginning_is_refused_and_the_journal_serves(
    connection: asyncpg.Connection, database_url: str
) -> None:
    log = await projected_log(connection, database_url)
    log.truncate_before(1, 20)
    with pytest.raises(RebuildRefusedError, match=r"partitions 1 to retention.*--source journal"):
        await rebuild(rebuilding(database_url, log, source="log"))
    done = await rebuild(rebuilding(database_url, log))
    assert [each.comparison and each.comparison.differing for each in done] == [0] * len(READ_MODELS)


async def test_a_new_failure_stops_a_rebuild_and_one_that_is_parked_does_not(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def row(event: Any) -> Any:
        if event.id == "purchase-77":
            raise ValueError("no good")
        return TIMELINE.kind.row(event)  # type: ignore[union-attr]

    others = READ_MODELS[1:]
    failing = replace(TIMELINE, kind=replace(TIMELINE.kind, row=row))  # type: ignore[arg-type]
    log = await projected_log(connection, database_url)
    with pytest.raises(
        EventRefusedByViewError, match=r"event purchase-77 .* at partition .*ValueError: no good"
    ):
        await rebuild(rebuilding(database_url, log, read_models=(failing, *others)))
    assert (await shown(connection))["timeline"] == (1, "live")


async def test_a_row_that_postgresql_refuses_stops_a_rebuild_at_its_event_with_all_stored_that_stands_before(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def row(event: Any) -> Any:
        made: Any = TIMELINE.kind.row(event)  # type: ignore[union-attr]
        return {**made, "channel": "no\0good"} if event.id == "purchase-77" else made

    refused = replace(TIMELINE, kind=replace(TIMELINE.kind, row=row))  # type: ignore[arg-type]
    log = await projected_log(connection, database_url)
    where = "select partition, log_offset from control.journal where event_id = 'purchase-77'"
    [(partition, offset)] = await connection.fetch(where)
    stopped_at = (
        rf"timeline stopped at event purchase-77 .* partition {partition}, offset {offset}: RowsRefused"
    )
    for source in ("log", "journal"):
        with pytest.raises(EventRefusedByViewError, match=stopped_at):
            await rebuild(
                rebuilding(
                    database_url, log, read_models=(refused, *READ_MODELS[1:]), workers=1, source=source
                )
            )
        stored = (
            "select position from control.generation_positions where view = 'timeline' and partition = $1"
        )
        assert await connection.fetchval(stored, partition) == offset
    done = await rebuild(rebuilding(database_url, log))
    assert [each.comparison and each.comparison.differing for each in done] == [0] * len(READ_MODELS)


async def test_what_the_live_view_has_parked_is_left_out_of_its_rebuild(
    connection: asyncpg.Connection, database_url: str
) -> None:
    def row(event: Any) -> Any:
        if event.id == "purchase-77":
            raise ValueError("no good")
        return TIMELINE.kind.row(event)  # type: ignore[union-attr]

    failing = (replace(TIMELINE, kind=replace(TIMELINE.kind, row=row)), *READ_MODELS[1:])  # type: ignore[arg-type]
    log = await projected_log(connection, database_url, read_models=failing)
    parked = await connection.fetchval("select count(*) from control.parked_events where view = 'timeline'")
    assert parked > 1
    for read_models in (failing, READ_MODELS):
        [done, *_] = await rebuild(rebuilding(database_url, log, read_models=read_models))
        assert done.comparison is not None
        assert (done.comparison.rows, done.comparison.differing) == (EVENTS - parked, 0)
