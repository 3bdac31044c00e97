"""How a table's rows look on their way to PostgreSQL and back: as tuples in the order of the columns."""

from collections.abc import Iterable
from functools import lru_cache
from typing import Any, NamedTuple

from msgspec import json
from sqlalchemy import JSON, Table
from sqlalchemy.dialects import postgresql

from services.projections.read_models.declaration import Key, Row

RowValues = tuple[Any, ...]
"""The values of a whole row, in the order of `RowShape.columns`; JSON columns hold JSON text."""

_encode = json.Encoder().encode
_decode = json.Decoder().decode


class RowShape(NamedTuple):
    """The columns of a table: those of its key first in `columns`, then the others, each with its PostgreSQL type."""

    key_columns: tuple[str, ...]
    other_columns: tuple[str, ...]
    types: tuple[str, ...]
    json_columns: frozenset[str]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the key's first."""
        return self.key_columns + self.other_columns

    def entry_values(self, row: Row) -> RowValues:
        """The values of a row that has its key's columns in it. Raises `KeyError` for a column left out."""
        return tuple([self._encoded(name, row[name]) for name in self.columns])

    def keyed_values(self, key: Key, row: Row) -> RowValues:
        """The values of a row that leaves out its key. Raises `KeyError` for a column left out."""
        return (*key, *[self._encoded(name, row[name]) for name in self.other_columns])

    def read(self, record: Iterable[Any]) -> tuple[Key, Row]:
        """Key and row of a record with all columns, in the order of `columns`."""
        values = tuple(record)
        keys = len(self.key_columns)
        others = zip(self.other_columns, values[keys:], strict=True)
        row = {
            name: _decode(value) if name in self.json_columns and value is not None else value
            for name, value in others
        }
        return values[:keys], row

    def _encoded(self, name: str, value: Any) -> Any:
        if name in self.json_columns and value is not None:
            return _encode(value).decode()
        return value


@lru_cache(maxsize=256)
def shape_of(table: Table) -> RowShape:
    """The shape of a table of a read model, which has a primary key."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    key = list(table.primary_key.columns)
    others = [column for column in table.columns if column not in set(key)]
    return RowShape(
        tuple(column.name for column in key),
        tuple(column.name for column in others),
        tuple(column.type.compile(dialect=dialect) for column in (*key, *others)),
        frozenset(column.name for column in others if isinstance(column.type, JSON)),
    )
