"""What operators do with generations by hand: switch to one, roll back to the one before, drop those of no more use."""

from collections.abc import Sequence
from datetime import datetime

import asyncpg

from services.projections.engine.batch import Decode
from services.projections.engine.operating import held_views
from services.projections.engine.rebuild import discard
from services.projections.engine.shadow_run import Target
from services.projections.engine.switch import SwitchRefusedError, check_version, previous_generation, switch
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import Generation, generations


async def switch_to(
    connection: asyncpg.Connection, read_model: ReadModel, generation: int, decode: Decode
) -> None:
    """Shows a complete generation, once it was brought up to the live position.

    Raises `SwitchRefusedError`, `ViewBusyError`, what `Shadow` raises, and asyncpg's errors.
    """
    async with held_views(connection, [read_model.name]):
        wanted = await _kept(connection, read_model.name, generation)
        if wanted.state == "building":
            raise SwitchRefusedError(
                f"generation {generation} of view {read_model.name} is not complete: `rapport rebuild "
                f"{read_model.name}` goes on with it"
            )
        check_version(wanted, read_model.version)
        if wanted.state != "live":
            await switch(connection, [Target(read_model, generation)], decode)


async def roll_back(connection: asyncpg.Connection, read_model: ReadModel, decode: Decode) -> int:
    """Shows the generation that readers saw before, at the live position, and answers which that is.

    Raises as `switch_to` does.
    """
    async with held_views(connection, [read_model.name]):
        previous = await previous_generation(connection, read_model.name, read_model.version)
        await switch(connection, [Target(read_model, previous)], decode)
    return previous


async def drop(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Drops a generation that readers do not see. Raises `SwitchRefusedError`, `ViewBusyError`, asyncpg's errors."""
    async with held_views(connection, [view]), connection.transaction():
        if (await _kept(connection, view, generation)).shown:
            raise SwitchRefusedError(f"generation {generation} of view {view} is what readers see; it stays")
        await discard(connection, view, generation)


async def drop_older(connection: asyncpg.Connection, view: str, before: datetime) -> Sequence[int]:
    """Drops generations made before a moment, but never what readers see; answers which. Raises as `drop` does."""
    async with held_views(connection, [view]), connection.transaction():
        old = [
            each.generation
            for each in await generations(connection, view)
            if not each.shown and each.created_at < before
        ]
        for generation in old:
            await discard(connection, view, generation)
    return old


async def _kept(connection: asyncpg.Connection, view: str, generation: int) -> Generation:
    found = await generations(connection, view)
    for each in found:
        if each.generation == generation:
            return each
    numbers = ", ".join(str(each.generation) for each in found) or "none"
    raise SwitchRefusedError(f"view {view} has no generation {generation}; it has {numbers}")
