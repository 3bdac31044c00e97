"""What tests of generations share: an order to rebuild, and the rows of a generation."""

from typing import Any

import asyncpg

from services.projections.engine.outdated_views import Order
from services.projections.engine.rebuild import Rebuild
from services.projections.read_models.declaration import ReadModel
from shared.log.port import EventLog
from tests.declared import READ_MODELS
from tests.projecting import decode


def rebuilding(database_url: str, log: EventLog, **changed: Any) -> Rebuild:
    """A rebuild of every view with workers in this process."""
    settings: dict[str, Any] = {"read_models": READ_MODELS, "decode": decode, "workers": 2, **changed}
    return Rebuild(database_url=database_url, log=log, **settings)


def ordering(database_url: str, log: EventLog) -> Order:
    """How views are rebuilt, by workers in this process."""
    return lambda wanted: rebuilding(database_url, log, read_models=wanted)


async def rows_of(connection: asyncpg.Connection, read_model: ReadModel, generation: int) -> list[str]:
    """Every row of a generation as text, table by table, in order."""
    found = []
    for table in read_model.tables:
        columns = ", ".join(table.columns.keys())
        rows = await connection.fetch(
            f"select row({columns})::text as row from {read_model.name}_g{generation}.{table.name} order by 1"  # noqa: S608
        )
        found += [row["row"] for row in rows]
    return found


async def shown(connection: asyncpg.Connection) -> dict[str, tuple[int, str]]:
    """The generation and state of each view that readers see."""
    rows = await connection.fetch(
        "select view, generation, state from control.generations where state in ('live', 'paused', 'outdated')"
    )
    return {row["view"]: (row["generation"], row["state"]) for row in rows}
