"""Whose word counts does not depend on the order in which words arrive, or on how often one does."""

from datetime import UTC, datetime
from functools import reduce
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from services.projections.recognition.last_word import last_word

_WORDS = st.fixed_dictionaries(
    {
        "time": st.sampled_from([datetime(2026, 1, day, tzinfo=UTC) for day in (1, 2)]),
        "event_id": st.sampled_from(["a", "b"]),
        "value": st.none() | st.text(max_size=2) | st.dictionaries(st.text(max_size=1), st.booleans()),
    }
)


@given(words=st.lists(_WORDS, min_size=1, max_size=5), data=st.data())
def test_any_order_and_any_repeats_leave_the_same_word(
    words: list[dict[str, Any]], data: st.DataObject
) -> None:
    repeated = data.draw(st.permutations([*words, *data.draw(st.lists(st.sampled_from(words), max_size=3))]))
    assert reduce(last_word, repeated) == reduce(last_word, words)


@given(one=_WORDS, two=_WORDS, three=_WORDS)
def test_taking_the_last_word_is_associative_commutative_and_idempotent(
    one: dict[str, Any], two: dict[str, Any], three: dict[str, Any]
) -> None:
    assert last_word(last_word(one, two), three) == last_word(one, last_word(two, three))
    assert last_word(one, two) == last_word(two, one)
    assert last_word(one, one) == one


def test_the_later_time_counts_and_at_one_time_the_greater_event_id() -> None:
    def word(day: int, event_id: str) -> dict[str, Any]:
        return {"time": datetime(2026, 1, day, tzinfo=UTC), "event_id": event_id, "value": 1}

    assert last_word(word(2, "a"), word(1, "b")) == word(2, "a")
    assert last_word(word(1, "a"), word(1, "b")) == word(1, "b")


def test_what_storage_does_to_the_order_of_members_decides_nothing() -> None:
    said = {"time": datetime(2026, 1, 1, tzinfo=UTC), "event_id": "a"}
    one, other = {**said, "value": {"x": True, "y": 1}}, {**said, "value": {"y": 1, "x": False}}
    as_stored = {**said, "value": {"y": 1, "x": True}}
    assert last_word(one, other) == last_word(as_stored, other) == one
