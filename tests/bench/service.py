"""One of Rapport's services as a process of its own: `python -m tests.bench.service ingest|project|api`."""

import asyncio
import signal
import sys

import services.projections.main
import uvloop

import services.api.main
import services.ingest.main
from shared.settings import Settings

_SERVICES = {
    "ingest": services.ingest.main.run,
    "project": services.projections.main.run,
    "api": services.api.main.run,
}


async def _main(name: str) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await _SERVICES[name](Settings(), stop)  # type: ignore[call-arg]  # from the environment


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
