"""What a read model declares, and the engine needs, to project it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, get_args

from sqlalchemy import Table

from shared.envelope import RecordedEvent
from shared.events.data import EventData

Row = Mapping[str, Any]
"""One row by column name, as PostgreSQL's driver takes the values.

JSON columns hold plain values (mappings with text keys, lists, texts, whole numbers of 64 bits, truths, None), which
the engine encodes and decodes; decimals stand in them as texts. The rows of `Ordered` and `Mergeable` leave out the
columns of the primary key, because the engine knows the key. A row is never changed once it was handed over: another
state is another row.
"""

Key = tuple[Any, ...]
"""The values of a table's primary key, in its order; values of one column can be compared with each other."""


@dataclass(frozen=True, slots=True)
class Entries:
    """A kind of read model: one row an event, nothing loaded, nothing changed later.

    `row` is pure: no clock, no I/O, no randomness, no logging. It raises nothing on an event of a consumed class.
    """

    row: Callable[[RecordedEvent[Any]], Row]


@dataclass(frozen=True, slots=True)
class Ordered:
    """A kind of read model: one row a key, folded from the key's events in the order of the log.

    All events of a row have one stream key, which may feed several rows; `key` answers None for an event that changes
    no row. `evolve` gets the row so far, None where there is none, and answers the next: the very same object where
    nothing changed, None where there is to be no row. Both are pure and raise nothing on events of a consumed class,
    in whatever order they come.
    """

    key: Callable[[RecordedEvent[Any]], Key | None]
    evolve: Callable[[Row | None, RecordedEvent[Any]], Row | None]


@dataclass(frozen=True, slots=True)
class Mergeable:
    """A kind of read model: one row a key, the same in whatever order its events come, from any partitions.

    `lift` makes the row of a single event, `combine` that of what two rows are made of; it is associative and
    commutative, and serves readers as well, who combine the rows of several keys. `key` answers None for an event that
    changes no row. All are pure and raise nothing on events of a consumed class.
    """

    key: Callable[[RecordedEvent[Any]], Key | None]
    lift: Callable[[RecordedEvent[Any]], Row]
    combine: Callable[[Row, Row], Row]


Kind = Entries | Ordered | Mergeable


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A declared view. `version` is raised when the table or the fold changes, which asks for a rebuild.

    `table` names no schema: the engine makes it in the schema of a generation, and readers see it through `live`.
    """

    name: str
    version: int
    kind: Kind
    table: Table
    consumes: frozenset[type[EventData]]


def classes_of(union: Any) -> frozenset[type[EventData]]:
    """The event classes of a union type, so that a read model's list is derived from its annotation."""
    return frozenset(get_args(union) or (union,))
