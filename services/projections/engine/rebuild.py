"""Rebuilds views: new generations beside the live ones, from the first event on, verified and switched to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import NamedTuple

import asyncpg

from services.projections.engine.batch import Decode
from services.projections.engine.comparison import Comparison, compare, one_position
from services.projections.engine.generation_positions import aim, begin_positions
from services.projections.engine.generation_tables import drop_tables, finish_tables, tables_fit
from services.projections.engine.generations import add_generation, set_state
from services.projections.engine.log_identity import compare_logs
from services.projections.engine.operating import held_views, operating_connection
from services.projections.engine.rebuild_workers import Bulk, Source, run_workers
from services.projections.engine.shadow_run import Target
from services.projections.engine.switch import switch
from services.projections.engine.verification_record import Keep, Origin, recorded
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import generations, shown_generation
from services.projections.sight.positions import PartitionProgress, progress
from shared.log.port import EventLog, LogIdentity

_LOOK_SECONDS = 0.25


class RebuildRefusedError(Exception):
    """A rebuild cannot begin; the message says why and what to do."""


class Progress(NamedTuple):
    """How far a rebuild is: what it does now, and each view's partitions."""

    doing: str
    views: dict[str, list[PartitionProgress]]


class Rebuilt(NamedTuple):
    """A view's new generation. `comparison` is None where the shown one is of another version, or there was none."""

    view: str
    generation: int
    switched: bool
    comparison: Comparison | None


Report = Callable[[Progress], None]
RunWorkers = Callable[[Bulk, int], Awaitable[None]]
"""Runs so many workers until every partition is at its target, as `run_workers` does."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rebuild:
    """What to rebuild, from what and how. `source` None is the log, or the journal where the log has lost events.

    `by` and `job` say who ordered it, and by which job of operators; both are kept with what comparing came to.
    """

    database_url: str
    log: EventLog
    decode: Decode
    read_models: tuple[ReadModel, ...]
    source: Source | None = None
    workers: int = 1
    events_per_second: float | None = None
    switch: bool = True
    by: str | None = None
    job: int | None = None
    run_workers: RunWorkers = run_workers
    report: Report = lambda _: None


async def rebuild(order: Rebuild) -> list[Rebuilt]:
    """Builds, indexes, catches up, compares with what readers see, and switches, all views in one pass.

    May be killed at any moment and run again: it goes on where it was. Reads and the live set go on meanwhile. Raises
    `RebuildRefusedError`, `ViewBusyError`, `SwitchRefusedError`, `EventRefusedByViewError`, errors of the log and of
    asyncpg.
    """
    async with (
        operating_connection(order.database_url, f"rebuild {_names(order.read_models)}") as connection,
        held_views(connection, [each.name for each in order.read_models]),
    ):
        targets = await build(connection, order)
        live = await live_generations(connection, order.read_models)
        async with recorded(connection, live, Origin("rebuild", order.by, order.job)) as keep:
            comparisons = await compare_with_shown(connection, order, targets, keep)
        for target in targets:
            await set_state(connection, target.read_model.name, target.generation, "ready")
        if order.switch:
            await _report(connection, order, targets, "switching")
            await switch(connection, targets, order.decode)
    return [
        Rebuilt(target.read_model.name, target.generation, order.switch, comparison)
        for target, comparison in zip(targets, comparisons, strict=True)
    ]


async def build(connection: asyncpg.Connection, order: Rebuild) -> list[Target]:
    """Generations complete up to where the live set stood, with their indexes; the connection holds their views."""
    source = await _choose_source(connection, order)
    targets = [await _begin_or_resume(connection, each) for each in order.read_models]
    bulk = Bulk(
        database_url=order.database_url,
        log=order.log,
        decode=order.decode,
        targets=tuple(targets),
        source=source,
        events_per_second=order.events_per_second,
    )
    async with _reporting(order, targets, f"reading the {source}"):
        await order.run_workers(bulk, order.workers)
    async with _reporting(order, targets, "making indexes"):
        for target in targets:
            await finish_tables(connection, target.read_model, target.generation)
    return targets


async def live_generations(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel]
) -> dict[str, int]:
    """By view the generation that is live in the version of these read models; a view without one is left out."""
    live = {}
    for read_model in read_models:
        found = await shown_generation(connection, read_model.name)
        if found is not None and found.state == "live" and found.version == read_model.version:
            live[read_model.name] = found.generation
    return live


async def compare_with_shown(
    connection: asyncpg.Connection, order: Rebuild, targets: Sequence[Target], keep: Keep
) -> list[Comparison | None]:
    """Each target compared with the live generation of its version, where there is one; each result is kept."""
    live = await live_generations(connection, [target.read_model for target in targets])
    comparable = [target for target in targets if target.read_model.name in live]
    if not comparable:
        return [None] * len(targets)
    compared: dict[str, Comparison] = {}
    async with (
        _reporting(order, targets, "comparing"),
        operating_connection(order.database_url, "comparison") as reading,
        one_position(connection, reading, comparable, order.decode) as position,
    ):
        for read_model, generation, _ in comparable:
            name = read_model.name
            compared[name] = await compare(reading, read_model, live[name], generation, position)
            await keep(compared[name])
    return [compared.get(target.read_model.name) for target in targets]


async def _begin_or_resume(connection: asyncpg.Connection, read_model: ReadModel) -> Target:
    async with connection.transaction():
        for found in await generations(connection, read_model.name):
            if found.state != "building":
                continue
            fits = found.version == read_model.version
            if fits and await tables_fit(connection, read_model, found.generation):
                await begin_positions(connection, read_model.name, found.generation)
                await aim(connection, read_model.name, found.generation)
                return Target(read_model, found.generation)
            await discard(connection, read_model.name, found.generation)
        made = await add_generation(connection, read_model)
        await begin_positions(connection, read_model.name, made)
        await aim(connection, read_model.name, made)
    return Target(read_model, made)


async def discard(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Drops a generation that readers do not see, with all that is known of it; to be called in a transaction."""
    await drop_tables(connection, view, generation)
    for table in ("generation_positions", "generations"):
        await connection.execute(
            f"delete from control.{table} where view = $1 and generation = $2",  # noqa: S608 - two constants
            view,
            generation,
        )


async def _choose_source(connection: asyncpg.Connection, order: Rebuild) -> Source:
    """The source asked for, or the log if it still holds every applied event. Raises `RebuildRefusedError`."""
    if order.source == "journal":
        return "journal"
    stored = await connection.fetchrow("select log_id, partitions from control.log_identity")
    if stored is None:
        return "journal"  # nothing was ever applied
    async with order.log.reader() as reader:
        compare_logs(LogIdentity(stored["log_id"], stored["partitions"]), await reader.identity())
        bounds = await reader.bounds(range(stored["partitions"]))
    lost = [
        row["partition"]
        for row in await connection.fetch(_FIRST_APPLIED)
        if row["first"] is not None and row["first"] < bounds[row["partition"]].first
    ]
    if not lost:
        return "log"
    if order.source == "log":
        raise RebuildRefusedError(
            f"the log has lost the beginning of partitions {', '.join(map(str, lost))} to retention, so a view made "
            "from it would lack those events; the journal holds them: use --source journal"
        )
    return "journal"


@asynccontextmanager
async def _reporting(order: Rebuild, targets: Sequence[Target], doing: str) -> AsyncIterator[None]:
    """Reports what is done, again and again until left."""

    async def keep_looking(connection: asyncpg.Connection) -> None:
        while True:
            await _report(connection, order, targets, doing)
            await asyncio.sleep(_LOOK_SECONDS)

    async with operating_connection(order.database_url, "progress") as connection:
        looking = asyncio.create_task(keep_looking(connection))
        try:
            yield
        finally:
            looking.cancel()
            with suppress(asyncio.CancelledError):
                await looking
    async with operating_connection(order.database_url, "progress") as connection:
        await _report(connection, order, targets, doing)


async def _report(
    connection: asyncpg.Connection, order: Rebuild, targets: Sequence[Target], doing: str
) -> None:
    views = {
        each.read_model.name: await progress(connection, each.read_model.name, each.generation)
        for each in targets
    }
    order.report(Progress(doing, views))


def _names(read_models: Sequence[ReadModel]) -> str:
    return ", ".join(each.name for each in read_models)


_FIRST_APPLIED = """
select partition,
    (select log_offset from control.journal j where j.partition = p.partition order by log_offset limit 1) as first
from control.positions p order by partition
"""
