"""What holds for every history of an account, under both ways of clawing back, at every time."""

import random
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import json

from services.projections.loyalty.evolve import evolve, keys
from services.projections.loyalty.reading import Reading, expired_entries, read_account
from services.projections.read_models.declaration import Key, Needs, Row
from tests.unit.loyalty.histories import histories
from tests.unit.loyalty.ledger import ACCOUNT, CIRCLE, NEGATIVE, Happened, Ledger, at

_tomls = st.sampled_from([CIRCLE, NEGATIVE])


def _times(history: list[Happened]) -> list[Any]:
    """A few of those that matter: every reading folds the history until then anew."""
    moments = sorted({happened.time for happened in history})
    some = moments[:: len(moments) // 4 + 1]
    return [moment + step for moment in some for step in (timedelta(0), timedelta(days=20))] + [
        at("2030-01-01")
    ]


@settings(max_examples=80, deadline=None)
@given(histories(), _tomls)
def test_entries_sum_to_the_balance_at_every_time_and_nothing_is_negative(
    history: list[Happened], toml: str
) -> None:
    ledger = Ledger(history, toml)
    for moment in _times(history):
        if not any(happened.time <= moment for happened in history):
            continue
        view = ledger.view(moment)
        assert sum(entry["points"] for entry in ledger.statement(moment)) == view["balance"]
        assert view["balance"] == view["available"] + view["held"] - view["deficit"]
        assert view["available"] == sum(lot["remaining"] for lot in view["lots"])
        assert min(view["available"], view["held"], view["deficit"], view["qualifying_points"]) >= 0
        assert all(0 < lot["remaining"] <= lot["granted"] for lot in view["lots"])
        assert toml is NEGATIVE or view["deficit"] == 0


@settings(max_examples=60, deadline=None)
@given(histories(), _tomls)
def test_what_is_left_to_expire_lies_between_nothing_and_what_was_granted(
    history: list[Happened], toml: str
) -> None:
    ledger = Ledger(history, toml)
    reading = read_account(ledger.programmes, ledger.folded.rows, ACCOUNT, at("2030-01-01"))
    assert isinstance(reading, Reading)
    granted = {
        (each["event_id"]): each["points"]
        for each in ledger.entries("earned", "adjusted")
        if each["points"] > 0
    }
    expired = expired_entries(reading)
    assert not isinstance(expired, Needs)
    for entry in expired:
        assert 0 < -entry["points"] <= granted[entry["event_id"]]


@settings(max_examples=60, deadline=None)
@given(histories(), _tomls, st.integers(0, 2**32))
def test_rows_that_went_through_storage_in_any_batches_come_to_the_same(
    history: list[Happened], toml: str, seed: int
) -> None:
    ledger = Ledger(history, toml)
    chance = random.Random(seed)
    step = evolve(ledger.programmes)
    stored: dict[Key, bytes] = {}
    rows: dict[Key, Row | None] = {}
    entries: list[Row] = []

    def load(wanted: Any) -> None:
        for key in wanted:
            if key not in rows:
                rows[key] = json.decode(stored[key]) if key in stored else None

    for event in ledger.events:
        if chance.random() < 0.3:  # a batch ends: all rows are written, and read again when they are needed
            rows.clear()
        if chance.random() < 0.2:  # other events of the batch had rows loaded that this one has no use for
            load(chance.sample(sorted(stored), k=len(stored) // 2))
        load(keys(event))
        answer = step(rows, event)
        while isinstance(answer, Needs):
            assert answer.keys - rows.keys()
            load(answer.keys)
            answer = step(rows, event)
        for key, row in answer.rows.items():
            rows[key] = row
            if row is None:
                stored.pop(key, None)
            else:
                stored[key] = json.encode(row)
        entries.extend(answer.entries)
    assert entries == ledger.folded.entries
    assert stored == {key: json.encode(row) for key, row in ledger.folded.rows.items() if row is not None}


@settings(max_examples=60, deadline=None)
@given(histories(), _tomls)
def test_given_rows_stay_as_they_are(history: list[Happened], toml: str) -> None:
    ledger = Ledger(history, toml)
    step = evolve(ledger.programmes)
    rows: dict[Key, Row | None] = {}
    for event in ledger.events:
        for key in keys(event):
            rows.setdefault(key)
        before = {key: json.encode(row) for key, row in rows.items()}
        answer = step(rows, event)
        while isinstance(answer, Needs):
            rows.update(dict.fromkeys(answer.keys))
            answer = step(rows, event)
        assert {key: json.encode(rows[key]) for key in before} == before
        rows.update(answer.rows)
