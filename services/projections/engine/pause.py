"""Takes a view out of the live set at its position, by hand, and back in at the live set's."""

import asyncpg

from services.projections.engine.barrier import barrier
from services.projections.engine.batch import Decode
from services.projections.engine.generation_positions import begin_positions
from services.projections.engine.live_set import leave_live_set
from services.projections.engine.shadow_run import Target
from services.projections.engine.switch import SwitchRefusedError, check_version, switch
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import shown_generation


async def pause(connection: asyncpg.Connection, view: str) -> bool:
    """From here on readers see the view as it stands; false where it stood still already.

    Raises `SwitchRefusedError` where there is no such view, and asyncpg's errors.
    """
    async with barrier(connection) as positions:
        shown = await shown_generation(connection, view)
        if shown is None:
            raise SwitchRefusedError(
                f"there is no view {view} that readers see; `rapport status` lists the views"
            )
        if shown.state == "live":
            await leave_live_set(connection, shown, "paused", positions)
            return True
    return False


async def resume(connection: asyncpg.Connection, read_model: ReadModel, decode: Decode) -> bool:
    """Brings a view that stands still up to the live set from the journal, and into it; false where it is in it.

    Events that fail on the way are parked, as they would have been. Raises `SwitchRefusedError` and asyncpg's errors.
    """
    shown = await shown_generation(connection, read_model.name)
    if shown is None:
        raise SwitchRefusedError(
            f"view {read_model.name} has not been built yet: run `rapport rebuild {read_model.name}`"
        )
    if shown.state == "live":
        return False
    check_version(shown, read_model.version)
    # Partitions that nobody followed yet when it was paused, it has seen nothing of.
    await begin_positions(connection, read_model.name, shown.generation)
    await switch(connection, [Target(read_model, shown.generation, parks=True)], decode)
    return True
