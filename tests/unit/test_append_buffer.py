"""Records that wait for their outcome."""

import asyncio

from prometheus_client import CollectorRegistry

from shared.log.append_buffer import AppendBounds, AppendBuffer
from shared.log.port import Appended, AppendOutcome, LogUnavailableError, NewRecord
from shared.metrics import Metrics


def buffer(timeout_seconds: float) -> AppendBuffer:
    metrics = Metrics(CollectorRegistry())
    return AppendBuffer(metrics, AppendBounds(timeout_seconds, bytes=1000, records=100))


async def test_every_request_is_given_up_when_its_own_time_is_up() -> None:
    waiting = buffer(0.05)
    ended: list[str] = []

    async def append(name: str) -> list[AppendOutcome]:
        outcomes = await waiting.append([NewRecord(name.encode(), b"{}")])
        ended.append(name)
        return outcomes

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        first = group.create_task(append("first"))
        while not waiting.take(1, 1000):
            await asyncio.sleep(0)
        second = group.create_task(append("second"))
        third = group.create_task(append("third"))
        await asyncio.wait({first})
        fourth = group.create_task(append("fourth"))

    assert ended == ["first", "second", "third", "fourth"]
    for task in (first, second, third, fourth):
        (outcome,) = task.result()
        assert isinstance(outcome, LogUnavailableError)


async def test_an_answered_request_is_not_given_up_later() -> None:
    waiting = buffer(0.05)

    async with asyncio.timeout(20), asyncio.TaskGroup() as group:
        answered = group.create_task(waiting.append([NewRecord(b"one", b"{}")]))
        given_up = group.create_task(waiting.append([NewRecord(b"two", b"{}")]))
        while not (taken := waiting.take(1, 1000)):
            await asyncio.sleep(0)
        waiting.answer_appended(taken, 3, 7)

    assert answered.result() == [Appended(3, 7)]
    assert isinstance(given_up.result()[0], LogUnavailableError)
