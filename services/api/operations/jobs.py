"""What operators order of the projections: recorded here, carried out by a projection process, read here again."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, NamedTuple

import asyncpg

from services.api.database import Database, unavailable
from services.api.operations.job_documents import JobBody
from services.api.operations.view_names import UNDECODABLE, said_view, stored_view
from services.projections.sight.generations import generations
from services.projections.sight.parked_counting import count_redrivable
from services.projections.sight.switching import why_not_roll_back, why_not_switch
from services.projections.sight.verifications import why_not_verify
from shared.http.problems import Problem

_COLUMNS: Final = (
    "number", "kind", "view", "stream_key", "error", "generation", "again", "counted", "ordered_by", "staff",
    "ordered_at", "state", "taken_up", "applied", "failed", "folded", "to_fold", "started_at", "progressed_at",
    "ended_at", "outcome",
)  # fmt: skip
_NAMES: Final = ", ".join(_COLUMNS)
_ONE: Final = f"select {_NAMES} from control.operator_jobs where number = $1"  # noqa: S608 - names of columns
_PAGE: Final = f"""
select {_NAMES} from control.operator_jobs
where ($1::text is null or view = $1) and number < $2::bigint order by number desc limit $3::bigint
"""  # noqa: S608
_ADD: Final = f"""
insert into control.operator_jobs (kind, view, stream_key, error, generation, again, counted, ordered_by, staff)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9) returning {_NAMES}
"""  # noqa: S608
_MOST_NUMBER: Final = 2**63 - 1


class JobPage(NamedTuple):
    """Jobs as documents, newest first, and the number where the next page starts, None after the last."""

    items: list[dict[str, Any]]
    next: int | None


async def job_of(connection: Any, number: int) -> dict[str, Any] | None:
    """One job, None where there is no such. Raises asyncpg's errors."""
    row = await connection.fetchrow(_ONE, number)
    return None if row is None else _document(row)


async def job_page(connection: Any, view: str | None, before: int | None, limit: int) -> JobPage:
    """A page of jobs, of one view or all. Raises asyncpg's errors."""
    rows = await connection.fetch(
        _PAGE, None if view is None else stored_view(view), before or _MOST_NUMBER, limit + 1
    )
    items = [_document(row) for row in rows[:limit]]
    return JobPage(items, items[-1]["number"] if len(rows) > limit else None)


class Jobs:
    """Takes orders. `connect` opens a connection that may write, which is closed after each use; `versions` are those
    of the views that this program knows.
    """

    def __init__(
        self,
        database: Database,
        connect: Callable[[], Awaitable[asyncpg.Connection]],
        versions: Mapping[str, int],
    ) -> None:
        self._database = database
        self._connect = connect
        self._versions = versions

    async def order(self, body: JobBody, ordered_by: str) -> dict[str, Any]:
        """The new job. Nothing is done yet when it answers.

        Raises the problems 404 `unknown_view`, 409 `nothing_parked`, `count_changed`, `switch_refused`,
        `verification_refused` and `view_busy`, 422 `schema_violation`, and `DatabaseUnavailableError`.
        """
        refused = await self._database.read(lambda connection: self._refused(connection, body))
        if refused is not None:
            raise refused
        row = await self._write(
            body.kind,
            stored_view(body.view),
            body.stream_key,
            body.error,
            body.generation if body.kind == "switch" else None,
            body.again and body.kind == "redrive",
            body.events if body.kind == "redrive" else None,
            ordered_by,
            body.staff,
        )
        return _document(row)

    async def _refused(self, connection: Any, body: JobBody) -> Problem | None:
        """Why an order is not taken as things stand, None where it is."""
        every = await generations(connection)
        known = list(dict.fromkeys(each.view for each in every))
        if body.view not in (*known, UNDECODABLE) or (body.view == UNDECODABLE and body.kind != "redrive"):
            return Problem(
                404, "unknown_view", f"there is no such view; there are {', '.join(known) or 'none'}"
            )
        if body.kind == "redrive":
            return await _uncounted(connection, body)
        own = [each for each in every if each.view == body.view]
        version = self._versions.get(body.view)
        if body.kind == "verify":
            reason = why_not_verify(own, version)
            told = f"nothing was ordered: view {body.view} {reason}"
            return None if reason is None else Problem(409, "verification_refused", told)
        if body.kind == "roll_back":
            reason = why_not_roll_back(own, version)
        elif body.generation is None:
            return _lacking("generation")
        else:
            reason = why_not_switch(own, body.generation, version)
        return None if reason is None else Problem(409, "switch_refused", f"nothing was ordered: {reason}")

    async def _write(self, *row: Any) -> asyncpg.Record:
        try:
            connection = await self._connect()
            try:
                [added] = await connection.fetch(_ADD, *row)
            finally:
                await connection.close(timeout=1)
        except asyncpg.UniqueViolationError as error:
            detail = f"a job on {said_view(row[1])} is open already; wait for its end, then look again and order it"
            raise Problem(409, "view_busy", detail) from error
        except Exception as error:
            raise unavailable(error) from error
        return added


async def _uncounted(connection: Any, body: JobBody) -> Problem | None:
    if body.events is None:
        return _lacking("events")
    counted = await count_redrivable(
        connection, stored_view(body.view), body.stream_key, body.error, again=body.again
    )
    if not counted.events:
        return Problem(409, "nothing_parked", "nothing that waits is chosen; look again at what is parked")
    if counted.events > body.events:
        detail = f"{counted.events} events are chosen by now, not {body.events}; count again, then order it"
        return Problem(409, "count_changed", detail, events=counted.events, keys=counted.keys)
    return None


def _lacking(member: str) -> Problem:
    return Problem(422, "schema_violation", f"{member}: required for this kind", pointer=f"/{member}")


def _document(row: asyncpg.Record) -> dict[str, Any]:
    return {**dict(zip(_COLUMNS, row, strict=True)), "view": said_view(row["view"])}
