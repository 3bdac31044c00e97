"""How a balance came about, as a stepped line: points change at once and stay until the next entry. Pure."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.api.console.moments import instant

WIDTH: Final = 640
HEIGHT: Final = 160
_MARGIN: Final = 8


class PointsChart(NamedTuple):
    """What a drawing of it needs: a path within `WIDTH` x `HEIGHT`, the height of zero, and what both ends are."""

    path: str
    zero: float
    least: int
    most: int
    begins: str
    ends: str


def points_chart(newest_first: Sequence[Mapping[str, Any]]) -> PointsChart | None:
    """The chart of a page of entries, None for fewer than two. It starts with the balance before the oldest of them."""
    entries = list(reversed(newest_first))
    if len(entries) < 2:  # noqa: PLR2004 - a line needs two ends
        return None
    times = [instant(each["time"]).timestamp() for each in entries]
    balances = [each["balance_after"] for each in entries]
    before = balances[0] - entries[0]["points"]
    least, most = min(0, before, *balances), max(1, before, *balances)
    first, last = min(times), max(times)

    def across(time: float) -> float:
        share = (time - first) / (last - first) if last > first else 1.0
        return round(_MARGIN + share * (WIDTH - 2 * _MARGIN), 1)

    def down(balance: int) -> float:
        return round(float(HEIGHT - _MARGIN - (balance - least) / (most - least) * (HEIGHT - 2 * _MARGIN)), 1)

    steps = [f"M{across(first)} {down(before)}"]
    for time, balance in zip(times, balances, strict=True):
        steps.append(f"H{across(time)}V{down(balance)}")
    steps.append(f"H{WIDTH - _MARGIN}")
    return PointsChart("".join(steps), down(0), least, most, entries[0]["time"], entries[-1]["time"])
