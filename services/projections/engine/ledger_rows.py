"""The rows of a ledger while a batch or a rebuild folds events into them, and its entries until they are written."""

from collections.abc import Collection, Iterable, Mapping, Sequence

import asyncpg

from services.projections.engine.folding import BehindParkedError, Contribution, Failure
from services.projections.engine.generations import LiveView
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.engine.writing import add_rows, load_rows, write_changes
from services.projections.read_models.declaration import Key, Ledger, Needs, Row


class LedgerRows:
    """One ledger's rows in memory, as a fold finds them, with what changed since they were last written.

    Of one event either all changes are in it, or none.
    """

    def __init__(self, view: LiveView, kind: Ledger) -> None:
        self._table, self._entries_table = view.tables
        self._entry_shape = shape_of(self._entries_table)
        self._evolve = kind.evolve
        self._rows: dict[Key, Row | None] = {}
        self._stored: dict[Key, bool] = {}
        """The keys of changed rows, each with whether a row of it is in the table."""
        self._entries: list[RowValues] = []

    def __len__(self) -> int:
        """How many rows and entries are in memory."""
        return len(self._rows) + len(self._entries)

    def lacking(self, keys: Iterable[Key]) -> set[Key]:
        """Those of some keys whose rows are not in memory."""
        return {key for key in keys if key not in self._rows}

    async def load(self, connection: asyncpg.Connection, keys: Collection[Key]) -> None:
        """Takes the rows of keys that are lacking into memory. Raises `RowsRefusedError` and asyncpg's errors."""
        self.take(keys, await load_rows(connection, self._table, keys))

    def take(self, keys: Iterable[Key], found: Mapping[Key, Row]) -> None:
        """Takes what the table holds of keys that are lacking."""
        for key in keys:
            self._rows[key] = found.get(key)

    @property
    def changed(self) -> dict[Key, Row | None]:
        """The rows that changed, None for one that is to go."""
        return {key: self._rows[key] for key in self._stored}

    @property
    def entries(self) -> Sequence[RowValues]:
        """The entries that were added."""
        return self._entries

    def fold(self, contribution: Contribution) -> Needs | Collection[object]:
        """Folds one event in and answers the rows and entries it made, for estimates of their size.

        Answers `Needs` for rows that are to be loaded before the event is folded again; then, and where the read
        model raises, what it raises, nothing has changed. Raises `LookupError` for a changed row that is not loaded.
        """
        if contribution.error is not None:
            raise contribution.error
        evolved = self._evolve(self._rows, contribution.event)
        if isinstance(evolved, Needs):
            if not self.lacking(evolved.keys):
                raise LookupError(f"asks for rows it was given: {sorted(evolved.keys)}")
            return evolved
        changed = {key: row for key, row in evolved.rows.items() if row is not self._rows[key]}
        entries = [self._entry_shape.entry_values(entry) for entry in evolved.entries]
        for key, row in changed.items():
            self._stored.setdefault(key, self._rows[key] is not None)
            self._rows[key] = row
        self._entries += entries
        return [*changed.values(), *entries]

    async def write(self, connection: asyncpg.Connection) -> None:
        """Writes what changed, each row once, in the caller's transaction; may be repeated until `written`.

        Raises `RowsRefusedError` and asyncpg's errors.
        """
        stored = {key for key, is_stored in self._stored.items() if is_stored}
        await write_changes(connection, self._table, self.changed, stored)
        await add_rows(connection, self._entries_table, self._entry_shape.columns, self._entries)

    def written(self) -> None:
        """Takes note that what `write` wrote was committed."""
        self._stored.clear()
        self._entries.clear()

    def forget(self) -> None:
        """Lets go of all rows; none may have changed since `written`."""
        self._rows.clear()


async def update_ledger(
    connection: asyncpg.Connection,
    view: LiveView,
    kind: Ledger,
    contributions: Sequence[Contribution],
    parked_keys: Collection[str],
) -> list[Failure]:
    """Loads, folds and writes a batch in the caller's transaction, and answers the events that are to be parked.

    An event that wants a row which was not loaded waits for it, and so do later ones of its stream key; the others go
    on, so that one query brings what many want. Raises `RowsRefusedError` and asyncpg's errors.
    """
    rows = LedgerRows(view, kind)
    stopped = set(parked_keys)
    failures: list[Failure] = []
    waiting = list(contributions)
    lacking = rows.lacking(key for each in waiting if each.error is None for key in each.keys)
    while waiting:
        await rows.load(connection, lacking)
        waiting, lacking = fold_ledger(rows, waiting, stopped, failures)
    await rows.write(connection)
    return failures


def fold_ledger(
    rows: LedgerRows, contributions: Sequence[Contribution], stopped: set[str], failures: list[Failure]
) -> tuple[list[Contribution], set[Key]]:
    """Folds contributions in their order as far as their rows are loaded.

    Answers what waits for rows, in its order, and the keys of those; load them and go on with what waits. Stream keys
    of an event that fails are added to `stopped`, and it and those after it to `failures`. Raises nothing.
    """
    waiting: list[Contribution] = []
    waiting_keys: set[str] = set()
    lacking: set[Key] = set()
    for contribution in contributions:
        stream_key = contribution.event.stream_key
        if stream_key in waiting_keys:
            waiting.append(contribution)
        elif stream_key in stopped:
            failures.append(Failure(contribution, BehindParkedError()))
        else:
            try:
                answer = rows.fold(contribution)
            except Exception as error:  # noqa: BLE001 - whatever a fold raises stops that stream key in that view alone
                stopped.add(stream_key)
                failures.append(Failure(contribution, error))
            else:
                if isinstance(answer, Needs):
                    lacking |= rows.lacking(answer.keys)
                    waiting_keys.add(stream_key)
                    waiting.append(contribution)
    return waiting, lacking
