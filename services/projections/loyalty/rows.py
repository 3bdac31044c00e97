"""The rows of an account as its fold sees them: asked for by kind and reference, changed in copies.

An account's rows have the kind `account` with an empty reference, or are one of its `lots` (nodes of the tree, by
number), or an `order`, `refund`, `redemption` or `hold`, by their ids.
"""

from collections.abc import Mapping
from typing import Any

from services.projections.read_models.declaration import Key, Row


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
        """Sets a row's state; None takes the row away. Raises `RowsMissingError`: it must be known what was there."""
        key = (self.account_id, kind, reference)
        if key not in self._given:
            raise RowsMissingError(key)
        self.changed[key] = None if state is None else {"party": party, "state": state}
