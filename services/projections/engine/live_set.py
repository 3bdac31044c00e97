"""The live set as one program sees it: the views it projects together, and those it must leave out."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

import asyncpg
import structlog

from services.projections.engine.barrier import barrier, raise_revision
from services.projections.engine.generation_positions import forget_positions, keep_positions
from services.projections.engine.generations import LiveView, live_views, set_state
from services.projections.read_models.declaration import ReadModel
from services.projections.sight.generations import Generation, generations
from services.projections.sight.positions import Positions


class ProgramOutdatedError(Exception):
    """The live set has a view that this program cannot project, and must not leave behind."""


class LiveSetChangedError(Exception):
    """Views joined or left the live set after this batch was made ready: load it again, nothing was written."""


class LiveSet(NamedTuple):
    """The views that advance together, at one revision of the set."""

    revision: int
    views: tuple[LiveView, ...]


async def load_live_set(connection: asyncpg.Connection, read_models: Sequence[ReadModel]) -> LiveSet:
    """The live set, after views of an older version than the program's were left out of it at a barrier.

    Readers keep what such a view shows. Raises `ProgramOutdatedError` where a live view is of a newer version or
    unknown to this program, and asyncpg's errors. May be repeated, by several workers at once.
    """
    await _leave_out_outdated(connection, read_models)
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        revision = await connection.fetchval("select revision from control.live_set")
        return LiveSet(revision, await live_views(connection, read_models))


async def leave_live_set(
    connection: asyncpg.Connection,
    view: Generation,
    state: Literal["paused", "outdated", "retired"],
    positions: Positions,
) -> None:
    """Takes a live generation out of the set, behind a barrier that stands at `positions`."""
    await keep_positions(connection, view.view, view.generation, positions)
    await set_state(connection, view.view, view.generation, state)
    await raise_revision(connection)


async def join_live_set(connection: asyncpg.Connection, view: str, generation: int) -> None:
    """Takes a generation into the set, behind a barrier at whose positions it stands exactly."""
    await forget_positions(connection, view, generation)
    await set_state(connection, view, generation, "live")
    await raise_revision(connection)


async def _leave_out_outdated(connection: asyncpg.Connection, read_models: Sequence[ReadModel]) -> None:
    if not _outdated(await generations(connection), read_models):
        return
    async with barrier(connection) as positions:
        for view in _outdated(await generations(connection), read_models):
            await leave_live_set(connection, view, "outdated", positions)
            structlog.get_logger("rapport.projections").warning(
                "view_outdated",
                view=view.view,
                generation=view.generation,
                found=view.version,
                todo=f"rapport rebuild {view.view}",
            )


def _outdated(found: Sequence[Generation], read_models: Sequence[ReadModel]) -> list[Generation]:
    declared = {read_model.name: read_model.version for read_model in read_models}
    outdated = []
    for view in found:
        if view.state != "live":
            continue
        version = declared.get(view.view)
        if version is None or version < view.version:
            knows = "does not know it" if version is None else f"projects version {version}"
            raise ProgramOutdatedError(
                f"view {view.view} is live in version {view.version}, and this program {knows}; going on would leave "
                f"the view behind: start the newer program, or take it out with `rapport pause {view.view}`"
            )
        if version > view.version:
            outdated.append(view)
    return outdated
