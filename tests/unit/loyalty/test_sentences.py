"""Every event of an account has a sentence for people, from the entries it left."""

from tests.unit.loyalty.ledger import (
    NEGATIVE,
    Happened,
    Ledger,
    adjusted,
    bought,
    cancelled,
    captured,
    earned,
    enrolled,
    held,
    redeemed,
    refunded,
    released,
)


def sentences(history: list[Happened], toml: str = NEGATIVE) -> list[str | None]:
    ledger = Ledger(history, toml)
    told: dict[int, list[str]] = {}
    for each in ledger.folded.entries:
        if each["sentence"] is not None:
            told.setdefault(each["log_offset"], []).append(each["sentence"])
    return ["; ".join(told[event.offset]) if event.offset in told else None for event in ledger.events]


def test_each_event_says_what_it_did() -> None:
    assert sentences(
        [
            enrolled("2024-01-01"),
            bought("2024-01-02", "o-1", "25"),
            bought("2024-01-03", "o-2", "1000"),
            earned("2024-01-04", 1),
            adjusted("2024-01-05", -7),
            adjusted("2024-01-05", 7),
            redeemed("2024-01-06", "r-1", 20),
            redeemed("2024-01-06", "r-2", 20_000),
            cancelled("2024-01-07", "r-1"),
            held("2024-01-08", "h-1", 30, "2024-02-01"),
            captured("2024-01-09", "h-1", 20),
            held("2024-01-08", "h-2", 30, "2024-02-01"),
            released("2024-01-09", "h-2"),
            refunded("2024-01-10", "f-1", "o-1", "25"),
        ]
    ) == [
        None,
        "Earned 25 points on order o-1",
        "Earned 1000 points on order o-2, silver since today",
        "Earned 1 point",
        "Points corrected by -7",
        "Points corrected by +7",
        "Redeemed 20 points (redemption r-1)",
        "Rejected: not enough points (r-2)",
        "Redemption cancelled, 20 points given back (redemption r-1)",
        "30 points set aside (hold h-1)",
        "Paid with 20 points set aside (hold h-1)",
        "30 points set aside (hold h-2)",
        "30 points set aside given back (hold h-2)",
        "25 points taken back on order o-1 (refund f-1)",
    ]


def test_what_a_refund_found_spent_is_said() -> None:
    history = [
        bought("2024-01-02", "o-1", "25"),
        redeemed("2024-01-06", "r-1", 20),
        refunded("2024-01-10", "f-1", "o-1", "25"),
    ]
    said = sentences(history, NEGATIVE.replace("allow_negative", "clamp"))
    assert said[-1] == "5 points taken back on order o-1 (refund f-1), 20 points were no longer there"


def test_an_event_that_did_nothing_has_none_and_holds_released_by_time_are_not_its_own() -> None:
    history = [
        earned("2024-01-01", 10),
        held("2024-01-02", "h-1", 5, "2024-01-03"),
        cancelled("2024-01-04", "r-9"),
    ]
    assert sentences(history)[-1] is None
