"""What a read model declares, and the engine needs, to project it."""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, get_args

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

    `row` answers None for an event that adds none. It is pure: no clock, no I/O, no randomness, no logging. It raises
    nothing on an event of a consumed class.
    """

    row: Callable[[RecordedEvent[Any]], Row | None]


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

    `lift` makes the rows of a single event, by key, none for an event that changes nothing; `combine` makes the row of
    what two rows of one key are made of. It is associative and commutative, and serves readers as well, who combine
    the rows of several keys. All rows of an event change together, or none does. Both are pure and raise nothing on
    events of a consumed class.

    `fed_by_others` says that a row whose key names a stream key may be made of events of other stream keys as well, so
    that the events of one do not tell what is in it.

    `grows` says that a row once made of an event holds it for good: combining the two again answers the very row. No
    row of such a view is taken out, so one that holds already what events give it is neither locked nor written.
    """

    lift: Callable[[RecordedEvent[Any]], Mapping[Key, Row]]
    combine: Callable[[Row, Row], Row]
    fed_by_others: bool = False
    grows: bool = False


class Evolved(NamedTuple):
    """What an event changes in a ledger: rows by key, None for one that is to go, and the entries it adds.

    Entries are whole rows of the ledger's table of entries, the columns of its primary key included.
    """

    rows: Mapping[Key, Row | None]
    entries: Sequence[Row] = ()


class Needs(NamedTuple):
    """What a ledger's fold must know before it can answer: the rows of keys that it was not given."""

    keys: Collection[Key]


@dataclass(frozen=True, slots=True)
class Ledger:
    """A kind of read model: rows folded from the events of a stream key in the order of the log, and entries kept.

    An event may change several rows of `table`, and adds rows to the table of `entries`, which are never loaded, nor
    changed later. So what an event costs depends on the rows it needs, not on how much happened before.

    `keys` names the rows that an event needs as far as the event itself tells, () for one that changes nothing.
    `evolve` is given those, None for one that is not there, and maybe others, on which its answer does not depend;
    where it wants more it answers `Needs` and is called again with those too. All rows of an event, and all events of
    a row, have one stream key. Both are pure and raise nothing on events of a consumed class, in whatever order they
    come.
    """

    keys: Callable[[RecordedEvent[Any]], Sequence[Key]]
    evolve: Callable[[Mapping[Key, Row | None], RecordedEvent[Any]], Evolved | Needs]
    entries: Table


Kind = Entries | Ordered | Mergeable | Ledger

Refresh = Callable[[Any], Awaitable[None]]
"""Reads what a fold depends on, over the asyncpg connection it is given. Raises asyncpg's errors."""


class ErasedRows(NamedTuple):
    """Which rows of a view go when a party is erased: those whose column `party` names it, and whose column `case`,
    where there is one, names no case.

    Every event of such a row has the party's own stream key, so that what goes is the same in every order of
    partitions. Both columns are of the primary key or, for `Entries`, any.
    """

    party: str
    case: str | None = None


@dataclass(frozen=True, slots=True)
class ReadModel:
    """A declared view. `version` is raised when a table or the fold changes, which asks for a rebuild.

    Tables name no schema: the engine makes them in the schema of a generation, and readers see them through `live`.
    `refresh` reads what the fold depends on besides events: what came into force behind the live set's barrier, each
    part of it for events from its own offsets on, so that a rebuild folds them by the same. It may be repeated.
    `erased` says which rows of an `Entries` or `Mergeable` view the engine takes out where a party is erased.
    """

    name: str
    version: int
    kind: Kind
    table: Table
    consumes: frozenset[type[EventData]]
    refresh: Refresh | None = None
    erased: ErasedRows | None = None

    @property
    def tables(self) -> tuple[Table, ...]:
        """All its tables, that of its rows first."""
        return (self.table, self.kind.entries) if isinstance(self.kind, Ledger) else (self.table,)


def classes_of(union: Any) -> frozenset[type[EventData]]:
    """The event classes of a union type, so that a read model's list is derived from its annotation."""
    return frozenset(get_args(union) or (union,))
