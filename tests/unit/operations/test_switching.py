"""Which generations can be shown to readers, and in words why others cannot."""

from datetime import UTC, datetime, timedelta

import pytest

from services.projections.sight.generations import Generation, State
from services.projections.sight.switching import previous_of, why_not_roll_back, why_not_switch

NOW = datetime(2026, 7, 1, 10, tzinfo=UTC)


def made(generation: int, state: State, version: int = 3, shown_hours_ago: int | None = None) -> Generation:
    at = None if shown_hours_ago is None else NOW - timedelta(hours=shown_hours_ago)
    return Generation("timeline", generation, version, state, NOW, at)


ALL = [
    made(1, "retired", 2, shown_hours_ago=9),
    made(2, "retired", shown_hours_ago=5),
    made(3, "live", shown_hours_ago=1),
    made(4, "ready"),
    made(5, "building"),
]


@pytest.mark.parametrize("generation", [2, 4])
def test_a_complete_generation_of_this_version_can_be_shown(generation: int) -> None:
    assert why_not_switch(ALL, generation, 3) is None


@pytest.mark.parametrize(
    ("generation", "version", "why"),
    [
        (9, 3, "there is no generation 9; there are 1, 2, 3, 4, 5"),
        (3, 3, "readers see generation 3 already"),
        (5, 3, "generation 5 is not complete; `rapport rebuild timeline` goes on with it"),
        (4, None, "this program does not know the view timeline"),
    ],
)
def test_others_cannot_and_the_reason_is_a_sentence(generation: int, version: int | None, why: str) -> None:
    assert why_not_switch(ALL, generation, version) == why


def test_one_of_another_version_is_that_programs() -> None:
    assert "made by version 2 of the view and this program has version 3" in str(why_not_switch(ALL, 1, 3))


def test_rolling_back_leads_to_what_was_shown_last_before() -> None:
    previous = previous_of(ALL)
    assert previous is not None
    assert (previous.generation, why_not_roll_back(ALL, 3)) == (2, None)
    assert "no earlier generation is kept" in str(why_not_roll_back(ALL[2:], 3))
    assert "made by version 2" in str(why_not_roll_back([ALL[0], *ALL[2:]], 3))
