"""P4: payment card numbers in texts. The numbers are those that card schemes publish for testing."""

import re
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from shared.events.card_numbers import masked, may_hold_card_number
from shared.events.customer import CustomerDescribed
from shared.events.interaction import InteractionRecorded
from shared.events.purchase import PurchaseCompleted, PurchaseLine
from shared.events.texts import text_fields, with_masked_cards
from tests.strategies import CATALOGUE, JsonObject, posted_events

VISA = "4111111111111111"
GROUPED = "4111 1111 1111 1111"


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (f"paid with {VISA}.", "paid with ************1111."),
        (f"{GROUPED}, 12/27", "**** **** **** 1111, 12/27"),
        ("3782-822463-10005", "****-******-*0005"),
        ("4222222222222", "*********2222"),
        ("6304000000000000000 is Maestro", "***************0000 is Maestro"),
        ("5555\u20135555\u20115555\u00a04444", "****\u2013****\u2011****\u00a04444"),
        ("tel 030 1234567 4111-1111-1111-1111", "tel 030 1234567 ****-****-****-1111"),
        ("\uff14" + "\uff11" * 15, "*" * 12 + "\uff11" * 4),
        ("\u0e54" + "\u0e51" * 15, "*" * 12 + "\u0e51" * 4),
        ("4111111111111112", "4111111111111112"),
        ("41111111111111110000", "41111111111111110000"),
        ("2026-11-01 09:30", "2026-11-01 09:30"),
        ("", ""),
    ],
)
def test_p4_a_card_number_keeps_its_last_four_digits_and_other_numbers_all(text: str, wanted: str) -> None:
    assert masked(text) == wanted


def passes_luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (1 + place % 2)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


DIGITS_AND_SEPARATORS = st.lists(
    st.one_of(
        st.from_regex(r"[0-9]{1,6}", fullmatch=True), st.sampled_from([VISA, GROUPED, " ", "-", "x", ", "])
    ),
    max_size=14,
).map("".join)


@given(text=DIGITS_AND_SEPARATORS)
@example(text=f"{GROUPED} 12 {GROUPED}")
def test_p4_of_everything_that_may_be_a_card_number_four_digits_at_most_are_left(text: str) -> None:
    hidden = masked(text)
    assert len(hidden) == len(text)
    assert all(now in (was, "*") for was, now in zip(text, hidden, strict=True))
    may_be_hidden: set[int] = set()
    groups = list(re.finditer(r"[0-9]+", text))
    for first, group in enumerate(groups):
        for last in range(first, len(groups)):
            window = text[group.start() : groups[last].end()]
            digits = re.sub(r"[ -]", "", window)
            if any(re.search(r"[^0-9 -]|[ -]{4}", each) for each in (window,)) or len(digits) > 19:
                break
            if len(digits) >= 13 and passes_luhn(digits):
                shown = hidden[group.start() : groups[last].end()]
                assert sum(each.isdigit() for each in shown) <= 4
                may_be_hidden |= set(range(group.start(), groups[last].end()))
    assert {place for place, each in enumerate(hidden) if each == "*"} <= may_be_hidden


@given(text=st.one_of(DIGITS_AND_SEPARATORS, st.text(max_size=30)))
@example(text="4111\n1111\t1111 1111")
@example(text="4111\u20091111\u20111111 1111")
def test_p4_nothing_is_passed_over_for_speed(text: str) -> None:
    for ascii_only in (msgspec.json.encode(text), b'"' + text.encode("unicode_escape") + b'"'):
        assert may_hold_card_number(ascii_only) or masked(text) == text


CUSTOMER = [{"type": "member", "value": VISA}]


def posted(event_type: str, **data: Any) -> Any:
    return CATALOGUE.decode(event_type, None, msgspec.json.encode({"customer": CUSTOMER, **data}))


def test_p4_texts_for_people_are_masked_wherever_they_stand_and_ids_are_not() -> None:
    interaction = with_masked_cards(
        posted(
            "interaction.recorded", kind="call", category="service", summary=VISA, body=f"card {GROUPED}!",
            outcome=VISA, conversation_id=VISA, staff=VISA,
            details={"card": VISA, "typed": int(VISA), "guests": 4, "vip": True, VISA: "x"},
        )
    )  # fmt: skip
    assert isinstance(interaction, InteractionRecorded)
    assert (interaction.summary, interaction.outcome) == ("************1111", "************1111")
    assert interaction.body == "card **** **** **** 1111!"
    assert interaction.details == {
        "card": "************1111", "typed": "************1111", "guests": 4, "vip": True, "************1111": "x"
    }  # fmt: skip
    assert (interaction.conversation_id, interaction.staff) == (VISA, VISA)
    described = with_masked_cards(
        posted(
            "customer.described", attributes={"name": VISA, "preferences": {"pays": GROUPED}, "tags": [VISA]}
        )
    )
    assert isinstance(described, CustomerDescribed)
    assert described.attributes.name == "************1111"
    assert described.attributes.preferences == {"pays": "**** **** **** 1111"}
    assert described.attributes.tags == ("************1111",)
    price = {"amount": "1", "currency": "EUR"}
    bought = with_masked_cards(
        posted(
            "purchase.completed", order_id=VISA, total=price, coupons=[VISA],
            lines=[{"sku": VISA, "quantity": 1, "unit_price": price, "description": VISA}],
        )
    )  # fmt: skip
    assert isinstance(bought, PurchaseCompleted)
    assert (bought.order_id, bought.coupons, bought.lines[0].sku) == (VISA, (VISA,), VISA)
    assert bought.lines[0].description == "************1111"


def test_which_fields_are_texts_follows_from_their_types() -> None:
    assert text_fields(InteractionRecorded) == ("summary", "body", "outcome", "details")
    assert text_fields(PurchaseLine) == ("description",)


@given(event=posted_events())
def test_an_event_without_card_numbers_stays_as_it_is(event: JsonObject) -> None:
    data = CATALOGUE.decode(event["type"], None, msgspec.json.encode(event["data"]))
    assert with_masked_cards(data) == data or may_hold_card_number(msgspec.json.encode(event["data"]))
