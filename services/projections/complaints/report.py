"""The figures of complaints by what went wrong, where, and how it was handled: what the report's SQL must come to."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Literal

from services.projections.read_models.declaration import Row

Grouping = Literal["cause", "location", "channel", "handling_fault", "level"]

_MEDIAN = 0.5
_NINETIETH = 0.9


def report(rows: Iterable[Row], since: datetime, until: datetime, by: Grouping) -> list[dict[str, Any]]:
    """A row for each value of a grouping, by number of cases, most first, then by value, None last.

    Cases count that were opened from `since` to before `until`, with what has become of them by now. `on_time` are
    resolved cases whose resolution clocks were met in every round. Working time is that of all rounds of resolved
    cases, pauses left out; percentiles lie between two cases as in `percentile_cont`, in whole seconds.
    """
    groups: dict[str | None, list[Row]] = {}
    for row in rows:
        if row["opened_at"] is not None and since <= row["opened_at"] < until:
            groups.setdefault(row[by], []).append(row)
    figures = [{by: value, **_figures(of_group)} for value, of_group in groups.items()]
    return sorted(figures, key=lambda each: (-each["opened"], each[by] is None, each[by] or ""))


def _figures(rows: Sequence[Row]) -> dict[str, Any]:
    resolved = [row for row in rows if row["resolved_at"] is not None]
    taken = sorted(row["working_seconds"] for row in resolved)
    return {
        "opened": len(rows),
        "resolved": len(resolved),
        "on_time": sum(bool(row["on_time"]) for row in resolved),
        "reopened": sum(row["reopened"] > 0 for row in rows),
        "median_working_seconds": _percentile(taken, _MEDIAN),
        "p90_working_seconds": _percentile(taken, _NINETIETH),
    }


def _percentile(ordered: Sequence[int], part: float) -> int | None:
    if not ordered:
        return None
    place = part * (len(ordered) - 1)
    below = int(place)
    above = min(below + 1, len(ordered) - 1)
    return round(ordered[below] + (ordered[above] - ordered[below]) * (place - below))
