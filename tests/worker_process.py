"""A projection worker as a process of its own, for tests that kill or freeze it: DATABASE_URL EVENTS EXPIRY_SECONDS."""

import asyncio
import sys

from services.projections.engine.worker import run_worker
from tests.fakes.memory_log import MemoryLog
from tests.projecting import append, projection, purchase

PARTITIONS = 4


async def shared_log(events: int) -> MemoryLog:
    """The same log in every process: purchases 0 to `events` - 1, each of one of seven members."""
    log = MemoryLog(PARTITIONS)
    log.log_id = "shared"
    await append(log, [purchase(number, f"M{number % 7}") for number in range(events)])
    return log


async def main(database_url: str, events: int, expiry_seconds: float) -> None:
    """Projects until it is killed."""
    log = await shared_log(events)
    projected = projection(database_url, log, batch_events=10, expiry_seconds=expiry_seconds)
    await run_worker(projected, asyncio.Event())


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
