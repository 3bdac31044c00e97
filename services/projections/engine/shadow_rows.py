"""The rows of a generation outside the live set while they are folded in memory, before a checkpoint writes them."""

from collections.abc import Collection, Sequence
from typing import Protocol

import asyncpg
from msgspec import msgpack

from services.projections.engine.erased_rows import erase_rows, goes_with
from services.projections.engine.folding import Contribution, evolved, merged
from services.projections.engine.generations import LiveView
from services.projections.engine.ledger_rows import LedgerRows
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.engine.writing import (
    add_missing_rows,
    add_rows,
    change_rows,
    load_rows,
    lock_rows,
    write_changes,
)
from services.projections.read_models.declaration import Entries, Key, Ledger, Mergeable, Needs, Ordered, Row

_SAMPLED = 64
_BYTES_OF_OBJECTS = 8
"""Python's objects take about so many times the bytes of their compact encoding."""
_LEAST_ROW_BYTES = 400


class ShadowRows(Protocol):
    """Rows of one view. `fold` is given contributions in log order, once `load` was given them."""

    @property
    def loads(self) -> bool:
        """Whether `load` may have to ask PostgreSQL, so that it had better be given many at once."""

    async def load(self, connection: asyncpg.Connection, contributions: Sequence[Contribution]) -> None:
        """Makes the rows that the contributions change ready to fold. Raises asyncpg's errors."""

    def fold(self, contribution: Contribution) -> Needs | None:
        """Folds one; where it raises what the read model raises, nothing has changed.

        Nor has it where it answers which rows `load_also` is to make ready before it is folded again.
        """

    async def load_also(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:
        """Makes more rows ready. Raises asyncpg's errors."""

    def erase(self, party: str) -> None:
        """Takes out what goes with a party, of what was folded and, when it is written, of what is stored."""

    async def write(self, connection: asyncpg.Connection) -> None:
        """Writes what changed, in the caller's transaction, and may be repeated until `written`.

        Raises `RowsRefusedError` and asyncpg's errors.
        """

    def written(self, most_bytes: int) -> None:
        """Takes note that what `write` wrote was committed, and keeps no more than `most_bytes` in memory."""

    def size_bytes(self) -> int:
        """What is held in memory, estimated from samples."""


def shadow_rows(view: LiveView, *, empty: bool) -> ShadowRows:
    """The rows of a view; `empty` says that its table holds none, so none need be looked for."""
    kind = view.read_model.kind
    if isinstance(kind, Entries):
        return _EntryRows(view)
    if isinstance(kind, Mergeable):
        return _MergedRows(view, kind)
    if isinstance(kind, Ledger):
        return _LedgerRows(view, kind, empty=empty)
    return _OrderedRows(view, kind, empty=empty)


class _KnownRows:
    """Rows of which an event tells all that it needs."""

    async def load_also(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:  # noqa: ARG002 - never of use
        raise AssertionError(f"no fold of this kind asks for other rows, but one did: {keys}")


class _KeptRows:
    """Rows that no erasure takes out."""

    def erase(self, party: str) -> None:
        raise AssertionError(f"no row of this kind goes with a party, but {party} was to be erased")


class _Sizes:
    """Estimates what rows take in memory, by measuring one in 64."""

    def __init__(self) -> None:
        self._seen = 0
        self._sampled = 0
        self._bytes = 0

    def see(self, row: object) -> None:
        if self._seen % _SAMPLED == 0:
            self._sampled += 1
            encoded = len(msgpack.encode(row, enc_hook=str))
            self._bytes += _LEAST_ROW_BYTES + _BYTES_OF_OBJECTS * encoded
        self._seen += 1

    def of(self, rows: int) -> int:
        return rows * self._bytes // max(self._sampled, 1)


class _EntryRows(_KnownRows):
    loads = False

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._rows: list[RowValues] = []
        self._erased: list[str] = []
        self._sizes = _Sizes()

    async def load(self, connection: asyncpg.Connection, contributions: Sequence[Contribution]) -> None:
        """Entries need nothing loaded."""

    def fold(self, contribution: Contribution) -> None:
        if contribution.given:
            self._rows.append(contribution.given)
            self._sizes.see(contribution.given)

    def erase(self, party: str) -> None:
        self._rows = [row for row in self._rows if not goes_with(self._view, party, row)]
        self._erased.append(party)

    async def write(self, connection: asyncpg.Connection) -> None:
        await erase_rows(connection, self._view, self._erased)
        table = self._view.table
        await add_rows(connection, table, shape_of(table).columns, self._rows)

    def written(self, most_bytes: int) -> None:  # noqa: ARG002 - entries are never read again
        self._rows = []
        self._erased = []

    def size_bytes(self) -> int:
        return self._sizes.of(len(self._rows))


class _OrderedRows(_KnownRows, _KeptRows):
    """A write-behind cache: a row stays in memory between checkpoints as long as there is room."""

    def __init__(self, view: LiveView, kind: Ordered, *, empty: bool) -> None:
        self._table = view.table
        self._kind = kind
        self._rows: dict[Key, Row | None] = {}
        self._stored_before: dict[Key, bool] = {}
        self._table_has_others = not empty
        self._sizes = _Sizes()

    @property
    def loads(self) -> bool:
        return self._table_has_others

    async def load(self, connection: asyncpg.Connection, contributions: Sequence[Contribution]) -> None:
        missing = {key for each in contributions for key in each.keys} - self._rows.keys()
        found = await load_rows(connection, self._table, missing) if self._table_has_others else {}
        for key in missing:
            self._rows[key] = found.get(key)

    def fold(self, contribution: Contribution) -> None:
        for key, after in evolved(self._kind, self._rows.__getitem__, contribution).items():
            before = self._rows[key]
            if after is not before:
                self._stored_before.setdefault(key, before is not None)
                self._rows[key] = after
                self._sizes.see(after)

    async def write(self, connection: asyncpg.Connection) -> None:
        changed = {key: self._rows[key] for key in self._stored_before}
        stored = {key for key, is_stored in self._stored_before.items() if is_stored}
        await write_changes(connection, self._table, changed, stored)

    def written(self, most_bytes: int) -> None:
        self._stored_before.clear()
        if self.size_bytes() > most_bytes:
            self._rows.clear()
            self._table_has_others = True

    def size_bytes(self) -> int:
        return self._sizes.of(len(self._rows))


class _MergedRows(_KnownRows):
    """What events since the last checkpoint add to rows that other processes add to as well."""

    loads = False

    def __init__(self, view: LiveView, kind: Mergeable) -> None:
        self._view = view
        self._erased: list[str] = []
        self._table = view.table
        self._kind = kind
        self._rows: dict[Key, Row] = {}
        self._sizes = _Sizes()

    async def load(self, connection: asyncpg.Connection, contributions: Sequence[Contribution]) -> None:
        """What is stored is combined when it is written, under its lock."""

    def fold(self, contribution: Contribution) -> None:
        rows = merged(self._kind, self._rows.get, contribution)
        self._rows.update(rows)
        for row in rows.values():
            self._sizes.see(row)

    def erase(self, party: str) -> None:
        self._rows = {key: row for key, row in self._rows.items() if not goes_with(self._view, party, key)}
        self._erased.append(party)

    async def write(self, connection: asyncpg.Connection) -> None:
        await erase_rows(connection, self._view, self._erased)
        await self._merge(connection, self._rows.keys())

    async def _merge(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:
        stored = await lock_rows(connection, self._table, keys)
        new = {key: self._rows[key] for key in keys if key not in stored}
        added_by_others = await add_missing_rows(connection, self._table, new)
        combined = {key: self._kind.combine(row, self._rows[key]) for key, row in stored.items()}
        await change_rows(connection, self._table, combined)
        if added_by_others:
            await self._merge(connection, added_by_others)

    def written(self, most_bytes: int) -> None:  # noqa: ARG002 - the next checkpoint merges anew
        self._rows = {}
        self._erased = []

    def size_bytes(self) -> int:
        return self._sizes.of(len(self._rows))


class _LedgerRows(_KeptRows):
    """A write-behind cache as `_OrderedRows` is one."""

    def __init__(self, view: LiveView, kind: Ledger, *, empty: bool) -> None:
        self._rows = LedgerRows(view, kind)
        self._table_has_others = not empty
        self._sizes = _Sizes()

    @property
    def loads(self) -> bool:
        return self._table_has_others

    async def load(self, connection: asyncpg.Connection, contributions: Sequence[Contribution]) -> None:
        await self._make_ready(connection, {key for each in contributions for key in each.keys})

    async def load_also(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:
        await self._make_ready(connection, keys)

    async def _make_ready(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:
        lacking = self._rows.lacking(keys)
        if self._table_has_others:
            await self._rows.load(connection, lacking)
        else:
            self._rows.take(lacking, {})

    def fold(self, contribution: Contribution) -> Needs | None:
        answer = self._rows.fold(contribution)
        if isinstance(answer, Needs):
            return answer
        for made in answer:
            self._sizes.see(made)
        return None

    async def write(self, connection: asyncpg.Connection) -> None:
        await self._rows.write(connection)

    def written(self, most_bytes: int) -> None:
        self._rows.written()
        if self.size_bytes() > most_bytes:
            self._rows.forget()
            self._table_has_others = True

    def size_bytes(self) -> int:
        return self._sizes.of(len(self._rows))
