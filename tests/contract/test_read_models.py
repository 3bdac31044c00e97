"""What every read model keeps, whatever it is about: nobody adds a test here to add a view."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, find, given, settings
from hypothesis import strategies as st
from msgspec import json

from services.projections.engine.folding import (
    Contribution,
    Failure,
    combine_ahead,
    contribution_of,
    fold,
    fold_ahead,
)
from services.projections.engine.generations import LiveView
from services.projections.engine.ledger_rows import LedgerRows, fold_ledger
from services.projections.engine.row_shape import RowValues, shape_of
from services.projections.read_models.declaration import (
    Entries,
    Key,
    Ledger,
    Mergeable,
    Ordered,
    ReadModel,
    Row,
)
from shared.envelope import RecordedEvent
from shared.events.data import EventData
from tests.case_ledger import CASE_LEDGER
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS
from tests.declared import READ_MODELS
from tests.strategies import event_streams
from tests.touch_counts import TOUCH_COUNTS

Events = Sequence[RecordedEvent[EventData]]
Rows = dict[Key, RowValues]

EVERY = (*READ_MODELS, COMPLAINT_TRAILS, CHANNEL_TOTALS, TOUCH_COUNTS, CASE_LEDGER)
MERGEABLE = tuple(each for each in EVERY if isinstance(each.kind, Mergeable))
GROWING = tuple(each for each in MERGEABLE if isinstance(each.kind, Mergeable) and each.kind.grows)
KEYED = tuple(each for each in EVERY if not isinstance(each.kind, Entries))

every_read_model = pytest.mark.parametrize("read_model", EVERY, ids=lambda each: each.name)
every_keyed_one = pytest.mark.parametrize("read_model", KEYED, ids=lambda each: each.name)
every_mergeable_one = pytest.mark.parametrize("read_model", MERGEABLE, ids=lambda each: each.name)
examples = settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))


def consumed(read_model: ReadModel, **sizes: int) -> st.SearchStrategy[Events]:
    """Streams of events that the read model consumes."""
    classes = sorted(read_model.consumes, key=lambda each: each.TYPE)
    return event_streams(*classes, **sizes)


def lifted_rows(read_model: ReadModel) -> st.SearchStrategy[Row]:
    """Rows of single events."""
    kind = read_model.kind
    assert isinstance(kind, Mergeable)
    lifted = consumed(read_model, min_size=1, max_size=1).map(
        lambda stream: list(kind.lift(stream[0]).values())
    )
    return lifted.filter(bool).flatmap(st.sampled_from)


def view_of(read_model: ReadModel) -> LiveView:
    return LiveView.of(read_model, 1)


class Stored:
    """The rows of a view, kept as PostgreSQL would: as values, JSON as text, read back for each batch."""

    def __init__(self, view: LiveView) -> None:
        self._view = view
        self._shapes = [shape_of(table) for table in view.tables]
        self.tables: list[Rows] = [{} for _ in view.tables]

    def apply(self, events: Iterable[RecordedEvent[Any]], *, ahead: bool = False) -> "Stored":
        """One batch."""
        view = self._view
        given = [each for event in events if (each := contribution_of(view, event)) is not None]
        loaded: dict[Key, Row] = dict(self._shapes[0].read(values) for values in self.tables[0].values())
        combined = combine_ahead(view, given) if ahead else None
        entries: Sequence[RowValues] = ()
        changed: Mapping[Key, Row | None] | None
        if combined is not None:
            changed = fold_ahead(view, combined, loaded)
            assert changed is not None
        elif isinstance(view.read_model.kind, Ledger):
            ledger = folded_ledger(view, view.read_model.kind, given, loaded)
            changed, entries = ledger.changed, ledger.entries
        else:
            folded = fold(view, given, loaded)
            assert folded.failures == []
            changed, entries = folded.rows, folded.entries
        for key, row in changed.items():
            if row is None:
                self.tables[0].pop(key, None)
            else:
                self.tables[0][key] = self._shapes[0].keyed_values(key, row)
        for values in entries:
            key = values[: len(self._shapes[-1].key_columns)]
            assert key not in self.tables[-1], "two entries have one key"
            self.tables[-1][key] = values
        return self

    def content(self) -> dict[Key, tuple[Any, ...]]:
        """The rows, so that they compare as PostgreSQL compares them: JSON by its content."""
        found = {}
        for name, shape, rows in zip(self._view.tables, self._shapes, self.tables, strict=True):
            places = {shape.columns.index(name) for name in shape.json_columns}
            for key, row in rows.items():
                found[name.name, *key] = tuple(
                    json.decode(value) if place in places and value is not None else value
                    for place, value in enumerate(row)
                )
        return found


def folded_ledger(
    view: LiveView, kind: Ledger, contributions: Sequence[Contribution], stored: Mapping[Key, Row]
) -> LedgerRows:
    """A ledger into whose rows the contributions are folded, each of them loaded when it is asked for."""
    rows = LedgerRows(view, kind)
    rows.take(rows.lacking(key for each in contributions for key in each.keys), stored)
    waiting, failures = list(contributions), list[Failure]()
    while waiting:
        waiting, lacking = fold_ledger(rows, waiting, set(), failures)
        rows.take(lacking, stored)
    assert failures == []
    return rows


def rows_of(read_model: ReadModel, *batches: Events, ahead: bool = False) -> dict[Key, tuple[Any, ...]]:
    stored = Stored(view_of(read_model))
    for batch in batches:
        stored.apply(batch, ahead=ahead)
    return stored.content()


@every_read_model
@given(data=st.data())
@examples
def test_batches_cut_anywhere_give_the_same_rows(read_model: ReadModel, data: st.DataObject) -> None:
    events = data.draw(consumed(read_model))
    cuts = sorted(data.draw(st.lists(st.integers(0, len(events)), max_size=4)))
    batches = [events[begin:end] for begin, end in zip([0, *cuts], [*cuts, len(events)], strict=True)]
    at_once = rows_of(read_model, events)
    assert rows_of(read_model, *batches) == at_once
    assert rows_of(read_model, *batches, ahead=True) == at_once


@every_read_model
@given(data=st.data())
@examples
def test_any_interleaving_of_partitions_gives_the_same_rows(
    read_model: ReadModel, data: st.DataObject
) -> None:
    events = data.draw(consumed(read_model))
    queues = {
        event.partition: [each for each in events if each.partition == event.partition] for event in events
    }
    interleaved = []
    while waiting := sorted(partition for partition, queue in queues.items() if queue):
        interleaved.append(queues[data.draw(st.sampled_from(waiting))].pop(0))
    assert rows_of(read_model, interleaved) == rows_of(read_model, events)


@pytest.mark.parametrize(
    "read_model",
    [each for each in EVERY if not isinstance(each.kind, Ordered | Ledger)],
    ids=lambda each: each.name,
)
@given(data=st.data())
@examples
def test_what_promises_no_order_needs_none(read_model: ReadModel, data: st.DataObject) -> None:
    events = data.draw(consumed(read_model))
    assert rows_of(read_model, data.draw(st.permutations(events))) == rows_of(read_model, events)


@every_mergeable_one
@given(data=st.data())
@examples
def test_combining_is_associative_and_commutative(read_model: ReadModel, data: st.DataObject) -> None:
    assert isinstance(read_model.kind, Mergeable)
    combine = read_model.kind.combine
    one, two, three = (data.draw(lifted_rows(read_model)) for _ in range(3))
    four = combine(three, two)
    assert combine(combine(one, two), four) == combine(one, combine(two, four))
    assert combine(one, two) == combine(two, one)
    assert combine(four, one) == combine(one, four)


@pytest.mark.parametrize("read_model", GROWING, ids=lambda each: each.name)
@given(data=st.data())
@examples
def test_a_row_that_grows_stays_the_very_same_where_it_holds_what_is_added(
    read_model: ReadModel, data: st.DataObject
) -> None:
    assert isinstance(read_model.kind, Mergeable)
    assert read_model.erased is None, "its rows stay"
    combine = read_model.kind.combine
    one, two = (data.draw(lifted_rows(read_model)) for _ in range(2))
    both = combine(one, two)
    assert combine(both, one) is both
    assert combine(both, two) is both


@every_mergeable_one
@given(data=st.data())
@examples
def test_combining_changes_neither_row(read_model: ReadModel, data: st.DataObject) -> None:
    assert isinstance(read_model.kind, Mergeable)
    rows = [data.draw(lifted_rows(read_model)) for _ in range(2)]
    before = json.encode(rows)
    read_model.kind.combine(*rows)
    assert json.encode(rows) == before


@every_read_model
def test_every_consumed_class_gives_something(read_model: ReadModel) -> None:
    view = view_of(read_model)
    for event_class in read_model.consumes:
        find(
            event_streams(event_class, min_size=1, max_size=1),
            lambda stream: contribution_of(view, stream[0]) is not None,
            settings=settings(max_examples=1000, database=None, phases=[Phase.generate]),
        )


@pytest.mark.parametrize(
    "read_model",
    [each for each in EVERY if isinstance(each.kind, Ordered | Ledger)],
    ids=lambda each: each.name,
)
@given(data=st.data())
@examples
def test_the_events_of_a_row_folded_in_order_have_one_stream_key(
    read_model: ReadModel, data: st.DataObject
) -> None:
    kind = read_model.kind
    stream_keys: dict[Key, set[str]] = {}
    for event in data.draw(consumed(read_model)):
        keys = kind.keys(event) if isinstance(kind, Ledger) else [kind.key(event)]  # type: ignore[union-attr]
        for key in keys:
            if key is not None:
                stream_keys.setdefault(key, set()).add(event.stream_key)
    assert all(len(found) == 1 for found in stream_keys.values())


@every_keyed_one
@given(data=st.data())
@settings(examples, max_examples=60)
def test_no_valid_stream_makes_a_fold_raise(read_model: ReadModel, data: st.DataObject) -> None:
    view = view_of(read_model)
    events = data.draw(consumed(read_model, max_size=20))
    Stored(view).apply(events)


@every_read_model
def test_its_tables_can_be_written_in_arrays(read_model: ReadModel) -> None:
    for table in view_of(read_model).tables:
        shape = shape_of(table)
        assert shape.key_columns, "a table needs a primary key"
        assert isinstance(read_model.kind, Entries) or shape.other_columns
        assert not any(of.endswith("[]") for of in shape.types), "use JSON for lists"
