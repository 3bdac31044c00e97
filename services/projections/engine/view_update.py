"""One view's part of a batch: load the rows of its keys, fold, write each row once."""

from collections.abc import Collection, Mapping, Sequence

import asyncpg

from services.projections.engine.erased_rows import erase_rows
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
    remove_rows,
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
    if not any(each.erases for each in contributions):
        return await _update(connection, view, contributions, parked_keys, ahead)
    failures: list[Failure] = []
    for part in _from_erasures_on(contributions):
        stopped = {*parked_keys, *(each.contribution.event.stream_key for each in failures)}
        first = part[0]
        if first.erases and first.error is None and first.event.stream_key not in stopped:
            await erase_rows(connection, view, [first.event.stream_key])
        failures += await _update(connection, view, part, stopped)
    return failures


def _from_erasures_on(contributions: Sequence[Contribution]) -> list[list[Contribution]]:
    """The same, in parts of which each but the first begins with an erasure."""
    parts: list[list[Contribution]] = [[]]
    for each in contributions:
        if each.erases and parts[-1]:
            parts.append([])
        parts[-1].append(each)
    return parts


async def _update(
    connection: asyncpg.Connection,
    view: LiveView,
    contributions: Sequence[Contribution],
    parked_keys: Collection[str],
    ahead: Mapping[Key, Row] | None = None,
) -> list[Failure]:
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
    """Rows that were there are locked before they are combined; where another worker adds a row first, it is too.

    Then all is folded anew: an event that fails on that row changes none of its others either.
    """
    loaded = await _to_be_combined(connection, view, contributions, parked_keys, ahead)
    added: dict[Key, Row] = {}
    while True:
        folded = _folded(view, contributions, loaded, parked_keys, ahead)
        rows = {key: row for key, row in folded.rows.items() if row is not None}
        missing = {key: row for key, row in rows.items() if key not in loaded and key not in added}
        taken = await add_missing_rows(connection, view.table, missing)
        added |= {key: row for key, row in missing.items() if key not in taken}
        if not taken:
            break
        loaded |= await lock_rows(connection, view.table, taken)
    stored = added | loaded
    changed = {key: row for key, row in rows.items() if row is not stored[key]}
    await change_rows(connection, view.table, changed)
    await remove_rows(connection, view.table, [key for key in added if key not in rows])
    return folded.failures


async def _to_be_combined(
    connection: asyncpg.Connection,
    view: LiveView,
    contributions: Sequence[Contribution],
    parked_keys: Collection[str],
    ahead: Mapping[Key, Row] | None,
) -> dict[Key, Row]:
    """The rows that are there, locked; those of a kind that `grows` only where a first look says that they will change.

    A row that many workers name in every batch, as a kiosk's is, would have them wait for each other's commits.
    """
    kind = view.read_model.kind
    keys = _keys(contributions)
    if not (isinstance(kind, Mergeable) and kind.grows):
        return await lock_rows(connection, view.table, keys)
    loaded = await load_rows(connection, view.table, keys)
    folded = _folded(view, contributions, loaded, parked_keys, ahead)
    changing = [key for key, row in folded.rows.items() if key in loaded and row is not loaded[key]]
    return loaded | await lock_rows(connection, view.table, changing)


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


def _keys(contributions: Sequence[Contribution]) -> set[Key]:
    return {key for each in contributions if each.error is None for key in each.keys}
