"""The database of `rapport up`: an embedded PostgreSQL that is kept running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Protocol

from services.ops.embedded_postgres import EmbeddedPostgresError
from services.ops.projection_process import Notice
from services.ops.restart_pauses import RestartPauses

_LOOK_SECONDS = 0.25


class Server(Protocol):
    """What is kept running: the methods of `EmbeddedPostgres` that this takes."""

    async def start(self) -> None:
        """Starts it unless it runs. Raises `EmbeddedPostgresError`."""

    async def stop(self) -> None:
        """Stops it unless it is stopped."""

    def is_running(self) -> bool:
        """Whether its process lives."""


@asynccontextmanager
async def kept_running(server: Server, notice: Notice) -> AsyncIterator[None]:
    """Starts a server, starts it again whenever it goes down by itself, and stops it when left.

    Raises `EmbeddedPostgresError` where the first start fails; later failures are told and tried again for ever, as
    when the disk is full for a while.
    """
    try:
        await server.start()
        keeping = asyncio.create_task(_keep(server, notice))
        try:
            yield
        finally:
            keeping.cancel()
            with suppress(asyncio.CancelledError):
                await keeping
    finally:
        await server.stop()


async def _keep(server: Server, notice: Notice) -> None:
    loop = asyncio.get_running_loop()
    pauses = RestartPauses()
    began = loop.time()
    while True:
        await asyncio.sleep(_LOOK_SECONDS)
        if server.is_running():
            continue
        pause = pauses.after_run_of(loop.time() - began)
        notice(f"the embedded PostgreSQL went down; starting it again in {pause:.1f} s")
        await asyncio.sleep(pause)
        began = loop.time()
        try:
            await server.start()
            notice("the embedded PostgreSQL is back")
        except (EmbeddedPostgresError, OSError) as error:
            notice(str(error))
