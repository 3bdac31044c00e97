"""Time and size bounds on the sending half of a connection, which uvicorn leaves to whoever runs it."""

import asyncio
import secrets
from collections.abc import Collection
from http import HTTPStatus
from typing import Any, Final, cast

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle
from uvicorn.server import ServerState

from shared.http.joined_writes import EndOfTurn, JoinedWrites
from shared.http.problems import CONTENT_TYPE, Problem, send_problem

HEAD_SECONDS: Final = 5.0
"""From a request's first byte (or the connection's begin) to the end of its headers."""
REQUEST_SECONDS: Final = 8.0
"""From a request's first byte to its last, plus a second for every 32 KiB of body that came."""
LEAST_BODY_BYTES_PER_SECOND: Final = 32 * 1024
WRITE_SECONDS: Final = 10.0
"""How long a client may leave an answer unread before its connection is cut."""
LINGER_SECONDS: Final = 2.0
"""How long a refused connection is still read from, so that the refusal is not lost to a reset."""
HEAD_BYTES: Final = 32 * 1024
MOST_CONNECTIONS: Final = 4096
MOST_REQUESTS_AT_ONCE: Final = 1024
SWEEP_SECONDS: Final = 0.5


class DeadlineProtocol(HttpToolsProtocol):
    """uvicorn's HTTP/1.1 protocol that refuses slow requests (408), large heads (431) and overload (503).

    Deadlines are plain numbers for `enforce_deadlines` to compare; timers would cost every request.
    """

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
        *,
        end_of_turn: EndOfTurn,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        self._end_of_turn = end_of_turn
        self._in_head = True
        self._in_body = False
        self._heads = 0  # complete ones
        self._head_bytes = 0  # received while the head was incomplete
        self._received_bytes = 0
        self._begin_bytes = 0  # received before the chunk in which the request began
        self._chunk_bytes = 0  # of what is being parsed
        self._body_bytes = 0
        self._request_began = 0.0
        self._read_by: float | None = None
        self._idle_until: float | None = None
        self._write_paused_at: float | None = None
        self._cut_at: float | None = None
        self._refused = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Starts the deadline for the first request; a connection over the bound is cut at once."""
        super().connection_made(cast("asyncio.Transport", JoinedWrites(transport, self._end_of_turn)))
        self._read_by = self.loop.time() + HEAD_SECONDS
        if len(self.connections) > MOST_CONNECTIONS:
            transport.abort()

    def data_received(self, data: bytes) -> None:
        """Feeds the parser, unless the connection was refused: then what still comes is dropped."""
        if self._refused:
            return
        self._chunk_bytes = len(data)
        self._received_bytes += self._chunk_bytes
        in_head_before, heads_before = self._in_head, self._heads
        super().data_received(data)
        if in_head_before and self._in_head and self._heads == heads_before:
            self._head_bytes += self._chunk_bytes
            if self._head_bytes > HEAD_BYTES:
                self._refuse_head()

    def on_message_begin(self) -> None:
        """Starts the deadline for the head."""
        super().on_message_begin()
        self._idle_until = None
        self._begin_bytes = self._received_bytes - self._chunk_bytes
        self._request_began = self.loop.time()
        self._read_by = self._request_began + HEAD_SECONDS

    def on_headers_complete(self) -> None:
        """Starts the application, unless the head is too large."""
        if self._refused:
            return
        # Headers are seldom worth being measured one by one: they are no larger than what came.
        came_bytes = self._received_bytes - self._begin_bytes
        if came_bytes > HEAD_BYTES and self._measured_head() > HEAD_BYTES:
            self._refuse_head()
            return
        self._heads += 1
        self._in_head = False
        self._in_body = True
        self._head_bytes = 0
        self._body_bytes = 0
        self._read_by = self._request_began + REQUEST_SECONDS
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Counts the body, which earns it time."""
        if self._refused:
            return
        self._body_bytes += len(body)
        super().on_body(body)

    def on_message_complete(self) -> None:
        """Ends the deadline: from here on the time is the application's."""
        if self._refused:
            return
        self._in_head = True
        self._in_body = False
        self._read_by = None
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """As uvicorn's, but for its timer: `enforce` ends connections on which no further request comes."""
        self.server_state.total_requests += 1
        if self.transport.is_closing():
            return
        self.flow.resume_reading()
        if self.pipeline:
            cycle, app = self.pipeline.pop()
            self._start_asgi_task(cycle, app)
        else:
            self._idle_until = self.loop.time() + self.timeout_keep_alive

    def pause_writing(self) -> None:
        """Notes since when the client leaves the answer unread."""
        super().pause_writing()
        self._write_paused_at = self.loop.time()

    def resume_writing(self) -> None:
        """The client reads again."""
        super().resume_writing()
        self._write_paused_at = None

    def send_400_response(self, msg: str) -> None:
        """Refuses what is not HTTP, with a problem document in place of uvicorn's plain text."""
        del msg
        self._refuse(Problem(400, "invalid_http", "this is not a valid HTTP/1.1 request"))

    def enforce(self, now: float) -> None:
        """Cuts or refuses the connection where a deadline has passed by `now` (the loop's time)."""
        if self.transport.is_closing() and self._cut_at is None:
            self._cut_at = now + LINGER_SECONDS
        if self._cut_at is not None:
            if now > self._cut_at:
                self.transport.abort()
        elif self._write_paused_at is not None and now > self._write_paused_at + WRITE_SECONDS:
            self.transport.abort()
        elif self._read_by is not None:
            self._enforce_read(now, self._read_by)
        elif self._idle_until is not None and now > self._idle_until:
            self.transport.close()

    def _enforce_read(self, now: float, read_by: float) -> None:
        if self.flow.read_paused:  # it is the application that is slow
            self._read_by = max(read_by, now + HEAD_SECONDS)
            return
        unanswered = self._unanswered() is not None
        if self._in_head and unanswered:  # a pipelined request waits for the answer to the one before
            return
        answered = self._in_body and not unanswered
        if self._in_body and unanswered:
            read_by += self._body_bytes / LEAST_BODY_BYTES_PER_SECOND
        if now <= read_by:
            return
        if answered or not self._request_began:
            self.transport.abort()
        else:
            what = "its body" if self._in_body else "its headers"
            detail = f"the request was not complete in time: {what} came too slowly; send it again, faster"
            self._refuse(Problem(408, "request_timeout", detail))

    def _measured_head(self) -> int:
        return len(self.url) + sum(len(name) + len(value) for name, value in self.headers)

    def _unanswered(self) -> RequestResponseCycle | None:
        cycle = cast("RequestResponseCycle | None", self.cycle)  # None before the first request
        return cycle if cycle is not None and not cycle.response_complete else None

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        serving: Any = _overloaded if len(self.tasks) >= MOST_REQUESTS_AT_ONCE else app
        super()._start_asgi_task(cycle, serving)

    def _refuse_head(self) -> None:
        detail = f"the request line and headers are over {HEAD_BYTES} bytes; send fewer or shorter headers"
        self._refuse(Problem(431, "headers_too_large", detail))

    def _refuse(self, problem: Problem) -> None:
        """Answers outside the application and ends the connection; a handler under way sees a disconnect."""
        self._refused = True
        self._read_by = None
        self._cut_at = self.loop.time() + LINGER_SECONDS
        cycle = self._unanswered()
        if cycle is not None:
            cycle.disconnected = True
            cycle.message_event.set()
            if cycle.response_started:
                self.transport.abort()
                return
        self.transport.write(_answer(problem))
        if self.transport.can_write_eof():
            self.transport.write_eof()
        else:
            self.transport.close()


async def enforce_deadlines(connections: Collection[Any]) -> None:
    """Looks at every connection twice a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        await asyncio.sleep(SWEEP_SECONDS)
        now = loop.time()
        for connection in list(connections):
            connection.enforce(now)


async def _overloaded(scope: Scope, receive: Receive, send: Send) -> None:
    del receive
    detail = f"more than {MOST_REQUESTS_AT_ONCE} requests are being served; send it again in a second"
    problem = Problem(503, "overloaded", detail, retry_after_seconds=1, headers={"connection": "close"})
    await send_problem(problem, scope, send)


def _answer(problem: Problem) -> bytes:
    body = problem.document(secrets.token_hex(16))
    head = (
        f"HTTP/1.1 {problem.status} {HTTPStatus(problem.status).phrase}\r\n"
        f"content-type: {CONTENT_TYPE}\r\ncontent-length: {len(body)}\r\nconnection: close\r\n\r\n"
    )
    return head.encode() + body
