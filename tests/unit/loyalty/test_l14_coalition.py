"""L14: entries carry what a settlement between partners needs; the report itself is made from them."""

from tests.unit.loyalty.ledger import Ledger, cancelled, earned, redeemed


def test_l14_allocations_carry_the_issuing_partner_and_entries_the_redeeming_one() -> None:
    ledger = Ledger(
        [
            earned("2024-01-01", 10, partner="bakery"),
            earned("2024-01-02", 10, partner="garage"),
            redeemed("2024-01-03", "r-1", 15, partner="cinema"),
            cancelled("2024-01-04", "r-1"),
        ]
    )
    for kind in ("redeemed", "redemption_cancelled"):
        (entry,) = ledger.entries(kind)
        assert entry["partner"] == "cinema"
        assert [(each["partner"], each["points"]) for each in entry["allocations"]] == [
            ("bakery", 10),
            ("garage", 5),
        ]


def test_l14_an_expiry_carries_the_issuing_partner() -> None:
    statement = Ledger([earned("2024-01-01", 10, "2024-02-01", partner="bakery")]).statement("2024-02-01")
    assert [(each["kind"], each["partner"]) for each in statement] == [
        ("earned", "bakery"),
        ("expired", "bakery"),
    ]
