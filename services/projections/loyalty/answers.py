"""What the fold of an account answers, and how it comes by the rows it needs."""

from collections.abc import Mapping
from typing import Any, NamedTuple

Row = Mapping[str, Any]
Key = tuple[str, str, str]
"""Account, kind, reference: `account` with an empty reference, or one of the account's `lots` (nodes of its tree, by
number), `order`, `refund`, `redemption` or `hold` (by their ids)."""


class Evolved(NamedTuple):
    """What an event comes to: the rows that changed, None for one that is to go, and entries to add."""

    rows: Mapping[Key, Row | None]
    entries: tuple[Row, ...] = ()


class Needs(NamedTuple):
    """Rows without which the answer cannot be given: ask again with these among the rows. Nothing has happened."""

    keys: frozenset[Key]


class RowsMissingError(Exception):
    """Raised inside the fold for rows that were not given; the fold answers them as `Needs`."""

    def __init__(self, *keys: Key) -> None:
        super().__init__(f"rows to be loaded: {keys}")
        self.keys = frozenset(keys)


class AccountRows:
    """The rows of one account as far as they were given, and what is changed of them. Given rows stay as they are."""

    def __init__(self, account_id: str, given: Mapping[Key, Row | None]) -> None:
        self.account_id = account_id
        self.changed: dict[Key, Row | None] = {}
        self._given = given

    def state(self, kind: str, reference: str) -> dict[str, Any] | None:
        """A row's state, not to be changed; None where there is no such row. Raises `RowsMissingError`."""
        key = (self.account_id, kind, reference)
        if key in self.changed:
            row = self.changed[key]
        elif key in self._given:
            row = self._given[key]
        else:
            raise RowsMissingError(key)
        return None if row is None else row["state"]

    def put(self, kind: str, reference: str, state: dict[str, Any] | None, party: str | None = None) -> None:
        """Sets a row's state; None takes the row away."""
        key = (self.account_id, kind, reference)
        self.changed[key] = None if state is None else {"party": party, "state": state}
