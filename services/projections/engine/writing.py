"""The rows of a view's table, loaded by key and written by the batch: COPY or arrays, never row by row."""

from collections.abc import Collection, Container, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import lru_cache
from typing import NamedTuple

import asyncpg
from sqlalchemy import Table

from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.read_models.declaration import Key, Row


class RowsRefusedError(Exception):
    """A row's content cannot be stored; `table` is where it was to go."""

    def __init__(self, table: Table, reason: Exception) -> None:
        super().__init__(f"a row for {table.fullname} was refused: {reason}")
        self.table = table

    def is_of(self, tables: Iterable[Table]) -> bool:
        """Whether the table is one of these."""
        return any(table is self.table for table in tables)


_CONTENT_ERRORS = (
    asyncpg.DataError,
    asyncpg.ProgramLimitExceededError,
    asyncpg.IntegrityConstraintViolationError,
    ValueError,  # asyncpg's own refusal of an argument is one as well
    TypeError,
    KeyError,
    OverflowError,
)


async def load_rows(connection: asyncpg.Connection, table: Table, keys: Collection[Key]) -> dict[Key, Row]:
    """The rows there are of some keys; for rows that this worker alone writes. Raises asyncpg's errors."""
    return await _rows(connection, table, keys, _statements(table).load)


async def lock_rows(connection: asyncpg.Connection, table: Table, keys: Collection[Key]) -> dict[Key, Row]:
    """The same for rows that other workers write too: in the order of the keys, each is locked and only then read.

    So nobody changes them before the transaction ends. Waits for those who hold them. Raises asyncpg's errors.
    """
    return await _rows(connection, table, keys, _statements(table).lock)


async def add_rows(
    connection: asyncpg.Connection, table: Table, columns: Sequence[str], rows: Sequence[RowValues]
) -> None:
    """Copies rows that are new. Raises `RowsRefusedError` and asyncpg's errors."""
    if not rows:
        return
    with _refusals(table):
        await connection.copy_records_to_table(
            table.name, schema_name=table.schema, columns=columns, records=rows
        )


async def add_keyed_rows(connection: asyncpg.Connection, table: Table, rows: Mapping[Key, Row]) -> None:
    """Copies rows whose keys have no row and which nobody else adds. Raises as `add_rows` does."""
    shape = shape_of(table)
    with _refusals(table):
        values = [shape.keyed_values(key, row) for key, row in rows.items()]
    await add_rows(connection, table, shape.columns, values)


async def add_missing_rows(connection: asyncpg.Connection, table: Table, rows: Mapping[Key, Row]) -> set[Key]:
    """Adds rows in the order of their keys and answers the keys that another worker added first, unchanged.

    Waits for transactions that add the same keys. Raises `RowsRefusedError` and asyncpg's errors.
    """
    if not rows:
        return set()
    with _refusals(table):
        added = await connection.fetch(_statements(table).insert, *_arrays(table, rows))
    return set(rows) - {tuple(record) for record in added}


async def change_rows(connection: asyncpg.Connection, table: Table, rows: Mapping[Key, Row]) -> None:
    """Overwrites rows that are there and that this transaction may write. Raises as `add_rows` does."""
    if not rows:
        return
    with _refusals(table):
        await connection.execute(_statements(table).update, *_arrays(table, rows))


async def write_changes(
    connection: asyncpg.Connection, table: Table, rows: Mapping[Key, Row | None], stored: Container[Key]
) -> None:
    """Writes rows that changed and that nobody else writes: those not `stored` are added, None removes a stored one.

    Raises as `add_rows` does.
    """
    await add_keyed_rows(
        connection, table, {key: row for key, row in rows.items() if row is not None and key not in stored}
    )
    await change_rows(
        connection, table, {key: row for key, row in rows.items() if row is not None and key in stored}
    )
    await remove_rows(connection, table, [key for key, row in rows.items() if row is None and key in stored])


async def remove_rows(connection: asyncpg.Connection, table: Table, keys: Collection[Key]) -> None:
    """Deletes the rows of some keys. Raises asyncpg's errors."""
    if keys:
        await connection.execute(_statements(table).delete, *_columns(sorted(keys)))


async def _rows(
    connection: asyncpg.Connection, table: Table, keys: Collection[Key], statement: str
) -> dict[Key, Row]:
    if not keys:
        return {}
    with _refusals(table):
        found = await connection.fetch(statement, *_columns(sorted(keys)))
    shape = shape_of(table)
    return dict(shape.read(record) for record in found)


@contextmanager
def _refusals(table: Table) -> Iterator[None]:
    try:
        yield
    except _CONTENT_ERRORS as error:
        raise RowsRefusedError(table, error) from error


def _columns(rows: Iterable[tuple[object, ...]]) -> list[list[object]]:
    return [list(column) for column in zip(*rows, strict=True)]


def _arrays(table: Table, rows: Mapping[Key, Row]) -> list[list[object]]:
    shape = shape_of(table)
    return _columns(shape.keyed_values(key, rows[key]) for key in sorted(rows))


class _Statements(NamedTuple):
    load: str
    lock: str
    insert: str
    update: str
    delete: str


@lru_cache(maxsize=256)
def _statements(table: Table) -> _Statements:
    """SQL over arrays, one a column. Names and types come from declarations in the code, never from input."""
    shape = shape_of(table)
    every, key = ", ".join(shape.columns), ", ".join(shape.key_columns)
    rows = f"{table.schema}.{table.name}"
    arrays = [f"${number}::{of}[]" for number, of in enumerate(shape.types, start=1)]
    given_keys = f"unnest({', '.join(arrays[: len(shape.key_columns)])}) as given ({key})"
    given_rows = f"unnest({', '.join(arrays)}) as given ({every})"
    same = " and ".join(f"stored.{name} = given.{name}" for name in shape.key_columns)
    stored = ", ".join(f"stored.{name}" for name in shape.columns)
    load = f"select {stored} from {given_keys} join {rows} stored on {same}"  # noqa: S608
    order = ", ".join(
        f'stored.{name} collate "C"'
        if of == "TEXT"
        else f"stored.{name}"  # the order that Python sorts texts in
        for name, of in zip(shape.key_columns, shape.types, strict=False)
    )
    assignments = ", ".join(f"{name} = given.{name}" for name in shape.other_columns)
    return _Statements(
        load=load,
        lock=f"{load} order by {order} for no key update of stored",
        insert=f"insert into {rows} ({every}) select {every} from {given_rows} "  # noqa: S608
        f"on conflict ({key}) do nothing returning {key}",
        update=f"update {rows} stored set {assignments} from {given_rows} where {same}",  # noqa: S608
        delete=f"delete from {rows} stored using {given_keys} where {same}",  # noqa: S608
    )
