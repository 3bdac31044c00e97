import asyncio

import asyncpg

from services.projections.engine.generations import live_views
from services.projections.migrate import migrate
from services.projections.read_models import READ_MODELS
from services.projections.read_models.timeline import known, page


async def test_a_new_database_answers_an_empty_timeline(database_url: str) -> None:
    await migrate(database_url, partitions=3)
    connection = await asyncpg.connect(database_url)
    found = await page(connection, ["pty_nobody"])
    assert (found.items, found.next, found.position.token()) == ("[]", None, "0")
    assert not await known(connection, "pty_nobody")
    await connection.close()


async def test_migrating_again_and_at_once_changes_nothing(database_url: str) -> None:
    await asyncio.gather(*(migrate(database_url, partitions=3) for _ in range(3)))
    connection = await asyncpg.connect(database_url)
    generations = await connection.fetch("select view, generation, state from control.generations")
    assert [tuple(row) for row in generations] == [("timeline", 1, "live")]
    assert [view.read_model for view in await live_views(connection, READ_MODELS)] == list(READ_MODELS)
    await connection.close()
