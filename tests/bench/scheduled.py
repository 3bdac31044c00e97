"""Requests on a schedule that waits for nobody, and how late each was answered."""

import asyncio
import time
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Final

from tests.bench.keep_alive import Answer, KeepAlive, connections
from tests.bench.measurement import BenchError

Ask = Callable[[KeepAlive, int], Awaitable[Answer]]
"""Sends the request of a number over a connection."""

REQUESTS_A_SECOND: Final = 200
_CONNECTIONS: Final = 128
_LEAST_SHARE_OF_RATE: Final = 0.97


async def scheduled(port: int, ask: Ask, status: int, seconds: int) -> list[float]:
    """Milliseconds of every request, 200 a second.

    Each counts from when it was due, so that one that had to wait for a connection, or was sent late because others
    were slow, counts that too. Raises `BenchError` where one is not answered with `status`, or where the load was not
    reached.
    """
    latencies: list[float] = []
    refused: Counter[str] = Counter()

    async def one(number: int, due: float) -> None:
        async with pool.connection() as connection:
            answer = await ask(connection, number)
        latencies.append((time.perf_counter() - due) * 1e3)
        if answer.status != status:
            refused[f"{answer.status} {answer.body[:300]!r}"] += 1

    async with connections(port, _CONNECTIONS) as pool, asyncio.TaskGroup() as group:
        begun = time.perf_counter()
        for number in range(REQUESTS_A_SECOND * seconds):
            due = begun + number / REQUESTS_A_SECOND
            if (early := due - time.perf_counter()) > 0:
                await asyncio.sleep(early)
            group.create_task(one(number, due))
    took = time.perf_counter() - begun
    if refused:
        raise BenchError(
            f"{sum(refused.values())} requests were not answered {status}: {refused.most_common(1)[0]}"
        )
    if len(latencies) < REQUESTS_A_SECOND * took * _LEAST_SHARE_OF_RATE:
        raise BenchError(f"the load reached {len(latencies) / took:.0f} of {REQUESTS_A_SECOND} requests/s")
    return latencies
