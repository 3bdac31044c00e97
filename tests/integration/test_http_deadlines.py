import asyncio
import gzip
import json
from collections.abc import AsyncIterator
from time import monotonic

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from shared.http import deadlines
from tests.fakes.memory_log import MemoryLog
from tests.http_server import Served, Wire, served, wire
from tests.ingest_door import purchase, service_over

HEAD = b"POST /v1/events HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"


@pytest.fixture
async def server() -> AsyncIterator[Served]:
    async with service_over(MemoryLog()) as (service, _), served(service) as running:
        yield running


@pytest.fixture
def short_deadlines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "HEAD_SECONDS", 0.3)
    monkeypatch.setattr(deadlines, "REQUEST_SECONDS", 0.5)
    monkeypatch.setattr(deadlines, "LINGER_SECONDS", 0.3)
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.1)


def code_of(answer: bytes) -> str:
    body = json.loads(answer.partition(b"\r\n\r\n")[2])
    return str(body["code"])


async def trickle(connection: Wire, data: bytes) -> None:
    for byte in data:
        await connection.send(bytes([byte]))
        await asyncio.sleep(0.25)


async def cut_off_after(port: int, begin: bytes, slow: bytes) -> tuple[float, bytes]:
    began = monotonic()
    async with wire(port) as connection:
        await connection.send(begin)
        sending = asyncio.create_task(trickle(connection, slow))
        answer = await connection.rest()
        sending.cancel()
        return monotonic() - began, answer


async def test_two_hundred_slow_clients_are_cut_off_within_10_s_while_others_are_served(
    server: Served,
) -> None:
    compressed = gzip.compress(json.dumps([purchase(str(n)) for n in range(300)]).encode())
    gzip_head = HEAD + b"content-encoding: gzip\r\ncontent-length: %d\r\n\r\n" % len(compressed)
    ways_to_be_slow = [
        (b"POST /v1/events HTTP/1.1\r\nx-slow: ", b"x" * 200),
        (HEAD + b"content-length: 1000\r\n\r\n[", b" " * 200),
        (HEAD + b"transfer-encoding: chunked\r\n\r\n", b"1\r\n \r\n" * 100),
        (gzip_head, compressed),
        (b"", b""),
    ]
    clients = [
        asyncio.create_task(cut_off_after(server.port, begin, slow))
        for begin, slow in ways_to_be_slow
        for _ in range(40)
    ]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{server.port}") as client:
        served_meanwhile = 0
        while not all(task.done() for task in clients):
            answer = await client.post("/v1/events", json=purchase(str(served_meanwhile)), timeout=5)
            assert answer.status_code == 202
            served_meanwhile += 1
            await asyncio.sleep(0.05)
    assert served_meanwhile > 0
    for task in clients:
        seconds, told = await task
        assert seconds < 10
        assert told == b"" or code_of(told) == "request_timeout"


@pytest.mark.usefixtures("short_deadlines")
async def test_a_slow_head_is_told_408(server: Served) -> None:
    _, answer = await cut_off_after(server.port, b"POST /v1/ev", b"ents HTTP/1.1\r\n" * 20)
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert code_of(answer) == "request_timeout"


@pytest.mark.usefixtures("short_deadlines")
async def test_a_slow_body_is_told_408_and_its_request_is_dropped(server: Served) -> None:
    _, answer = await cut_off_after(server.port, HEAD + b"content-length: 100\r\n\r\n[", b" " * 99)
    assert answer.startswith(b"HTTP/1.1 408 ")


@pytest.mark.usefixtures("short_deadlines")
async def test_a_large_body_that_keeps_coming_is_given_its_time(server: Served) -> None:
    body = json.dumps([purchase(str(n)) for n in range(1000)]).encode()
    async with wire(server.port) as connection:
        await connection.send(HEAD + b"content-length: %d\r\n\r\n" % len(body))
        for begin in range(0, len(body), 40_000):
            await connection.send(body[begin : begin + 40_000])
            await asyncio.sleep(0.15)
        assert (await connection.answer()).startswith(b"HTTP/1.1 202 ")


@pytest.mark.usefixtures("short_deadlines")
async def test_an_answered_client_that_goes_on_sending_is_cut(server: Served) -> None:
    head = HEAD + b"content-length: 100000000\r\n\r\n"
    async with wire(server.port) as connection:
        await connection.send(head)
        assert (await connection.answer()).startswith(b"HTTP/1.1 413 ")
        sending = asyncio.create_task(trickle(connection, b"x" * 1000))
        await connection.rest()
        sending.cancel()


@pytest.mark.parametrize("header_bytes", [33_000, 200_000, 4_000_000])
async def test_huge_headers_are_431(server: Served, header_bytes: int) -> None:
    async with wire(server.port) as connection:
        await connection.send(HEAD + b"x-huge: " + b"x" * header_bytes + b"\r\n\r\n")
        answer = await connection.rest()
    assert answer.startswith(b"HTTP/1.1 431 ")
    assert code_of(answer) == "headers_too_large"


async def test_many_small_headers_are_431_too(server: Served) -> None:
    async with wire(server.port) as connection:
        await connection.send(HEAD + b"x-small: x\r\n" * 10_000 + b"\r\n")
        assert (await connection.rest()).startswith(b"HTTP/1.1 431 ")


async def test_huge_headers_are_431_behind_a_request_whose_last_bytes_they_came_with(server: Served) -> None:
    body = b"[" + b" " * 98 + b"]"
    first = HEAD + b"content-length: %d\r\n\r\n" % len(body)
    begin, end = HEAD + b"x-huge: " + b"x" * 20_000, b"x" * 20_000 + b"\r\n\r\n"
    async with wire(server.port) as connection, asyncio.timeout(10):
        await connection.send(first + body[:50])
        await asyncio.sleep(0.05)
        await connection.send(body[50:] + begin)
        assert (await connection.answer()).startswith(b"HTTP/1.1 202 ")
        await connection.send(end)
        assert (await connection.rest()).startswith(b"HTTP/1.1 431 ")


async def test_headers_below_the_bound_pass(server: Served) -> None:
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/healthz", headers={"x-long": "x" * 20_000})
    assert answer.status_code == 200


async def test_many_large_requests_on_one_connection_are_no_huge_head(server: Served) -> None:
    body = json.dumps([purchase(str(n)) for n in range(150)]).encode()
    request = HEAD + b"content-length: %d\r\n\r\n" % len(body) + body
    async with wire(server.port) as connection:
        for _ in range(100):
            await connection.send(request)
            assert (await connection.answer()).startswith(b"HTTP/1.1 202 ")


async def test_pipelined_requests_are_answered_in_order(server: Served) -> None:
    one = b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n"
    last = b"GET /nothing HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    async with wire(server.port) as connection:
        await connection.send(one + last)
        answers = await connection.rest()
    assert answers.index(b"HTTP/1.1 200") < answers.index(b"HTTP/1.1 404")


async def test_what_is_not_http_is_a_400_problem(server: Served) -> None:
    async with wire(server.port) as connection:
        await connection.send(b"\x16\x03\x01 hello\r\n\r\n")
        answer = await connection.rest()
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert code_of(answer) == "invalid_http"


async def test_requests_beyond_the_bound_are_503_overloaded(
    server: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "MOST_REQUESTS_AT_ONCE", 0)
    async with httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/healthz")
    assert (answer.status_code, answer.json()["code"]) == (503, "overloaded")
    assert answer.headers["retry-after"] == "1"


async def test_a_connection_is_closed_when_no_further_request_comes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deadlines, "SWEEP_SECONDS", 0.1)
    monkeypatch.setattr("shared.http.server.KEEP_ALIVE_SECONDS", 0.3)
    async with (
        service_over(MemoryLog()) as (service, _),
        served(service) as running,
        wire(running.port) as connection,
    ):
        for _ in range(3):
            await connection.send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")
            assert (await connection.answer()).startswith(b"HTTP/1.1 200 ")
        async with asyncio.timeout(10):
            assert await connection.rest() == b""


@pytest.mark.usefixtures("short_deadlines")
async def test_a_client_that_never_reads_its_answer_is_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deadlines, "WRITE_SECONDS", 0.3)
    ended = asyncio.Event()

    async def torrent(scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        await send({"type": "http.response.start", "status": 200, "headers": []})
        try:
            for _ in range(10_000):
                await send({"type": "http.response.body", "body": b"x" * 65536, "more_body": True})
        finally:
            ended.set()

    async with served(torrent) as running, wire(running.port) as connection:
        await connection.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        async with asyncio.timeout(10):
            await ended.wait()
