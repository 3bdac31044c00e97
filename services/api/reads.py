"""One read over HTTP: wait for the position asked for, read one snapshot, say which one it was.

Written against ASGI's scope rather than a framework's request, because the timeline is served without one.
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, NamedTuple

from prometheus_client import Counter
from starlette.responses import Response
from starlette.types import Scope, Send

from services.api.conditional import etag_of, matches
from services.api.database import Database, DatabaseUnavailableError
from services.api.position_watch import PositionNotReachedError, PositionWatch
from services.api.preferences import Freshness, freshness_of
from shared.http.problems import Problem
from shared.position import Position

_RETRY_SECONDS: Final = 1
_HEADERS: Final = frozenset({b"rapport-at-least", b"prefer", b"if-none-match"})
_CACHING: Final = (b"cache-control", b"private, no-cache")
_JSON: Final = (b"content-type", b"application/json")


class Snapshot(NamedTuple):
    """What was read, as JSON or the problem it means, and the position of the snapshot it was read from."""

    answer: bytes | Problem
    position: Position


class Answer(NamedTuple):
    """An HTTP response, complete but for its sending."""

    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes

    async def send(self, send: Send) -> None:
        """Sends it."""
        await send({"type": "http.response.start", "status": self.status, "headers": self.headers})
        await send({"type": "http.response.body", "body": self.body})

    def response(self) -> Response:
        """It as a framework's response."""
        response = Response(self.body, self.status)
        response.raw_headers = self.headers
        return response


class Reads:
    """Answers requests from the views. Shared by all routes of a process."""

    def __init__(self, database: Database, watch: PositionWatch, waits: Counter) -> None:
        self._database = database
        self._watch = watch
        self._waits = waits
        self._told: tuple[Position, bytes] | None = None

    async def answer(
        self,
        scope: Scope,
        query: Callable[[Any], Awaitable[Snapshot]],
        within_seconds: float | None = None,
        media_type: tuple[bytes, bytes] = _JSON,
    ) -> Answer:
        """The answer to the request of `scope`, with `Rapport-Position` and `ETag`. `query` may run twice.

        `within_seconds` is for queries that may take longer than others; `media_type` is the header of the type that
        they answer.

        Raises the problems 422 `invalid_position`, 503 `position_not_reached`, 503 `database_unavailable`,
        and what `query` answers.
        """
        asked = [header for header in scope["headers"] if header[0] in _HEADERS]
        freshness = freshness_of(asked) if asked else None
        headers = [_CACHING]
        try:
            if freshness is not None:
                await self._reach(freshness)
                if freshness.applied is not None:
                    headers.append((b"preference-applied", freshness.applied.encode()))
            answer, position = await self._database.read(query, within_seconds)
        except DatabaseUnavailableError as error:
            raise Problem(
                503, "database_unavailable", f"{error}; send it again", retry_after_seconds=_RETRY_SECONDS
            ) from error
        if freshness is not None and not position.includes(freshness.at_least):
            raise _not_reached("the server that answered is behind this position; send it again", position)
        headers.append((b"rapport-position", self._token(position)))
        if isinstance(answer, Problem):
            answer.headers.update((name.decode(), value.decode()) for name, value in headers)
            raise answer
        etag = etag_of(answer)
        headers.append((b"etag", etag))
        if asked and scope["method"] in ("GET", "HEAD") and matches(asked, etag):
            return Answer(304, headers, b"")
        headers += (media_type, (b"content-length", b"%d" % len(answer)))
        return Answer(200, headers, b"" if scope["method"] == "HEAD" else answer)

    def _token(self, position: Position) -> bytes:
        """The position's token. Many reads in a row are of one position, which their query remembers as one object."""
        if self._told is None or self._told[0] is not position:
            self._told = position, position.token().encode()
        return self._told[1]

    async def _reach(self, freshness: Freshness) -> None:
        try:
            await self._watch.reach(freshness.at_least, freshness.wait_seconds)
        except PositionNotReachedError as error:
            self._waits.labels("not_reached").inc()
            raise _not_reached(str(error), error.known) from error
        except DatabaseUnavailableError:
            # The watcher connects again in its own time; until then the read itself tells whether it is far enough.
            self._waits.labels("not_followed").inc()
        else:
            self._waits.labels("reached").inc()


def _not_reached(detail: str, known: Position) -> Problem:
    return Problem(
        503,
        "position_not_reached",
        detail,
        retry_after_seconds=_RETRY_SECONDS,
        headers={"rapport-position": known.token()},
    )
