import asyncio
import socket
from collections.abc import Callable

import httpx
import pytest
from fastapi import FastAPI
from starlette.types import Receive, Scope, Send

from shared.http.disconnects import EndedByDisconnect
from shared.http.problems import install_problem_handlers
from shared.http.server import AddressUnavailableError, serve
from tests.http_server import served, wire


class Held:
    """An application whose answers wait until they are let go."""

    def __init__(self) -> None:
        self.begun = asyncio.Event()
        self.let_go = asyncio.Event()
        self.running = 0

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope, receive
        self.running += 1
        self.begun.set()
        try:
            await self.let_go.wait()
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"done"})
        finally:
            self.running -= 1


async def until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():
            await asyncio.sleep(0.01)


async def test_the_bound_port_is_told_and_answers() -> None:
    app = FastAPI()
    install_problem_handlers(app)
    async with served(app) as server, httpx.AsyncClient() as client:
        answer = await client.get(f"http://127.0.0.1:{server.port}/nothing")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")


async def test_an_address_in_use_is_named() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        with pytest.raises(AddressUnavailableError, match=f"127.0.0.1:{port}"):
            await serve(Held(), "127.0.0.1", port, asyncio.Event())


async def test_the_stop_lets_requests_under_way_finish() -> None:
    app = Held()
    async with served(app) as server, httpx.AsyncClient() as client:
        answer = asyncio.create_task(client.get(f"http://127.0.0.1:{server.port}/"))
        await app.begun.wait()
        server.stop.set()
        app.let_go.set()
        assert (await answer).text == "done"
        async with asyncio.timeout(5):
            await server.task


async def test_the_stop_closes_idle_connections() -> None:
    async with served(Held()) as server, wire(server.port) as idle:
        server.stop.set()
        assert await idle.rest() == b""


async def test_a_handler_that_never_ends_does_not_hold_up_the_stop(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.http.server.DRAIN_SECONDS", 1)
    app = Held()
    async with served(app) as server, wire(server.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await app.begun.wait()
        server.stop.set()
        async with asyncio.timeout(10):
            await server.task
    assert app.running == 0


async def test_cancelling_the_server_cuts_connections_and_handlers() -> None:
    app = Held()
    async with served(app) as server, wire(server.port) as client:
        await client.send(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
        await app.begun.wait()
        server.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await server.task
        await client.rest()
        assert app.running == 0


async def test_a_thousand_clients_that_hang_up_leave_no_work_behind() -> None:
    app = Held()
    async with served(EndedByDisconnect(app)) as server:
        for _ in range(10):
            reached = app.running + 100
            connections = [await asyncio.open_connection("127.0.0.1", server.port) for _ in range(100)]
            for _, writer in connections:
                writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            await until(lambda: app.running == reached)  # noqa: B023 - awaited within the loop
            for _, writer in connections:
                writer.transport.abort()
            await until(lambda: app.running == 0)


async def test_a_client_that_stays_gets_its_answer_through_the_disconnect_watch() -> None:
    app = Held()
    app.let_go.set()
    async with served(EndedByDisconnect(app)) as server, httpx.AsyncClient() as client:
        for _ in range(3):
            answer = await client.post(f"http://127.0.0.1:{server.port}/", content=b"x" * 1000)
            assert answer.text == "done"


async def test_a_body_too_large_for_the_disconnect_watch_is_413() -> None:
    async with served(EndedByDisconnect(Held())) as server, httpx.AsyncClient() as client:
        answer = await client.post(f"http://127.0.0.1:{server.port}/", content=b"x" * 100_000)
    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")
