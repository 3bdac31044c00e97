"""How a table's rows look on their way to PostgreSQL and back: as tuples in the order of the columns."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any

from msgspec import json
from sqlalchemy import JSON, Table
from sqlalchemy.dialects import postgresql

from services.projections.read_models.declaration import Key, Row

RowValues = tuple[Any, ...]
"""The values of a whole row, in the order of `RowShape.columns`; JSON columns hold JSON text."""

_encode = json.Encoder().encode
_decode = json.Decoder().decode


@dataclass(frozen=True, slots=True)
class RowShape:
    """The columns of a table: those of its key first in `columns`, then the others, each with its PostgreSQL type."""

    key_columns: tuple[str, ...]
    other_columns: tuple[str, ...]
    types: tuple[str, ...]
    json_columns: tuple[str, ...]
    entry_values: Callable[[Row], RowValues]
    """The values of a row that has its key's columns in it. Raises `KeyError` for a column left out."""
    _other_values: Callable[[Row], RowValues]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, the key's first."""
        return self.key_columns + self.other_columns

    def keyed_values(self, key: Key, row: Row) -> RowValues:
        """The values of a row that leaves out its key. Raises `KeyError` for a column left out."""
        return key + self._other_values(row)

    def read(self, record: Iterable[Any]) -> tuple[Key, Row]:
        """Key and row of a record with all columns, in the order of `columns`."""
        values = tuple(record)
        keys = len(self.key_columns)
        row = dict(zip(self.other_columns, values[keys:], strict=True))
        for name in self.json_columns:
            if row[name] is not None:
                row[name] = _decode(row[name])
        return values[:keys], row


def _values_of(columns: Sequence[str], json_columns: Sequence[str]) -> Callable[[Row], RowValues]:
    """A function from a row to the values of some columns, in their order; JSON as text."""
    if json_columns or len(columns) < 2:  # noqa: PLR2004 - for one name `itemgetter` answers no tuple
        places = [(name, name in json_columns) for name in columns]
        return lambda row: tuple(
            [_json_text(row[name]) if is_json else row[name] for name, is_json in places]
        )
    return itemgetter(*columns)


def _json_text(value: Any) -> str | None:
    return None if value is None else _encode(value).decode()


@lru_cache(maxsize=256)
def shape_of(table: Table) -> RowShape:
    """The shape of a table of a read model, which has a primary key."""
    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    key = list(table.primary_key.columns)
    others = [column for column in table.columns if column not in set(key)]
    key_names, other_names = tuple(each.name for each in key), tuple(each.name for each in others)
    json_columns = tuple(column.name for column in others if isinstance(column.type, JSON))
    return RowShape(
        key_names,
        other_names,
        tuple(column.type.compile(dialect=dialect) for column in (*key, *others)),
        json_columns,
        _values_of(key_names + other_names, json_columns),
        _values_of(other_names, json_columns),
    )
