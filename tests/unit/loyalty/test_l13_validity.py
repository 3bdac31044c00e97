"""L13: the event's expiry decides, null meaning never; else the terms', on the first of a month."""

import pytest

from tests.unit.loyalty.ledger import CIRCLE, Ledger, bought, earned


def test_l13_twelve_months_from_6_july_2020_end_on_1_august_2021_local_time() -> None:
    view = Ledger([bought("2020-07-06", "o-1", "10")]).view("2020-07-07")
    assert view["lots"][0]["expires_at"] == "2021-07-31T17:00:00Z"


@pytest.mark.parametrize(
    ("time", "expires"),
    [
        ("2020-01-31T16:59:59", "2021-01-31T17:00:00Z"),
        ("2020-01-31T17:00:00", "2021-02-28T17:00:00Z"),  # already February in Bangkok
        ("2020-12-15", "2021-12-31T17:00:00Z"),
        ("2024-02-29", "2025-02-28T17:00:00Z"),
    ],
)
def test_l13_the_month_is_the_local_one(time: str, expires: str) -> None:
    assert Ledger([earned(time, 1)]).view(time)["lots"][0]["expires_at"] == expires


def test_l13_local_midnight_follows_summer_time() -> None:
    toml = CIRCLE.replace("Asia/Bangkok", "Europe/Berlin").replace(
        "validity_months = 12", "validity_months = 1"
    )
    summer = Ledger([earned("2024-05-01", 1)], toml).view("2024-05-01")
    winter = Ledger([earned("2024-11-01", 1)], toml).view("2024-11-01")
    assert summer["lots"][0]["expires_at"] == "2024-06-30T22:00:00Z"
    assert winter["lots"][0]["expires_at"] == "2024-12-31T23:00:00Z"


def test_l13_the_event_decides_where_it_names_an_expiry_and_null_means_never() -> None:
    lots = Ledger([earned("2024-01-01", 1, "2024-01-09T10:00:00"), earned("2024-01-01", 2, None)]).view(
        "2024-01-02"
    )
    assert [each["expires_at"] for each in lots["lots"]] == ["2024-01-09T10:00:00Z", None]


def test_l13_no_validity_in_the_terms_means_never() -> None:
    toml = CIRCLE.replace("validity_months = 12", "validity_months = 0")
    assert Ledger([earned("2024-01-01", 1)], toml).view("2024-01-02")["lots"][0]["expires_at"] is None


@pytest.mark.parametrize("time", ["9999-12-31T23:59:59.999999", "1900-01-01"])
def test_l13_the_ends_of_history_break_nothing(time: str) -> None:
    ledger = Ledger([earned(time, 1500), bought(time, "o-1", "10")])
    assert ledger.view(time)["available"] >= 1500
