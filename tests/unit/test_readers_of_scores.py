"""Scores are read for a purpose that opens them, by roles that may ask for them."""

import pytest

from services.api.access.purposes import FOR_SCORES, OPENED, PURPOSES, SCORES
from services.api.access.reader import ANYBODY, Reader
from services.api.access.roles import rights_of
from shared.http.problems import Problem


def reader(*roles: str, purposes: frozenset[str] | None = None) -> Reader:
    return Reader("key:a", frozenset(roles), rights_of(frozenset(roles), purposes))


@pytest.mark.parametrize(
    ("asking", "purpose"),
    [
        (ANYBODY, "analysis"),
        (reader("analyst", "front_line"), "analysis"),
        (reader("front_line"), "greeting"),
        (reader("marketing", "loyalty_desk"), "greeting"),
        (reader("marketing"), "marketing"),
    ],
)
def test_a_request_for_scores_that_names_no_purpose_is_for_one_that_its_credential_has(
    asking: Reader, purpose: str
) -> None:
    assert asking.purpose_of_scores(None) == purpose


def test_a_named_purpose_stands_and_one_that_is_not_the_readers_is_refused() -> None:
    assert reader("front_line").purpose_of_scores("ordering") == "ordering"
    with pytest.raises(Problem, match="may not read for marketing"):
        reader("front_line").purpose_of_scores("marketing")


def test_a_credential_without_a_purpose_that_opens_scores_is_told_which_do() -> None:
    with pytest.raises(Problem, match=r"\(analysis, greeting, marketing\)") as refused:
        reader("front_line", purposes=frozenset({"ordering"})).purpose_of_scores(None)
    assert (refused.value.status, refused.value.code) == (403, "forbidden_purpose")


def test_the_purposes_that_open_scores_are_these() -> None:
    assert set(FOR_SCORES) == {each for each in PURPOSES if SCORES in OPENED[each]}


def test_a_greeting_opens_scores_to_a_desk_that_may_ask_for_them_and_to_no_other() -> None:
    assert SCORES in reader("front_line").opened("greeting")
    for role in ("case_handler", "care", "privacy_officer"):
        assert SCORES not in reader(role).opened("greeting")
    assert reader("case_handler").opened("greeting") == {"identity", "preference"}
