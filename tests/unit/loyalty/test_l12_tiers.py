"""L12: tiers come from a calendar year's qualifying points and stay until the end of the next."""

from tests.unit.loyalty.ledger import CIRCLE, Ledger, bought, earned, redeemed, refunded


def test_l12_a_tier_is_held_from_when_its_threshold_is_reached_until_the_end_of_the_next_year() -> None:
    ledger = Ledger([earned("2024-05-01", 999), earned("2024-05-02", 1, None)])
    assert ledger.view("2024-05-01")["tier"] == "base"
    assert ledger.view("2024-05-01")["tier_valid_until"] is None
    view = ledger.view("2024-05-02")
    assert (view["tier"], view["tier_valid_until"]) == ("silver", "2025-12-31T17:00:00Z")
    assert ledger.view("2025-12-31T16:59:59")["tier"] == "silver"
    assert ledger.view("2025-12-31T17:00:00")["tier"] == "base"


def test_l12_years_are_those_of_the_programmes_time_zone() -> None:
    ledger = Ledger([earned("2023-12-31T17:00:00", 600), earned("2023-12-31T16:59:59", 600)])
    view = ledger.view("2024-02-01")
    assert (view["qualifying_points"], view["tier"]) == (600, "base")


def test_l12_several_tiers_at_once_give_the_highest() -> None:
    view = Ledger([earned("2024-05-01", 5000)]).view("2024-05-01")
    assert view["tier"] == "gold"


def test_l12_spending_never_lowers_a_tier() -> None:
    view = Ledger([earned("2024-05-01", 1000), redeemed("2024-05-02", "r-1", 1000)]).view("2024-05-03")
    assert (view["tier"], view["qualifying_points"], view["balance"]) == ("silver", 1000, 0)


def test_l12_points_that_do_not_qualify_count_for_no_tier() -> None:
    assert Ledger([earned("2024-05-01", 5000, qualifying=False)]).view("2024-05-02")["tier"] == "base"


def test_l12_a_clawback_lowers_the_sum_of_the_orders_year_and_takes_no_tier_back() -> None:
    history = [
        bought("2024-05-01", "o-1", "1000"),
        redeemed("2024-05-01", "r-1", 1000),
        refunded("2025-02-01", "f-1", "o-1", "1000"),
    ]
    ledger = Ledger(history)
    assert ledger.entries("clawed_back")[0]["shortfall"] == 1000
    assert ledger.view("2025-02-01")["tier"] == "silver"
    assert ledger.folded.rows["M1", "account", ""]["state"]["years"] == {"2024": 0}  # type: ignore[index]


def test_l12_a_lowered_sum_must_be_made_up_for_before_the_next_tier() -> None:
    history = [
        bought("2024-05-01", "o-1", "1000"),
        refunded("2024-05-02", "f-1", "o-1", "1000"),
        earned("2024-05-03", 4999),
        earned("2024-05-04", 1),
    ]
    ledger = Ledger(history)
    assert [ledger.view(f"2024-05-0{day}")["tier"] for day in (1, 2, 3, 4)] == [
        "silver",
        "silver",
        "silver",
        "gold",
    ]


def test_l12_the_entry_says_which_tier_it_brought() -> None:
    ledger = Ledger([earned("2024-05-01", 1000), earned("2024-05-02", 10), earned("2025-05-02", 1000)])
    assert [each["tier"] for each in ledger.entries("earned")] == ["silver", None, None]
    assert ledger.view("2025-05-02")["tier_valid_until"] == "2026-12-31T17:00:00Z"


def test_l12_a_tier_that_later_terms_leave_out_is_kept_until_it_ends() -> None:
    later = CIRCLE + (
        '\n[[programme.circle.terms]]\neffective_from = 2024-07-01\npoints_per_unit = "1"\n'
        'validity_months = 12\nclawback = "clamp"\ntiers = [{ name = "friend", threshold = 10, multiplier = "2" }]\n'
    )
    history = [
        earned("2024-05-01", 1000),
        bought("2024-08-01", "o-1", "100"),
        bought("2024-08-01", "o-2", "100"),
    ]
    ledger = Ledger(history, later)
    assert ledger.points("earned") == [1000, 125, 125]
    assert ledger.view("2024-08-02")["tier"] == "silver"
