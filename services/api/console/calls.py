"""How the console reads: by the API's own calls, inside the process, as the person at the screen."""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple
from urllib.parse import unquote, urlencode

import msgspec
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from services.api.access.reader import Reader, put_reader
from shared.http.problems import Problem, send_problem, trace_id_of

_JSON: Final = (b"content-type", b"application/json")
_FRESHNESS: Final = frozenset({b"rapport-at-least", b"prefer"})
"""What a page that is read again after a hint says of how fresh it has to be: the calls behind it have to be so too."""
_LONGEST_WAIT_SECONDS: Final = 10
"""How long a page waits to show what somebody has just done."""
_NOT_REACHED: Final = "position_not_reached"
OK: Final = 200
ACCEPTED: Final = 202
NOT_FOUND: Final = 404
UNAVAILABLE: Final = 503


class Answered(NamedTuple):
    """What a call answered: its document, or the problem document that says why there is none; exactly one of both.

    `behind` says that it does not include the position that was waited for.
    """

    document: Any
    problem: Mapping[str, Any] | None
    position: str | None = None
    behind: bool = False

    @property
    def status(self) -> int:
        """The HTTP status of the call."""
        return OK if self.problem is None else int(self.problem["status"])


class ApiCalls:
    """Makes calls of the query API for a reader, without a network and without a credential of their own.

    `app` is the API below the part that asks for credentials; so every rule of a call holds here as for any client:
    roles, purposes, what is withheld, the record of accesses.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def get(
        self, visit: Scope, reader: Reader, path: str, at_least: str | None = None, **parameters: str | None
    ) -> Answered:
        """The answer to a `GET` within the request `visit`; parameters that are None are left out.

        `at_least` is a position that is waited for, 10 s at most, beside what the visit itself asks for. Where the
        views do not reach it by then, the answer is of where they stand, and says so.

        A trailing `_` of a parameter's name is dropped, as `from` is a word of the language. Raises nothing that the
        API means to tell: problems are answers.
        """
        query = urlencode(
            {name.rstrip("_"): value for name, value in parameters.items() if value is not None}
        )
        scope = _scope(visit, reader, "GET", path, query.encode())
        if at_least is not None:
            at = (b"rapport-at-least", at_least.encode("latin-1", "replace"))
            scope["headers"] += [at, (b"prefer", b"wait=%d" % _LONGEST_WAIT_SECONDS)]
        answered = await self._answered(scope, b"")
        if at_least is not None and answered.problem is not None and answered.problem["code"] == _NOT_REACHED:
            answered = await self._answered(_scope(visit, reader, "GET", path, query.encode()), b"")
            return answered._replace(behind=True)
        return answered

    async def stream(self, visit: Scope, reader: Reader, path: str, receive: Receive, send: Send) -> None:
        """Hands the request `visit` on to a call whose answer goes on and on, with the query it came with."""
        scope = _scope(visit, reader, "GET", path, visit["query_string"])
        scope["headers"] += [header for header in visit["headers"] if header[0] == b"last-event-id"]
        try:
            await self._app(scope, receive, send)
        except Problem as problem:
            await send_problem(problem, visit, send)

    async def post(self, visit: Scope, reader: Reader, path: str, document: Any) -> Answered:
        """The answer to a `POST` of a JSON document."""
        return await self._answered(_scope(visit, reader, "POST", path, b""), msgspec.json.encode(document))

    async def _answered(self, scope: Scope, body: bytes) -> Answered:
        collected = _Collected(body)
        try:
            await self._app(scope, collected.receive, collected.send)
        except Problem as problem:
            return Answered(None, msgspec.json.decode(problem.document(trace_id_of(scope))))
        return collected.answered()


def _scope(visit: Scope, reader: Reader, method: str, path: str, query: bytes) -> Scope:
    """A request of its own within the one of the screen, whose trace id it has."""
    scope: dict[str, Any] = {
        "type": "http",
        "asgi": visit["asgi"],
        "http_version": "1.1",
        "method": method,
        "scheme": visit["scheme"],
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query,
        "root_path": "",
        "headers": [_JSON, *(header for header in visit["headers"] if header[0] in _FRESHNESS)],
        "client": visit.get("client"),
        "server": visit.get("server"),
        "state": {},
        "rapport.trace_id": trace_id_of(visit),
    }
    put_reader(scope, reader)
    return scope


class _Collected:
    """Both ends of one call: what it is sent, and what it answers."""

    def __init__(self, body: bytes) -> None:
        self._sent = body
        self._status = 0
        self._headers: dict[bytes, bytes] = {}
        self._body = bytearray()

    async def receive(self) -> Message:
        return {"type": "http.request", "body": self._sent, "more_body": False}

    async def send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._status = message["status"]
            self._headers = dict(message["headers"])
        elif message["type"] == "http.response.body":
            self._body += message.get("body", b"")

    def answered(self) -> Answered:
        document = msgspec.json.decode(self._body)
        position = self._headers.get(b"rapport-position")
        told = None if position is None else position.decode()
        if self._status in (OK, ACCEPTED):
            return Answered(document, None, told)
        return Answered(None, document, told)
