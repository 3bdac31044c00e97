import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.events.vocabulary import IDENTIFIER_STRENGTH, Identifier, IdentifierType
from shared.identifiers import (
    BadIdentifierError,
    PartyIds,
    customer_id_of,
    normalise,
    party_id_of,
    recorded_identifiers,
    recorded_link,
)
from tests.strategies import identifiers, texts

PARTY_IDS = PartyIds("a pepper for tests alone")


def normalised(kind: IdentifierType, value: str, region: str = "DE") -> str | None:
    identifier = normalise(Identifier(kind, value), region)
    return None if identifier is None else identifier.value


@pytest.mark.parametrize(
    ("kind", "written", "value"),
    [
        ("phone", "030 / 123 4567", "+49301234567"),
        ("phone", "+49 (0)30 1234567", "+49301234567"),
        ("phone", "0049-30-1234567", "+49301234567"),
        ("phone", "+66 2 123 4567", "+6621234567"),
        ("email", "  Ann.Other@Example.ORG ", "ann.other@example.org"),
        ("email", "till@shop.test", "till@shop.test"),
        ("email", "ÄNNE@bücher.example", "änne@bücher.example"),
        ("member", " m-12 34\u201356 ", "M123456"),
        ("account", " m-12 ", "m-12"),
        ("external", " crm 7 ", "crm 7"),
        ("device", "\tAbC\n", "AbC"),
        ("cookie", "0-1", "0-1"),
    ],
)
def test_an_identifier_is_written_one_way(kind: IdentifierType, written: str, value: str) -> None:
    assert normalised(kind, written) == value


def test_a_number_without_country_code_belongs_to_the_region_of_the_settings() -> None:
    assert normalised("phone", "02 123 4567", "TH") == "+6621234567"


@pytest.mark.parametrize("kind", IDENTIFIER_STRENGTH)
@pytest.mark.parametrize(
    "value",
    [
        "",
        "  ",
        "-1",
        " -1 ",
        "null",
        "NULL",
        "None",
        "unknown",
        "Anonymous",
        "0",
        "000000",
        "---",
        "00-00",
        "\u2013",
        "0 0 0",
    ],
)
def test_placeholders_identify_nobody(kind: IdentifierType, value: str) -> None:
    assert normalised(kind, value) is None


@pytest.mark.parametrize("written", ["n-u-l-l", "un known", "- - -"])
def test_a_member_number_that_becomes_a_placeholder_is_one(written: str) -> None:
    assert normalised("member", written) is None


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        ("phone", "12"),
        ("phone", "call me"),
        ("phone", "+999 123456789"),
        ("phone", "9" * 400),
        ("email", "ann"),
        ("email", "ann@"),
        ("email", "a b@example.org"),
        ("email", f"{'a' * 300}@example.org"),
    ],
)
def test_what_is_no_phone_number_or_address_is_refused_without_repeating_it(
    kind: IdentifierType, value: str
) -> None:
    with pytest.raises(BadIdentifierError) as refused:
        normalised(kind, value)
    assert value not in refused.value.detail


@given(
    kind=st.sampled_from(IDENTIFIER_STRENGTH),
    value=texts() | st.emails() | st.from_regex(r"\+?[0-9 ()/-]{0,20}"),
)
def test_normalising_again_changes_nothing(kind: IdentifierType, value: str) -> None:
    try:
        once = normalise(Identifier(kind, value), "DE")
    except BadIdentifierError:
        return
    if once is not None:
        assert normalise(once, "DE") == once


@given(value=texts(1), spaces=st.sampled_from([" ", "\t", "\u00a0"]))
def test_space_around_a_value_means_nothing(value: str, spaces: str) -> None:
    assert normalised("external", f"{spaces}{value}{spaces}") == normalised("external", value)


@given(number=st.integers(10**6, 10**8), gap=st.sampled_from([" ", "-", "/", "."]), at=st.integers(1, 5))
def test_one_phone_number_written_in_two_ways_is_one_party(number: int, gap: str, at: int) -> None:
    digits = str(number)
    written = [f"+4930{digits}", f"030{gap}{digits[:at]}{gap}{digits[at:]}"]
    parties = {
        recorded_identifiers([Identifier("phone", each)], "DE", PARTY_IDS)[0].party_id for each in written
    }
    assert len(parties) == 1


@given(kind=st.sampled_from(IDENTIFIER_STRENGTH), value=texts(), pepper=texts(1, 100))
def test_a_party_id_is_26_base32_characters_of_a_keyed_hash(kind: str, value: str, pepper: str) -> None:
    mac = hmac.new(pepper.encode(), f"{kind}\0{value}".encode(), hashlib.sha256).digest()
    expected = "pty_" + base64.b32encode(mac).decode()[:26].lower()
    assert PartyIds(pepper).of(kind, value) == expected


def test_equal_values_of_two_types_are_two_parties() -> None:
    assert PARTY_IDS.of("member", "1234") != PARTY_IDS.of("account", "1234")


def test_the_customer_is_recorded_strongest_first_and_each_identifier_once() -> None:
    named = [
        Identifier("cookie", "c"),
        Identifier("phone", "030 1234567"),
        Identifier("member", "-1"),
        Identifier("email", "b@example.org"),
        Identifier("phone", "+49 30 1234567"),
        Identifier("email", "a@example.org"),
    ]
    recorded = recorded_identifiers(named, "DE", PARTY_IDS)
    assert [(each.type, each.value) for each in recorded] == [
        ("email", "b@example.org"),
        ("email", "a@example.org"),
        ("phone", "+49301234567"),
        ("cookie", "c"),
    ]
    assert recorded[0].party_id == PARTY_IDS.of("email", "b@example.org")


def test_a_refused_identifier_is_pointed_at() -> None:
    named = [Identifier("member", "M1"), Identifier("email", "nobody")]
    with pytest.raises(BadIdentifierError) as refused:
        recorded_identifiers(named, "DE", PARTY_IDS)
    assert refused.value.pointer == "/data/customer/1/value"
    assert refused.value.detail == "data.customer[1].value: not an e-mail address"


@pytest.mark.parametrize("second", [Identifier("phone", "+4930 1234567"), Identifier("member", "none")])
def test_a_link_joins_two_different_identifiers(second: Identifier) -> None:
    with pytest.raises(BadIdentifierError) as refused:
        recorded_link([Identifier("phone", "030 1234567"), second], "DE", PARTY_IDS)
    assert refused.value.pointer == "/data/identifiers"


@given(drawn=identifiers())
def test_party_and_customer_ids_turn_into_each_other(drawn: dict[str, str]) -> None:
    party_id = PARTY_IDS.of(drawn["type"], drawn["value"])
    assert customer_id_of(party_id) == "cus_" + party_id[4:]
    assert party_id_of(customer_id_of(party_id)) == party_id_of(party_id) == party_id


@pytest.mark.parametrize(
    "wrong",
    ["", "pty_", "pty_abc", "cus_" + "a" * 27, "xyz_" + "a" * 26, "pty_" + "A" * 26, "pty_" + "1" * 26],
)
def test_what_is_no_id_of_this_service_is_refused(wrong: str) -> None:
    with pytest.raises(ValueError, match="not a customer or party id"):
        party_id_of(wrong)
