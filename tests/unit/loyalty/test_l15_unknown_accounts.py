"""L15: the first event of an account that was never enrolled enrols it in the default programme."""

import pytest

from tests.unit.loyalty.ledger import CIRCLE, Happened, Ledger, bought, cancelled, earned, enrolled, refunded

TWO = CIRCLE + CIRCLE[CIRCLE.index("[programme.circle]") :].replace("circle", "ring").replace("EUR", "USD")


@pytest.mark.parametrize(
    "first",
    [
        earned("2024-01-01", 1),
        bought("2024-01-01", "o-1", "1"),
        refunded("2024-01-01", "f-1", "o-1", "1"),
        cancelled("2024-01-01", "r-1"),
    ],
)
def test_l15_any_first_event_enrols_with_an_anomaly(first: Happened) -> None:
    view = Ledger([first, first._replace(time=first.time.replace(day=2))]).view("2024-02-01")
    assert view["programme"] == "circle"
    assert view["anomalies"][0]["code"] == "implicit_enrolment"
    assert view["anomalies"][0]["event_id"] == "e0"
    assert [each["code"] for each in view["anomalies"]].count("implicit_enrolment") == 1


def test_l15_an_enrolment_that_comes_first_is_none() -> None:
    view = Ledger([enrolled("2024-01-01", "ring"), bought("2024-01-02", "o-1", "5", "USD")], TWO).view(
        "2024-02-01"
    )
    assert (view["programme"], view["anomalies"], view["balance"]) == ("ring", [], 5)


def test_l15_an_enrolment_that_comes_late_moves_the_account_from_there_on() -> None:
    history = [
        bought("2024-01-02", "o-1", "5"),
        enrolled("2024-01-01", "ring"),
        bought("2024-01-03", "o-2", "7", "USD"),
    ]
    ledger = Ledger(history, TWO)
    assert ledger.anomalies() == ["implicit_enrolment"]
    assert ledger.view("2024-02-01")["balance"] == 12


def test_l15_a_second_enrolment_elsewhere_is_marked() -> None:
    history = [enrolled("2024-01-01"), enrolled("2024-01-02"), enrolled("2024-01-03", "ring")]
    assert Ledger(history, TWO).anomalies() == ["programme_changed"]


def test_l15_an_unknown_programme_leaves_the_account_in_the_default() -> None:
    ledger = Ledger([enrolled("2024-01-01", "square")], TWO)
    assert ledger.anomalies() == ["unknown_programme"]
    assert ledger.view("2024-01-01")["programme"] == "circle"


def test_l15_tiers_reached_in_one_programme_are_kept_in_another() -> None:
    history = [enrolled("2024-01-01"), earned("2024-01-02", 1000), enrolled("2024-01-03", "ring")]
    assert Ledger(history, TWO).view("2024-02-01")["tier"] == "silver"
