"""Makes a generation the one that readers see and the live set projects: one transaction, behind a barrier."""

import asyncio
from collections.abc import Sequence

import asyncpg

from services.projections.engine.announcements import announce
from services.projections.engine.barrier import barrier
from services.projections.engine.batch import Decode
from services.projections.engine.generation_tables import show_tables
from services.projections.engine.generations import set_state
from services.projections.engine.live_set import join_live_set, leave_live_set
from services.projections.engine.shadow_run import Target, follow_journal, remainder
from services.projections.sight.generations import Generation, generations, shown_generation
from services.projections.sight.positions import Positions, live_positions
from shared.position import Position

_SMALL_REMAINDER = 1000
_LARGEST_REMAINDER = 20_000
"""Events that may be left for the barrier, where the live set is as fast as what catches up with it: about a second."""
_MOST_ATTEMPTS = 200
_PAUSE_SECONDS = 0.05
_READERS_WAIT_SECONDS = 0.02


class SwitchRefusedError(Exception):
    """A generation cannot be switched to; the message says why and what to do."""


class _BehindAgainError(Exception):
    """The live set ran ahead while the barrier was waited for."""


async def switch(connection: asyncpg.Connection, targets: Sequence[Target], decode: Decode) -> None:
    """Brings generations to the live set's exact position and makes them live, all in one transaction.

    What readers saw before is kept, retired, at its position. Readers wait while their SQL views are pointed anew:
    where reads that are still running keep them for over 20 ms, everything is taken back and tried again.
    Raises `SwitchRefusedError`, what `Shadow` raises, and asyncpg's errors; then nothing has changed for readers.
    """
    for _ in range(_MOST_ATTEMPTS):
        await catch_up(connection, targets, decode)
        try:
            await _switch_once(connection, targets, decode)
        except (_BehindAgainError, asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError):
            await asyncio.sleep(_PAUSE_SECONDS)
        else:
            return
    names = ", ".join(target.read_model.name for target in targets)
    raise SwitchRefusedError(
        f"{names}: reads or batches that take long kept the switch from being made {_MOST_ATTEMPTS} times; nothing "
        "changed. Look for long-running queries in pg_stat_activity, then run `rapport switch` again"
    )


async def catch_up(connection: asyncpg.Connection, targets: Sequence[Target], decode: Decode) -> None:
    """Brings generations close to the live set, which goes on meanwhile, from the journal: until little remains, or
    no less than the time before. Raises what `Shadow` raises, and asyncpg's errors.
    """
    before = None
    while True:
        ends = await live_positions(connection)
        remains = await remainder(connection, targets, ends)
        if remains <= _SMALL_REMAINDER or (before is not None and before <= remains <= _LARGEST_REMAINDER):
            return
        before = remains
        await follow_journal(connection, targets, decode, ends)


async def _switch_once(connection: asyncpg.Connection, targets: Sequence[Target], decode: Decode) -> None:
    async with barrier(connection) as positions:
        if await remainder(connection, targets, positions) > _LARGEST_REMAINDER:
            raise _BehindAgainError
        await follow_journal(connection, targets, decode, positions)
        hidden = []
        for target in targets:
            before = await shown_generation(connection, target.read_model.name)
            if before is None or before.generation != target.generation:
                hidden.append(target)
                await _retire(connection, before, positions)
            await join_live_set(connection, target.read_model.name, target.generation)
        await announce(connection, Position(positions))
        await _show(connection, hidden)


async def _show(connection: asyncpg.Connection, targets: Sequence[Target]) -> None:
    """Points the SQL views anew, within the time that readers may wait, however many there are.

    Those of the first view wait for the last view's too, so it is one time for all of them.
    """
    loop = asyncio.get_running_loop()
    latest = loop.time() + _READERS_WAIT_SECONDS
    for target in targets:
        milliseconds = max(1, int((latest - loop.time()) * 1000))
        await connection.execute(f"set local lock_timeout = {milliseconds}")
        await show_tables(connection, target.read_model, target.generation)


async def _retire(connection: asyncpg.Connection, before: Generation | None, positions: Positions) -> None:
    if before is None:
        return
    if before.state == "live":
        await leave_live_set(connection, before, "retired", positions)
    else:
        await set_state(connection, before.view, before.generation, "retired")


async def previous_generation(connection: asyncpg.Connection, view: str, version: int) -> int:
    """The generation that readers saw before. Raises `SwitchRefusedError` where none is kept or of this version."""
    kept = [
        each
        for each in await generations(connection, view)
        if not each.shown and each.switched_at is not None
    ]
    if not kept:
        raise SwitchRefusedError(
            f"no earlier generation of view {view} is kept, so there is nothing to roll back to"
        )
    latest = max(kept, key=lambda each: (each.switched_at, each.generation))
    check_version(latest, version)
    return latest.generation


def check_version(generation: Generation, version: int) -> None:
    """Raises `SwitchRefusedError` where the generation was made by another version of the read model."""
    if generation.version != version:
        raise SwitchRefusedError(
            f"generation {generation.generation} of view {generation.view} was made by version {generation.version} of "
            f"its read model and this program has version {version}: it can be brought up to date by that program only"
        )
