"""Scoring runs as they are read: newest first, one by its id, and as documents in which nothing is left out."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, NamedTuple

from msgspec import json

from services.projections.moments import datetime_of, microseconds_of, text_of

VIEWS: Final = ("analytics_runs",)
_MEMBERS: Final = (
    "run_id", "as_of", "position", "customers", "parameters", "cuts", "backtest", "settings", "figures", "notes",
)  # fmt: skip
_MODELS: Final = ("bg_nbd", "mbg_nbd", "gamma_gamma")


class Place(NamedTuple):
    """Where a page of runs ends: the time that its last run is of, in microseconds, and its id."""

    as_of: int
    run_id: str


class RunPage(NamedTuple):
    """Runs as documents, the latest `as_of` first, and where the next page starts, None after the last."""

    items: list[dict[str, Any]]
    next: Place | None


async def run_page(connection: Any, after: Place | None, limit: int) -> RunPage:
    """A page of runs. Pages that follow each other neither repeat nor skip one. Raises asyncpg's errors."""
    if after is None:
        found = await connection.fetch(_FIRST, limit + 1)
    else:
        found = await connection.fetch(_NEXT, limit + 1, datetime_of(after.as_of), after.run_id)
    items = [document_of(each) for each in found[:limit]]
    if len(found) <= limit:
        return RunPage(items, None)
    last = found[limit - 1]
    return RunPage(items, Place(microseconds_of(last["as_of"]), last["run_id"]))


async def run_document(connection: Any, run_id: str) -> dict[str, Any] | None:
    """The run of an id, None where there is none. Raises asyncpg's errors."""
    found = await connection.fetchrow(_ONE, run_id)
    return None if found is None else document_of(found)


def document_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of `analytics_runs` as it is shown: members that the event leaves out are null, and notes none."""
    said: dict[str, Any] = json.decode(row["run"])
    recorded: datetime = row["time"]
    document = dict.fromkeys(_MEMBERS) | {name: said[name] for name in _MEMBERS if name in said}
    document["parameters"] = dict.fromkeys(_MODELS) | said["parameters"]
    document["notes"] = said.get("notes", [])
    document["as_of"] = text_of(microseconds_of(row["as_of"]))
    document["completed_at"] = text_of(microseconds_of(recorded))
    return document


_FIRST: Final = """
select run_id, as_of, time, run from live.analytics_runs order by as_of desc, run_id desc limit $1::bigint
"""
_NEXT: Final = """
select run_id, as_of, time, run from live.analytics_runs
where (as_of, run_id) < ($2::timestamptz, $3::text) order by as_of desc, run_id desc limit $1::bigint
"""
_ONE: Final = "select run_id, as_of, time, run from live.analytics_runs where run_id = $1::text"
