"""Ingest alone, on a real port."""

import asyncio
import gc

import httpx
import psutil

from services.ingest import main
from tests.fakes.memory_log import MemoryLog
from tests.http_server import served
from tests.ingest_door import open_door, purchase, service_over, settings


async def test_events_posted_over_the_network_are_in_the_log() -> None:
    log = MemoryLog()
    async with (
        service_over(log) as (service, _),
        served(service) as server,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client,
    ):
        answers = await asyncio.gather(
            *(client.post("/v1/events", json=purchase(str(n))) for n in range(100))
        )
    assert {answer.status_code for answer in answers} == {202}
    assert len(log.records()) == 100


async def test_an_expected_continue_is_not_given_to_a_request_that_is_refused() -> None:
    async with service_over(MemoryLog()) as (service, _), served(service) as server:
        reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
        writer.write(
            b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
            b"content-length: 99999999\r\nexpect: 100-continue\r\n\r\n"
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 413 ")
        writer.close()
        await writer.wait_closed()


async def test_the_service_starts_while_the_log_is_away_and_stops_when_told() -> None:
    stop = asyncio.Event()
    bound: asyncio.Future[int] = asyncio.get_running_loop().create_future()
    running = asyncio.create_task(main.run(settings(port=0), stop, bound.set_result))
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{await bound}", timeout=10) as client:
        assert (await client.get("/healthz")).status_code == 200
        ready = await client.get("/readyz")
        assert (ready.status_code, ready.json()["code"]) == (503, "not_ready")
        refused = await client.post("/v1/events", json=purchase())
        # The keys stand where the embedded log does, and were never read: nobody can be let in before.
        assert (refused.status_code, refused.json()["code"]) == (503, "database_unavailable")
        assert refused.headers["retry-after"].isdigit()
    stop.set()
    async with asyncio.timeout(15):
        await running


async def test_memory_does_not_grow_with_the_events_that_pass() -> None:
    class Forgetful(MemoryLog):
        def store(self, partition: int, key: bytes | None, value: bytes | None) -> object:  # type: ignore[override]
            appended = super().store(partition, key, value)
            if appended.offset % 1000 == 0:
                self.truncate_before(partition, appended.offset)
            return appended

    process = psutil.Process()
    async with open_door(Forgetful()) as door:
        await door.post([purchase(f"warm-{n}") for n in range(5000)])
        gc.collect()
        before_bytes = process.memory_info().rss
        for request in range(10):
            answer = await door.post([purchase(f"{request}-{n}") for n in range(5000)])
            assert answer.json()["accepted"] == 5000
        gc.collect()
        assert process.memory_info().rss - before_bytes < 50 * 1024 * 1024
