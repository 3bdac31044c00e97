"""Where an account that is read comes from: rows and entries, each brought when it is asked for."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NamedTuple, Protocol, TypeVar

from services.projections.history.reading import Decode
from services.projections.loyalty.programme import Programmes
from services.projections.loyalty.reading import AFTER_ALL
from services.projections.loyalty.rows import RowsMissingError
from services.projections.read_models.declaration import Key, Needs, ReadModel, Row

T = TypeVar("T")

IS_EXPIRY, IS_LATER = 0, 1
"""At one time, lots expire before anything else happens."""


class Place(NamedTuple):
    """The place of an entry among all of its account.

    An expiry's `within` is the rest of its lot's key, any other's its offset and number. `extra` is not part of the
    order: a stored entry's partition, and of a release that no event has written yet the offset from which entries have
    come since, because it is one of those once an event did.
    """

    time: int
    rank: int
    within: tuple[Any, ...]
    extra: int = 0

    @property
    def order(self) -> tuple[Any, ...]:
        """What places are compared by."""
        return self[:3]

    @property
    def is_unwritten(self) -> bool:
        """Whether it is that of a release that no event has written yet."""
        return self.rank == IS_LATER and self.within[0] == AFTER_ALL


@dataclass(frozen=True, slots=True)
class LedgerReads:
    """What reading the ledger takes besides a connection. `read_model` is the ledger's own, under these programmes."""

    programmes: Programmes
    read_model: ReadModel
    decode: Decode


class Paging(NamedTuple):
    """Which entries of a statement are wanted: so many beyond a place, None for the very beginning or end."""

    after: Place | None
    limit: int
    ascending: bool


class AccountSource(Protocol):
    """One account's rows and entries, of one snapshot, for a reading at any time from its latest event on."""

    account_id: str
    rows: dict[Key, Row | None]

    async def load(self, keys: Collection[Key]) -> None:
        """Brings rows, None for those that are not there."""

    async def anomalies(self, most: int) -> list[Row]:
        """The newest ones, in log order."""

    async def entries_beyond(self, place: Place | None, most: int, *, ascending: bool) -> list[Row]:
        """Entries but anomalies beyond a place, nearest first; from the very beginning or end for None."""

    async def last_entry_before(self, time: datetime) -> Row | None:
        """The last entry, anomalies aside, whose time is before another."""


async def answered(source: AccountSource, ask: Callable[[], T | Needs]) -> T:
    """What `ask` answers once all rows it needs are there. Raises `LookupError` where it needs what it was given."""
    while True:
        try:
            answer = ask()
        except RowsMissingError as missing:
            lacking = missing.keys
        else:
            if not isinstance(answer, Needs):
                return answer
            lacking = frozenset(answer.keys)
        if lacking <= source.rows.keys():
            raise LookupError(f"asks for rows it was given: {sorted(lacking)}")
        await source.load(lacking)
