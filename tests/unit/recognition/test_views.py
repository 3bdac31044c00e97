"""What each view of recognition keeps of an event, and what the rows of several parties come to."""

from datetime import UTC, datetime
from decimal import Decimal
from functools import reduce
from typing import Any

from msgspec import json

from services.projections.read_models import bought_items, consents, contacts, kept_prices, profile, visits
from services.projections.read_models.declaration import Key, Row
from tests.projecting import decode, purchase
from tests.strategies import PARTY_IDS, record_of

M1 = PARTY_IDS.of("member", "M1")
NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)


def lifted(lift: Any, type_: str, data: dict[str, Any], **changed: Any) -> dict[Key, Row]:
    named = {"customer": [{"type": "member", "value": "M1"}], **data}
    posted = purchase(1, type=type_, data=named, time=NOON.isoformat(), **changed)
    return dict(lift(decode(record_of(posted))))


def found(*rows: dict[str, Any]) -> str:
    """Rows as PostgreSQL hands them over."""
    return json.encode(rows).decode()


def test_each_attribute_has_a_row_and_null_is_a_word_too() -> None:
    rows = lifted(
        profile.lift, "customer.described", {"attributes": {"name": "Ada", "language": None, "tags": ["a"]}}
    )
    values = {key[1]: row["value"] for key, row in rows.items()}
    assert values == {"name": "Ada", "language": None, "tags": ("a",)}
    assert {key[0] for key in rows} == {M1}


def test_a_removed_attribute_is_not_known_and_the_last_party_to_speak_counts() -> None:
    def told(party: str, value: Any, minute: int) -> dict[str, Any]:
        time = NOON.replace(minute=minute)
        return {"party": party, "attribute": "name", "value": value, "time": time, "event_id": "e"}

    known = profile.attributes(found(told("pty_a", "Ada", 2), told("pty_b", "Bea", 1)))
    assert (known["name"]["value"], known["name"]["party"]) == ("Ada", "pty_a")
    assert profile.attributes(found(told("pty_a", "Ada", 1), told("pty_b", None, 2))) == {}


def test_personal_attributes_are_known_by_category() -> None:
    assert profile.CATEGORIES == {
        "name": "identity",
        "birthday": "identity",
        "address": "contact",
        "preferences": "preference",
        "dietary": "health",
        "health_notes": "health",
    }


def consent(channel: str, minute: int, *, granted: bool) -> consents.Consent:
    time = NOON.replace(minute=minute)
    return {
        "purpose": "marketing",
        "channel": channel,
        "granted": granted,
        "evidence": None,
        "time": time,
        "event_id": f"e-{minute}",
    }


def test_a_word_on_all_channels_overrules_earlier_ones_on_each() -> None:
    words = [
        consent("", 2, granted=False),
        consent("sms", 1, granted=True),
        consent("email", 3, granted=True),
    ]
    assert consents.is_granted(words, "marketing") is False
    assert consents.by_channel(words, "marketing") == {"sms": False, "email": True}
    assert consents.is_granted(words, "marketing", "phone") is False
    assert consents.is_granted_anywhere(words, "marketing")
    assert not consents.is_granted_anywhere(words[:2], "marketing")
    assert consents.is_granted(words, "analytics") is None


def test_the_last_word_on_a_purpose_and_channel_counts_with_its_evidence() -> None:
    rows = lifted(
        consents.lift, "consent.changed", {"purpose": "marketing", "granted": True, "evidence": "form 7"}
    )
    assert rows[M1, "marketing", ""]["evidence"] == "form 7"
    words = consents.consents(found(dict(consent("", 1, granted=True)), dict(consent("", 2, granted=False))))
    assert [each["granted"] for each in words] == [False]


def test_what_was_sent_to_a_customer_is_a_contact_but_brings_nobody_back() -> None:
    def contact(direction: str | None) -> Row:
        data = {"kind": "letter", "category": "marketing", "direction": direction}
        [row] = lifted(contacts.lift, "interaction.recorded", data, channel="mail").values()
        return row

    assert contact("outbound") == {"last_at": NOON, "last_inbound_at": None}
    assert contact(None) == contact("inbound") == {"last_at": NOON, "last_inbound_at": NOON}
    assert contacts.combine(contact("outbound"), contact(None)) == contact(None)


def test_the_last_contact_is_told_by_channel_over_all_parties() -> None:
    early, late = NOON.replace(hour=1), NOON.replace(hour=2)
    rows = [
        {"channel": "web", "last_at": early, "last_inbound_at": early},
        {"channel": "web", "last_at": late, "last_inbound_at": None},
        {"channel": "mail", "last_at": late, "last_inbound_at": None},
    ]
    known = contacts.contacts(found(*rows))
    assert known == ({"mail": late, "web": late}, early)
    assert contacts.contacts("[]") == ({}, None)


def test_only_visits_of_the_customer_are_visits() -> None:
    data = {"kind": "visit", "category": "sales", "location": "hq/one", "details": {"seat": "terrace 4"}}
    assert lifted(visits.lift, "interaction.recorded", data) == {
        (M1,): {
            "time": NOON,
            "event_id": "purchase-1",
            "location": "hq/one",
            "details": {"seat": "terrace 4"},
        }
    }
    assert lifted(visits.lift, "interaction.recorded", {**data, "kind": "call"}) == {}
    assert lifted(visits.lift, "interaction.recorded", {**data, "direction": "outbound"}) == {}


def line(sku: str, quantity: int | str, price: str = "1", **more: Any) -> dict[str, Any]:
    amount = {"amount": price, "currency": "EUR"}
    return {"sku": sku, "quantity": quantity, "unit_price": amount, **more}


def bought(*lines: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"order_id": "o", "total": {"amount": "5", "currency": "EUR"}, "lines": lines, **more}


def test_lines_of_one_item_add_up_under_the_last_description_and_discounts_are_no_items() -> None:
    lines = (
        line("tea", 2, description="Tea"),
        line("tea", "0.5"),
        line("rice", "0.350"),
        line("minus", 1, "-1.00"),
    )
    rows = lifted(bought_items.lift, "purchase.completed", bought(*lines))
    assert {key[1]: (row["quantity"], row["description"]) for key, row in rows.items()} == {
        "tea": (Decimal("2.5"), "Tea"),
        "rice": (Decimal("0.350"), None),
    }
    assert lifted(bought_items.lift, "purchase.completed", bought()) == {}


def test_quantities_stay_exact_however_large_and_small_they_are() -> None:
    rows = [
        lifted(bought_items.lift, "purchase.completed", bought(line("x", quantity)))[M1, "x"]
        for quantity in ("999999999999999.9999", "0.0001", 1)
    ]
    assert reduce(bought_items.combine, rows)["quantity"] == Decimal("1000000000000001.0000")


def promised(promise: str | None, charge: str, currency: str = "EUR", order: str = "o") -> dict[Key, Row]:
    data = {"order_id": order, "total": {"amount": charge, "currency": "EUR"}, "lines": []}
    if promise is not None:
        data["promised_total"] = {"amount": promise, "currency": currency}
    return lifted(kept_prices.lift, "purchase.completed", data)


def test_a_price_is_not_kept_when_more_was_charged_than_promised_and_the_order_is_told() -> None:
    assert promised(None, "10") == promised("10", "10", "THB") == {}
    [kept] = promised("10.0", "10").values()
    [broken] = promised("9.99", "10", order="o-2").values()
    together = kept_prices.combine(kept, broken)
    assert (kept["broken"], together["promised"], together["broken"]) == (0, 2, 1)
    assert (together["order_id"], together["promise"], together["charge"]) == ("o-2", "9.99", "10")
    assert kept_prices.kept_prices("[]") is None
    assert kept_prices.kept_prices(found(dict(kept), dict(broken))) == together
