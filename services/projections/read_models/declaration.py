"""What a read model declares, and the engine needs, to project it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Table

from shared.envelope import RecordedEvent
from shared.events.data import EventData

Row = Mapping[str, Any]
"""One row to write, by column name; JSON columns hold text."""


@dataclass(frozen=True, slots=True)
class Entries:
    """A kind of read model: one row an event, nothing loaded, nothing changed later.

    `row` is pure: no clock, no I/O, no randomness, no logging. It raises nothing on an event of a consumed class.
    """

    row: Callable[[RecordedEvent[Any]], Row]


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A declared view. `version` is raised when the table or the fold changes, which asks for a rebuild.

    `table` names no schema: the engine makes it in the schema of a generation, and readers see it through `live`.
    """

    name: str
    version: int
    kind: Entries
    table: Table
    consumes: frozenset[type[EventData]]


def classes_of(union: Any) -> frozenset[type[EventData]]:
    """The event classes of a union type, so that a read model's list is derived from its annotation."""
    return frozenset(get_args(union) or (union,))
