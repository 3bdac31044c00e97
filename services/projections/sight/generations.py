"""Generations of a view: which there are, and in which state."""

from datetime import datetime
from typing import Literal, NamedTuple

import asyncpg

State = Literal["building", "ready", "live", "paused", "outdated", "retired"]
"""See `services.projections.control.generations`."""


class Generation(NamedTuple):
    """A row of `control.generations`."""

    view: str
    generation: int
    version: int
    state: State
    created_at: datetime
    switched_at: datetime | None

    @property
    def shown(self) -> bool:
        """Whether readers see it."""
        return self.state in ("live", "paused", "outdated")


async def generations(connection: asyncpg.Connection, view: str | None = None) -> list[Generation]:
    """Every generation, or those of one view, in order."""
    rows = await connection.fetch(
        "select view, generation, version, state, created_at, switched_at from control.generations "
        "where $1::text is null or view = $1 order by view, generation",
        view,
    )
    return [Generation(*row) for row in rows]


async def shown_generation(connection: asyncpg.Connection, view: str) -> Generation | None:
    """The one that readers see, if any."""
    return next((each for each in await generations(connection, view) if each.shown), None)
