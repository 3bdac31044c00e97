"""Folding: what fails keeps its stream key waiting, in one view, and nothing else."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from services.projections.engine.folding import (
    BehindParkedError,
    Contribution,
    combine_ahead,
    contribution_of,
    fold,
    fold_ahead,
)
from services.projections.engine.generations import LiveView
from services.projections.engine.shadow_rows import shadow_rows
from services.projections.read_models.declaration import Key, Mergeable, Row
from shared.codec import decode_record
from tests.channel_totals import CHANNEL_TOTALS
from tests.complaint_trails import COMPLAINT_TRAILS, POISON
from tests.projecting import purchase
from tests.strategies import CATALOGUE, JsonObject, record_of
from tests.touch_counts import TOUCH_COUNTS

TRAILS = LiveView.of(COMPLAINT_TRAILS, 1)
TOTALS = LiveView.of(CHANNEL_TOTALS, 1)
TOUCHES = LiveView.of(TOUCH_COUNTS, 1)


def given(view: LiveView, *posted: JsonObject) -> list[Contribution]:
    events = [decode_record(record_of(each, offset=offset), CATALOGUE) for offset, each in enumerate(posted)]
    return [each for event in events if (each := contribution_of(view, event)) is not None]


def step(number: int, complaint: str, **changed: Any) -> JsonObject:
    return purchase(
        number,
        **{"id": str(number), "type": "complaint.reopened", "data": {"complaint_id": complaint}, **changed},
    )


def trail(*steps: int) -> Row:
    return {"steps": len(steps), "trail": [str(each) for each in steps]}


def test_a_failing_event_and_those_behind_it_change_nothing_while_others_go_on() -> None:
    events = given(TRAILS, step(1, "a"), step(2, "a", source=POISON), step(3, "b"), step(4, "a"))
    folded = fold(TRAILS, events, {("a",): trail(0)})
    assert folded.rows == {("a",): trail(0, 1), ("b",): trail(3)}
    assert [(failure.contribution.event.id, type(failure.error).__name__) for failure in folded.failures] == [
        ("2", "TrailBrokenError"),
        ("4", "BehindParkedError"),
    ]


def test_a_stream_key_with_parked_events_waits_from_the_beginning() -> None:
    folded = fold(TRAILS, given(TRAILS, step(1, "a"), step(2, "b")), {}, {"complaint:a"})
    assert folded.rows == {("b",): trail(2)}
    assert [type(failure.error) for failure in folded.failures] == [BehindParkedError]


def test_what_failed_before_the_rows_were_loaded_fails_in_its_turn() -> None:
    first, second, third = given(TRAILS, step(1, "a"), step(2, "a"), step(3, "a"))
    folded = fold(TRAILS, [first, second._replace(error=ValueError("no")), third], {})
    assert folded.rows == {("a",): trail(1)}
    assert next(str(failure.error) for failure in folded.failures) == "no"


def test_an_event_that_a_view_does_not_consume_gives_it_nothing() -> None:
    assert given(TRAILS, purchase(1)) == []


def test_combining_ahead_comes_to_the_same_as_folding_in_turn() -> None:
    events = given(TOTALS, *(purchase(number, channel=("web", "app")[number % 2]) for number in range(7)))
    loaded = {("web",): {"events": 5, "types": {"feedback.recorded": 5}}}
    ahead = combine_ahead(TOTALS, events)
    assert ahead is not None
    assert fold_ahead(TOTALS, ahead, loaded) == fold(TOTALS, events, loaded).rows


@pytest.mark.parametrize("loaded", [{}, {("store",): {"events": 1, "types": {}}}])
def test_where_combining_fails_the_event_at_fault_is_found(loaded: Any) -> None:
    def choosy(one: Row, other: Row) -> Row:
        if one["events"] + other["events"] > 2:
            raise OverflowError("no more than two")
        return combine(one, other)

    assert isinstance(CHANNEL_TOTALS.kind, Mergeable)
    combine = CHANNEL_TOTALS.kind.combine
    view = TOTALS._replace(
        read_model=replace(CHANNEL_TOTALS, kind=replace(CHANNEL_TOTALS.kind, combine=choosy))
    )
    events = given(view, *(purchase(number, f"M{number}") for number in range(4)))
    ahead = combine_ahead(view, events)
    assert ahead is None
    folded = fold(view, events, loaded)
    assert folded.rows[("store",)] == {"events": 2, "types": {"purchase.completed": 2 - len(loaded)}}
    assert len(folded.failures) == 2 + len(loaded)


def counting_to(most: int) -> LiveView:
    """A view of several rows an event that takes no row beyond so many touches."""

    def choosy(one: Row, other: Row) -> Row:
        if one["touches"] + other["touches"] > most:
            raise OverflowError(f"no more than {most}")
        return combine(one, other)

    assert isinstance(TOUCH_COUNTS.kind, Mergeable)
    combine = TOUCH_COUNTS.kind.combine
    return TOUCHES._replace(read_model=replace(TOUCH_COUNTS, kind=replace(TOUCH_COUNTS.kind, combine=choosy)))


def touches(rows: Mapping[Key, Row | None]) -> dict[str, int]:
    return {key[1]: row["touches"] for key, row in rows.items() if row is not None}


def test_an_event_of_several_rows_changes_them_all() -> None:
    events = given(TOUCHES, purchase(1, channel="web"), purchase(2, channel="app"))
    ahead = combine_ahead(TOUCHES, events)
    assert ahead is not None
    expected = {"web": 1, "app": 1, "purchase.completed": 2}
    assert touches(fold(TOUCHES, events, {}).rows) == touches(ahead) == expected


def test_an_event_of_which_one_row_fails_changes_none_of_its_rows() -> None:
    view = counting_to(2)
    events = given(view, *(purchase(number, f"M{number}", channel="web") for number in range(2)))
    events += given(view, purchase(2, "M2", channel="app"))
    assert combine_ahead(view, events) is None
    folded = fold(view, events, {})
    assert touches(folded.rows) == {"web": 2, "purchase.completed": 2}
    assert [type(failure.error) for failure in folded.failures] == [OverflowError]


def test_while_rebuilding_an_event_of_which_one_row_fails_changes_none_of_its_rows() -> None:
    view = counting_to(1)
    rows = shadow_rows(view, empty=True)
    first, second = given(view, purchase(1, channel="web"), purchase(2, channel="app"))
    rows.fold(first)
    before = rows.size_bytes()
    with pytest.raises(OverflowError):
        rows.fold(second)
    assert rows.size_bytes() == before
