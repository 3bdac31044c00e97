"""An account from its events, in memory: as it was at any time, and as a check of what is stored."""

from collections.abc import Iterable
from datetime import datetime
from typing import Any, NamedTuple

from services.projections.loyalty.evolve import account_of, evolve, keys
from services.projections.loyalty.programme import Programmes
from services.projections.read_models.declaration import Key, Needs, Row
from shared.envelope import RecordedEvent


class Folded(NamedTuple):
    """All rows and entries that some events come to; rows that are not there stand in it as None."""

    rows: dict[Key, Row | None]
    entries: list[Row]


def fold(programmes: Programmes, events: Iterable[RecordedEvent[Any]]) -> Folded:
    """Folds events of any accounts, in log order. Events must be of classes that the ledger consumes."""
    step = evolve(programmes)
    folded = Folded({}, [])
    for event in events:
        for key in keys(event):
            folded.rows.setdefault(key)
        answer = step(folded.rows, event)
        while isinstance(answer, Needs):
            folded.rows.update(dict.fromkeys(answer.keys))
            answer = step(folded.rows, event)
        folded.rows.update(answer.rows)
        folded.entries.extend(answer.entries)
    return folded


def fold_until(
    programmes: Programmes, events: Iterable[RecordedEvent[Any]], account_id: str, at: datetime
) -> Folded:
    """What an account's events come to whose time is not after `at`; read it at `at`."""
    of_account = (event for event in events if event.time <= at and account_of(event) == account_id)
    folded = fold(programmes, of_account)
    folded.rows.setdefault((account_id, "account", ""))
    return folded
