"""One read over HTTP: wait for the position asked for, read one snapshot, say which one it was."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from prometheus_client import Counter
from starlette.requests import Request
from starlette.responses import Response

from services.api.conditional import etag_of, matches
from services.api.database import Database, DatabaseUnavailableError
from services.api.position_watch import PositionNotReachedError, PositionWatch
from services.api.preferences import Freshness, freshness_of
from shared.http.problems import Problem
from shared.position import Position

_RETRY_SECONDS = 1


class Snapshot(NamedTuple):
    """What was read, as JSON or the problem it means, and the position of the snapshot it was read from."""

    answer: bytes | Problem
    position: Position


class Reads:
    """Answers requests from the views. Shared by all routes of a process."""

    def __init__(self, database: Database, watch: PositionWatch, waits: Counter) -> None:
        self._database = database
        self._watch = watch
        self._waits = waits

    async def answer(self, request: Request, query: Callable[[Any], Awaitable[Snapshot]]) -> Response:
        """The response to `request`, with `Rapport-Position` and `ETag`. `query` may run twice.

        Raises the problems 422 `invalid_position`, 503 `position_not_reached`, 503 `database_unavailable`,
        and what `query` answers.
        """
        freshness = freshness_of(request.headers)
        headers = {"cache-control": "private, no-cache"}
        try:
            if freshness is not None:
                await self._reach(freshness)
                if freshness.applied is not None:
                    headers["preference-applied"] = freshness.applied
            body, position = await self._database.read(query)
        except DatabaseUnavailableError as error:
            raise Problem(
                503, "database_unavailable", f"{error}; send it again", retry_after_seconds=_RETRY_SECONDS
            ) from error
        if freshness is not None and not position.includes(freshness.at_least):
            raise _not_reached("the server that answered is behind this position; send it again", position)
        headers["rapport-position"] = position.token()
        if isinstance(body, Problem):
            body.headers.update(headers)
            raise body
        headers["etag"] = etag = etag_of(body)
        asked = request.headers.getlist("if-none-match") if request.method in ("GET", "HEAD") else []
        if asked and matches(asked, etag):
            return Response(status_code=304, headers=headers)
        return Response(body, headers=headers, media_type="application/json")

    async def _reach(self, freshness: Freshness) -> None:
        try:
            await self._watch.reach(freshness.at_least, freshness.wait_seconds)
        except PositionNotReachedError as error:
            self._waits.labels("not_reached").inc()
            raise _not_reached(str(error), error.known) from error
        except DatabaseUnavailableError:
            self._waits.labels("database_unavailable").inc()
            raise
        self._waits.labels("reached").inc()


def _not_reached(detail: str, known: Position) -> Problem:
    return Problem(
        503,
        "position_not_reached",
        detail,
        retry_after_seconds=_RETRY_SECONDS,
        headers={"rapport-position": known.token()},
    )
