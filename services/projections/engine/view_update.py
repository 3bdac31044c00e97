"""One view's part of a batch: load the rows of its keys, fold, write each row once."""

from collections.abc import Collection, Mapping, Sequence

import asyncpg

from services.projections.engine.folding import Contribution, Failure, Folded, fold, fold_ahead
from services.projections.engine.generations import LiveView
from services.projections.engine.ledger_rows import update_ledger
from services.projections.engine.row_shape import shape_of
from services.projections.engine.writing import (
    add_missing_rows,
    add_rows,
    change_rows,
    load_rows,
    lock_rows,
    write_changes,
)
from services.projections.read_models.declaration import Entries, Key, Ledger, Mergeable, Row


async def update_view(
    connection: asyncpg.Connection,
    view: LiveView,
    contributions: Sequence[Contribution],
    parked_keys: Collection[str] = (),
    ahead: Mapping[Key, Row] | None = None,
) -> list[Failure]:
    """Writes what the contributions change, in the caller's transaction, and answers those that are to be parked.

    `ahead` is what `combine_ahead` made of exactly these contributions. Raises `RowsRefusedError` and asyncpg's errors.
    """
    if isinstance(view.read_model.kind, Entries):
        folded = fold(view, contributions, {}, parked_keys)
        await add_rows(connection, view.table, shape_of(view.table).columns, folded.entries)
        return folded.failures
    kind = view.read_model.kind
    if isinstance(kind, Ledger):
        return await update_ledger(connection, view, kind, contributions, parked_keys)
    if isinstance(kind, Mergeable):
        return await _update_shared(connection, view, contributions, parked_keys, ahead)
    loaded = await load_rows(connection, view.table, _keys(contributions))
    folded = fold(view, contributions, loaded, parked_keys)
    changed = {key: row for key, row in folded.rows.items() if row is not loaded.get(key)}
    await write_changes(connection, view.table, changed, loaded)
    return folded.failures


async def _update_shared(
    connection: asyncpg.Connection,
    view: LiveView,
    contributions: Sequence[Contribution],
    parked_keys: Collection[str],
    ahead: Mapping[Key, Row] | None,
) -> list[Failure]:
    """Rows that were there are locked before they are combined; where another worker adds a row first, it is too."""
    loaded = await lock_rows(connection, view.table, _keys(contributions))
    folded = _folded(view, contributions, loaded, parked_keys, ahead)
    added = {key: row for key, row in folded.rows.items() if row is not None and key not in loaded}
    taken = await add_missing_rows(connection, view.table, added)
    await change_rows(connection, view.table, _changed(folded, loaded))
    if not taken:
        return folded.failures
    failed = {id(failure.contribution) for failure in folded.failures}
    again = [each for each in contributions if each.key in taken and id(each) not in failed]
    return folded.failures + await _update_shared(connection, view, again, (), None)


def _folded(
    view: LiveView,
    contributions: Sequence[Contribution],
    loaded: Mapping[Key, Row],
    parked_keys: Collection[str],
    ahead: Mapping[Key, Row] | None,
) -> Folded:
    if ahead is not None and not parked_keys:
        rows = fold_ahead(view, ahead, loaded)
        if rows is not None:
            return Folded([], rows, [])
    return fold(view, contributions, loaded, parked_keys)


def _changed(folded: Folded, loaded: Mapping[Key, Row]) -> dict[Key, Row]:
    return {
        key: row
        for key, row in folded.rows.items()
        if row is not None and key in loaded and row is not loaded[key]
    }


def _keys(contributions: Sequence[Contribution]) -> set[Key]:
    return {contribution.key for contribution in contributions if contribution.error is None}
