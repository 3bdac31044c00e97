"""Moves columns of fixed width between PostgreSQL and numpy, in the binary form of COPY, without an object a value.

Every field is NOT NULL and of one of the types below, so that every row takes the same number of bytes and a block of
rows is one structured array.
"""

from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from typing import Any, Final

import asyncpg
import numpy as np
from numpy.typing import NDArray

INT2: Final = ">i2"
INT4: Final = ">i4"
INT8: Final = ">i8"
FLOAT8: Final = ">f8"

Columns = dict[str, NDArray[Any]]

_SIGNATURE: Final = b"PGCOPY\n\xff\r\n\0" + bytes(8)
_TRAILER: Final = b"\xff\xff"
_BLOCK_BYTES: Final = 4 * 1024 * 1024
_BLOCK_ROWS: Final = 20_000


async def columns_of(
    connection: asyncpg.Connection, query: str, fields: Mapping[str, str], *arguments: Any
) -> Columns:
    """What a query answers, a native array a field. `fields` are its columns in order, with their types.

    Raises asyncpg's errors, and `ValueError` where a row has another form than declared, such as a null.
    """
    received = _Received(fields)
    await connection.copy_from_query(query, *arguments, output=received.take, format="binary")
    return received.columns()


async def copy_columns(
    connection: asyncpg.Connection, table: str, fields: Mapping[str, str], columns: Mapping[str, NDArray[Any]]
) -> None:
    """Appends rows to a table in the first schema of the search path. Raises asyncpg's errors."""
    await connection.copy_to_table(
        table, source=_blocks(fields, columns), columns=list(fields), format="binary"
    )


class _Received:
    """Turns what arrives, in pieces of any size, into arrays block by block."""

    def __init__(self, fields: Mapping[str, str]) -> None:
        self._fields = fields
        self._dtype = _row(fields)
        self._pending = bytearray()
        self._begun = False
        self._blocks: list[Columns] = []

    async def take(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) >= _BLOCK_BYTES:
            self._parse(last=False)

    def columns(self) -> Columns:
        self._parse(last=True)
        blocks, self._blocks = self._blocks, []
        return {
            name: np.concatenate([block.pop(name) for block in blocks])
            if blocks
            else np.empty(0, np.dtype(of).newbyteorder("="))
            for name, of in self._fields.items()
        }

    def _parse(self, *, last: bool) -> None:
        pending = self._pending
        if not self._begun:
            if not pending.startswith(_SIGNATURE):
                raise ValueError("PostgreSQL did not answer in the binary form of COPY")
            del pending[: len(_SIGNATURE)]
            self._begun = True
        if last:
            if not pending.endswith(_TRAILER):
                raise ValueError("PostgreSQL did not answer all rows")
            del pending[-len(_TRAILER) :]
        rows = len(pending) // self._dtype.itemsize
        if last and rows * self._dtype.itemsize != len(pending):
            raise ValueError(f"rows are not all of {self._dtype.itemsize} bytes: a null, or another type")
        if rows == 0:
            return
        block = np.frombuffer(bytes(pending[: rows * self._dtype.itemsize]), self._dtype)
        del pending[: rows * self._dtype.itemsize]
        if not _has_form(block, self._fields):
            raise ValueError("a row has another form than declared: a null, or another type")
        self._blocks.append(
            {name: block[name].astype(np.dtype(of).newbyteorder("=")) for name, of in self._fields.items()}
        )


async def _blocks(fields: Mapping[str, str], columns: Mapping[str, NDArray[Any]]) -> AsyncIterator[bytes]:
    yield _SIGNATURE
    rows = len(columns[next(iter(fields))])
    for start in range(0, rows, _BLOCK_ROWS):
        part = slice(start, min(start + _BLOCK_ROWS, rows))
        block = np.zeros(part.stop - start, _row(fields))
        block["fields"] = len(fields)
        for name, of in fields.items():
            block[f"bytes of {name}"] = np.dtype(of).itemsize
            block[name] = columns[name][part]
        yield block.tobytes()
    yield _TRAILER


def _row(fields: Mapping[str, str]) -> np.dtype[Any]:
    return np.dtype([("fields", INT2), *_sized(fields)])


def _sized(fields: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    for name, of in fields.items():
        yield f"bytes of {name}", INT4
        yield name, of


def _has_form(block: NDArray[Any], fields: Mapping[str, str]) -> bool:
    sized: Sequence[bool] = [
        bool(np.all(block[f"bytes of {name}"] == np.dtype(of).itemsize)) for name, of in fields.items()
    ]
    return bool(np.all(block["fields"] == len(fields))) and all(sized)
