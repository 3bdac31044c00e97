"""A page of a timeline as people read it: under its days, with runs of quiet entries folded into one line. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from services.api.console.moments import day_name, instant

SHORTEST_RUN: Final = 3
"""As many quiet entries in a row as are folded; two are as quickly read as the line that would stand for them."""

Item = Mapping[str, Any]


class Stretch(NamedTuple):
    """Entries in a row: one to be read, or a run of quiet ones, which `quiet` describes."""

    items: Sequence[Item]
    quiet: str | None


class Day(NamedTuple):
    """A day's entries, in the order of the page."""

    name: str
    stretches: Sequence[Stretch]


def days(items: Iterable[Item], zone: ZoneInfo) -> list[Day]:
    """The entries under the days of a zone. Every entry is in exactly one stretch, and none changes its place."""
    by_day = groupby(items, key=lambda item: day_name(instant(item["time"]), zone))
    return [Day(name, _stretches(list(entries))) for name, entries in by_day]


def _stretches(items: Sequence[Item]) -> list[Stretch]:
    stretches: list[Stretch] = []
    for quiet, run in groupby(items, key=_is_quiet):
        entries = list(run)
        if quiet and len(entries) >= SHORTEST_RUN:
            stretches.append(Stretch(entries, f"{len(entries)} pages viewed"))
        else:
            stretches += [Stretch([each], None) for each in entries]
    return stretches


def _is_quiet(item: Item) -> bool:
    """Whether an entry says little alone: somebody looked at a page."""
    return bool(item["type"] == "interaction.recorded" and item["data"].get("kind") == "page_view")
