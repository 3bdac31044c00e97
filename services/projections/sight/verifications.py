"""What comparing views with the log came to: the last times, and whether one could be compared now."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import asyncpg
from msgspec import json

from services.projections.sight.generations import Generation

KEPT: Final = 20
"""Verifications of a view that are kept, and so told."""
VIEW_LOCK: Final = 0x52617070
"""The class of the advisory locks of views; who operates on one holds the lock whose object is its name's hash."""

Occasion = Literal["verification", "rebuild"]
State = Literal["running", "equal", "differing", "cut_off"]


class Verification(NamedTuple):
    """A view's rows in `generation`, which readers saw, beside those of `recomputed`, made anew from the log.

    `state` is `cut_off` where it ended without a result, `reason` says why, and the process that compared was killed
    where nothing does. `position`, a token, is where both stood. `keys` names the first rows that differ.
    """

    number: int
    view: str
    generation: int
    occasion: Occasion
    begun_by: str | None
    job: int | None
    begun_at: datetime
    ended_at: datetime | None
    state: State
    reason: str | None
    recomputed: int | None
    position: str | None
    rows: int | None
    differing: int | None
    keys: list[dict[str, Any]]


async def verifications(connection: asyncpg.Connection, view: str) -> list[Verification]:
    """Those of a view that are kept, newest first. Raises asyncpg's errors."""
    return [_verification(row) for row in await connection.fetch(_OF_VIEW, view, VIEW_LOCK, KEPT)]


async def newest_verifications(connection: asyncpg.Connection) -> dict[str, Verification]:
    """By view the newest one that told rows equal or differing; a view without any is left out.

    Raises asyncpg's errors.
    """
    rows = await connection.fetch(_NEWEST, VIEW_LOCK)
    return {row["view"]: _verification(row) for row in rows}


def why_not_verify(generations: Sequence[Generation], version: int | None) -> str | None:
    """Why a view, of which these are all generations, cannot be compared with the log; None where it can.

    It goes on from the view's name.
    `version` is that of the view in this program, None where it does not know it.
    """
    shown = next((each for each in generations if each.shown), None)
    if shown is not None and shown.state == "live" and shown.version == version:
        return None
    state = "has not been built" if shown is None else f"is {shown.state} in version {shown.version}"
    return (
        f"{state}, so there is nothing to compare at the live position; "
        "`rapport resume` or `rapport rebuild` makes it live"
    )


def _verification(row: asyncpg.Record) -> Verification:
    found = Verification(*row)
    return found._replace(keys=json.decode(row["keys"]) if row["keys"] else [])


_COLUMNS = """
number, view, generation, occasion, begun_by, job, begun_at, ended_at,
case when outcome is not null then outcome
    when exists (
        select from pg_locks
        where locktype = 'advisory' and granted and pid = backend_pid
            and database = (select oid from pg_database where datname = current_database())
            and classid::bigint = {lock} and objid::bigint = (hashtext(view)::bigint & 4294967295)
    ) then 'running'
    else 'cut_off' end as state,
reason, recomputed, position, rows, differing, keys::text as keys
"""
"""Who compares holds the view's lock as long as its session lives, so that one that was killed is known by it."""

_OF_VIEW = f"""
select {_COLUMNS.format(lock="$2::bigint")} from control.verifications where view = $1 order by number desc limit $3
"""  # noqa: S608 - constants

_NEWEST = f"""
select distinct on (view) {_COLUMNS.format(lock="$1::bigint")} from control.verifications
where outcome in ('equal', 'differing') order by view, number desc
"""  # noqa: S608
