"""One of Rapport's services, `ingest`, `projections` or `api`, as a process of its own."""

import asyncio
import signal
import sys
from importlib import import_module

import uvloop

from shared.settings import Settings


async def _main(name: str) -> None:
    """Imports that service alone, so that its memory is its own."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    await import_module(f"services.{name}.main").run(Settings.model_validate({}), stop)


if __name__ == "__main__":
    uvloop.run(_main(sys.argv[1]))
