"""Past terms never change: a file that rewrites what has been in force is named for it."""

from datetime import date

import pytest

from services.projections.loyalty.past_terms import TermsInForce, in_force, rewritten
from services.projections.loyalty.programme_file import parse
from tests.unit.loyalty.ledger import CIRCLE
from tests.unit.loyalty.test_programme_files import SECOND_TERMS

TODAY = date(2024, 3, 1)


def recorded(toml: str = CIRCLE + SECOND_TERMS) -> list[TermsInForce]:
    return in_force(parse(toml, "before.toml"), TODAY)


def test_what_has_begun_is_recorded_and_what_has_not_is_not() -> None:
    assert [(each.programme, each.effective_from) for each in recorded()] == [
        ("", date.min),
        ("circle", date(1990, 1, 1)),
    ]


@pytest.mark.parametrize(
    "toml",
    [
        CIRCLE + SECOND_TERMS,
        CIRCLE,
        CIRCLE + SECOND_TERMS.replace("2024-07-01", "2024-03-02").replace('"2"', '"3"'),
        CIRCLE.replace('"1.25"', '"1.250"').replace("[programme.circle]", "# a remark\n[programme.circle]"),
    ],
)
def test_terms_still_to_come_may_change_and_so_may_how_a_file_is_written(toml: str) -> None:
    assert rewritten(recorded(), parse(toml, "after.toml")) == []


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            "validity_months = 12",
            "validity_months = 24",
            "effective from 1990-01-01 have been in force and differ",
        ),
        ('"Asia/Bangkok"', '"Asia/Tokyo"', "they were EUR in Asia/Bangkok"),
        ('"EUR"', '"THB"', "now THB in Asia/Bangkok"),
        ('"1.25"', '"1.3"', "silver from 1000 x 1.25"),
        ("1990-01-01", "1991-01-01", "effective from 1990-01-01 have been in force and are missing"),
        ("circle", "ring", "programme circle has been in force and is missing"),
        ("circle", "ring", "default_programme was circle, and accounts were enrolled in it; now it is ring"),
    ],
)
def test_a_rewritten_promise_is_named(was: str, becomes: str, said: str) -> None:
    found = rewritten(recorded(), parse(CIRCLE.replace(was, becomes), "after.toml"))
    assert any(said in sentence for sentence in found), found


def test_terms_put_in_before_today_rewrite_the_past_too() -> None:
    toml = CIRCLE + SECOND_TERMS.replace("2024-07-01", "2024-03-01")
    (said,) = rewritten(recorded(), parse(toml, "after.toml"))
    assert said.startswith(
        "terms of programme circle effective from 2024-03-01 are new, and begin before 2024-03-01"
    )


def test_another_programme_may_be_added() -> None:
    other = CIRCLE[CIRCLE.index("[programme.circle]") :].replace("circle", "ring")
    assert rewritten(recorded(), parse(CIRCLE + other, "after.toml")) == []
