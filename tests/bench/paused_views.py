"""Which views a measurement projects: the others are paused before there is anything to project."""

import asyncpg

from services.projections.declared_views import declared_views
from services.projections.engine.pause import pause
from services.projections.rules import default_rules


async def pause_all_but(url: str, *names: str) -> None:
    """Leaves some declared views to be projected, in a database that nothing projects into yet."""
    connection = await asyncpg.connect(url)
    try:
        for view in declared_views(default_rules()):
            if view.name not in names:
                await pause(connection, view.name)
    finally:
        await connection.close()
