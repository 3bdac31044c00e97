"""Starts the rebuilds that a newer program asks for: of views it has in a newer version, and of views that are new."""

import asyncio
from collections.abc import Callable, Sequence
from contextlib import suppress

import asyncpg
import structlog

from services.projections.engine.operating import ViewBusyError, operating_connection
from services.projections.engine.rebuild import Rebuild, rebuild
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import generations

_FIRST_PAUSE_SECONDS = 5.0
_LONGEST_PAUSE_SECONDS = 600.0

Order = Callable[[tuple[ReadModel, ...]], Rebuild]
"""How to rebuild these read models."""


async def outdated_views(
    connection: asyncpg.Connection, read_models: Sequence[ReadModel]
) -> tuple[ReadModel, ...]:
    """The read models that readers see in an older version, left out of the live set for it, or not at all yet."""
    shown = {each.view: each for each in await generations(connection) if each.shown}
    return tuple(
        read_model
        for read_model in read_models
        if (found := shown.get(read_model.name)) is None
        or (found.state == "outdated" and found.version < read_model.version)
    )


async def rebuild_outdated_views(
    database_url: str,
    read_models: Sequence[ReadModel],
    order: Order,
    *,
    pause_seconds: float = _FIRST_PAUSE_SECONDS,
) -> None:
    """Looks every 5 s, for ever, and rebuilds what is outdated, unless another process does. Cancelling it is safe.

    A rebuild that fails is told in the log and tried again after a pause that doubles, up to ten minutes.
    """
    log = structlog.get_logger("rapport.projections")
    pause = pause_seconds
    while True:
        try:
            async with operating_connection(database_url, "look for outdated views") as connection:
                outdated = await outdated_views(connection, read_models)
            if outdated:
                log.info("rebuild_begins", views=[each.name for each in outdated])
                with suppress(ViewBusyError):
                    for done in await rebuild(order(outdated)):
                        log.info("view_rebuilt", view=done.view, generation=done.generation)
            pause = pause_seconds
        except Exception as error:  # noqa: BLE001 - whatever it is, the live set goes on and a person is told
            pause = min(pause * 2, _LONGEST_PAUSE_SECONDS)
            log.warning(
                "rebuild_failed", error=type(error).__name__, detail=str(error), again_in_seconds=pause
            )
        await asyncio.sleep(pause)
