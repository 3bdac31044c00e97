"""States as of a time: folded from exactly the events within the horizon, as the engine folds them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from services.projections.engine.folding import Contribution, Failure, contribution_of, fold
from services.projections.engine.generations import LiveView
from services.projections.engine.ledger_rows import LedgerRows, fold_ledger
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.history.folding import HistoryFold, HistoryTooLargeError
from services.projections.history.reading import JournalledEvent, LeftOut
from services.projections.read_models.declaration import Key, Ledger, ReadModel, Row
from shared.codec import decode_record
from shared.envelope import RecordedEvent
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.declared import READ_MODELS
from tests.projecting import purchase
from tests.strategies import CATALOGUE, JsonObject, event_streams, record_of
from tests.touch_counts import TOUCH_COUNTS

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS, TOUCH_COUNTS)
every_read_model = pytest.mark.parametrize("read_model", EVERY, ids=lambda each: each.name)


def step(number: int, complaint: str, **changed: Any) -> JsonObject:
    return purchase(
        number,
        **{"id": str(number), "type": "complaint.reopened", "data": {"complaint_id": complaint}, **changed},
    )


def journalled(*posted: JsonObject, left_out: dict[int, LeftOut] | None = None) -> list[JournalledEvent]:
    return [
        JournalledEvent(
            decode_record(record_of(each, offset=offset), CATALOGUE),
            {COMPLAINT_TRAILS.name: left_out[offset]} if left_out and offset in left_out else {},
        )
        for offset, each in enumerate(posted)
    ]


def folded(read_model: ReadModel, events: list[JournalledEvent]) -> tuple[HistoryFold, list[str], list[Row]]:
    history = HistoryFold(read_model)
    taken = [history.take(each) for each in events]
    return history, [each.outcome for each in taken], [row for each in taken for row in each.entries]


@every_read_model
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_fold_of_a_history_is_the_engines_fold_of_the_same_events(
    read_model: ReadModel, data: st.DataObject
) -> None:
    classes = sorted(read_model.consumes, key=lambda each: each.TYPE)
    events = [_somewhere(event, data) for event in data.draw(event_streams(*classes))]
    history, outcomes, entries = folded(read_model, [JournalledEvent(event, {}) for event in events])
    view = LiveView.of(read_model, 1)
    given_view = [each for event in events if (each := contribution_of(view, event)) is not None]
    rows, added, failures = _folded_by_the_engine(view, given_view)
    assert _there(history.rows) == _there(rows)
    written = [shape_of(view.tables[-1]).entry_values(row) for row in entries]
    # Rows of a table, in no order: a ledger's event that waits for a row lets those of other stream keys pass.
    assert Counter(written) == Counter(added)
    assert outcomes.count("failed") == failures


def _folded_by_the_engine(
    view: LiveView, contributions: list[Contribution]
) -> tuple[Mapping[Key, Row | None], Sequence[RowValues], int]:
    kind = view.read_model.kind
    if not isinstance(kind, Ledger):
        engine = fold(view, contributions, {})
        return engine.rows, engine.entries, len(engine.failures)
    ledger, failures, stopped = LedgerRows(view, kind), list[Failure](), set[str]()
    waiting = contributions
    lacking = ledger.lacking(key for each in contributions if each.error is None for key in each.keys)
    while waiting:
        ledger.take(lacking, {})
        waiting, lacking = fold_ledger(ledger, waiting, stopped, failures)
    return ledger.changed, ledger.entries, len(failures)


def _there(rows: Mapping[Key, Row | None]) -> dict[Key, Row]:
    return {key: row for key, row in rows.items() if row is not None}


def _somewhere(event: RecordedEvent[Any], data: st.DataObject) -> RecordedEvent[Any]:
    return replace(event, source=data.draw(st.sampled_from(["/a", "/b", "/c", POISON])))


def test_what_a_view_left_out_and_what_it_cannot_take_change_nothing() -> None:
    events = journalled(
        step(0, "a"),
        step(1, "a"),
        step(2, "b", source=POISON),
        step(3, "a"),
        step(4, "b"),
        step(5, "c"),
        purchase(6),
        left_out={1: "parked", 3: "discarded"},
    )
    history, outcomes, _ = folded(COMPLAINT_TRAILS, events)
    assert outcomes == ["applied", "parked", "failed", "discarded", "failed", "applied", "ignored"]
    assert {key: row["trail"] for key, row in history.rows.items() if row} == {("a",): ["0"], ("c",): ["5"]}
    assert [(each.event.id, str(each.error)) for each in history.failed] == [("2", "cannot take 2")]


def test_a_row_that_the_fold_ended_is_touched_and_not_there() -> None:
    history, _, _ = folded(COMPLAINT_TRAILS, journalled(step(0, "a"), step(1, "a", type="complaint.closed")))
    touched: dict[Key, Row | None] = {("a",): None}
    assert history.rows == touched
    forgetful = HistoryFold(COMPLAINT_TRAILS, remember_ended=False)
    for each in journalled(step(0, "a"), step(1, "a", type="complaint.closed")):
        forgetful.take(each)
    assert forgetful.rows == {}


def test_more_rows_than_fit_are_refused_rather_than_held() -> None:
    history = HistoryFold(COMPLAINT_TRAILS, most_rows=2)
    first, second, third, again = journalled(*(step(number, f"c{number % 3}") for number in range(4)))
    for each in (first, again, second):
        history.take(each)
    with pytest.raises(HistoryTooLargeError, match="more than 2 rows of complaint_trails"):
        history.take(third)
