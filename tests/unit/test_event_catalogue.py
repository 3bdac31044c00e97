# ruff: noqa: E501 - one case a line reads best in the tables
from typing import Any

import jsonschema_rs
import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.events import EVENT_CLASSES
from shared.events.catalogue import (
    Catalogue,
    EventRefusedError,
    SchemaViolationError,
    UnknownTypeError,
    UnknownVersionError,
)
from shared.events.data import EventData
from shared.events.refusal import BadIdentifierError
from tests.strategies import posted_data, posted_events

CATALOGUE = Catalogue()
CUSTOMER = [{"type": "member", "value": "M1"}]
EURO = {"amount": "12.50", "currency": "EUR"}
SCORES = {"reliability": 1, "tangibles": 7, "responsiveness": 4, "assurance": 4, "empathy": 4}
VALID: dict[str, dict[str, Any]] = {
    "interaction.recorded": {"kind": "visit", "category": "service"},
    "purchase.completed": {"order_id": "o1", "total": EURO, "lines": []},
    "purchase.refunded": {"refund_id": "r1", "order_id": "o1", "amount": EURO},
    "customer.described": {"attributes": {"language": "th"}},
    "identity.linked": {"link_id": "l1", "reason": "asked", "identifiers": CUSTOMER * 2},
    "consent.changed": {"purpose": "marketing", "granted": True},
    "feedback.recorded": {"instrument": "nps", "score": 10},
    "referral.made": {"referred": CUSTOMER},
    "relationship.ended": {"reason": "moved"},
    "loyalty.points_earned": {"account_id": "M1", "points": 5, "reason": "birthday"},
    "loyalty.points_adjusted": {"account_id": "M1", "points": -5, "reason": "typing error", "actor": "s1"},
    "loyalty.hold_placed": {
        "account_id": "M1",
        "hold_id": "h1",
        "points": 1,
        "expires_at": "2030-01-01T00:00:00Z",
    },
    "complaint.opened": {"complaint_id": "c1", "summary": "cold", "cause": "other", "severity": "low"},
    "complaint.assigned": {"complaint_id": "c1", "assignee": {"person": "s1"}, "level": "store"},
    "complaint.compensated": {"complaint_id": "c1", "kind": "points", "points": 5},
    "task.created": {
        "task_id": "t1",
        "title": "call",
        "due_at": "2030-01-01T00:00:00+07:00",
        "assignee": {"department": "d1"},
    },
    "task.completed": {"task_id": "t1"},
}


def data_of(event_type: str, **changes: Any) -> dict[str, Any]:
    merged = {"customer": CUSTOMER, **VALID[event_type], **changes}
    return {key: value for key, value in merged.items() if value is not ...}


def refusal(event_type: str, data: Any, version: int | None = None) -> EventRefusedError:
    with pytest.raises(EventRefusedError) as refused:
        CATALOGUE.decode(event_type, version, msgspec.json.encode(data))
    return refused.value


def schema_takes(event_type: str, data: Any) -> bool:
    posted = {
        "specversion": "1.0",
        "id": "1",
        "source": "/s",
        "type": event_type,
        "time": "2024-05-01T12:00:00Z",
        "channel": "web",
        "data": data,
    }
    return jsonschema_rs.is_valid(CATALOGUE.schema(event_type, 1), posted)


def test_the_catalogue_holds_every_event_type_at_its_first_version() -> None:
    assert len(CATALOGUE.types()) == len(EVENT_CLASSES) == 40
    assert {version for _, version in CATALOGUE.types()} == {1}


def test_every_event_class_says_what_happened() -> None:
    assert all(each.__doc__ and each.__doc__ != EventData.__doc__ for each in EVENT_CLASSES)


@pytest.mark.parametrize("event_type", sorted(VALID))
def test_an_event_with_no_more_than_it_needs_is_taken(event_type: str) -> None:
    data = CATALOGUE.decode(event_type, 1, msgspec.json.encode(data_of(event_type)))
    assert event_type == type(data).TYPE
    assert schema_takes(event_type, data_of(event_type))


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(posted=posted_events())
def test_every_drawn_event_is_taken_and_fits_its_schema(posted: dict[str, Any]) -> None:
    data = CATALOGUE.decode(posted["type"], None, msgspec.json.encode(posted["data"]))
    assert posted["type"] == type(data).TYPE
    jsonschema_rs.validate(CATALOGUE.schema(data.TYPE, data.VERSION), posted)


@pytest.mark.parametrize("event_class", EVENT_CLASSES)
@settings(max_examples=5, suppress_health_check=[HealthCheck.too_slow])
@given(drawn=st.data())
def test_an_unknown_field_is_refused_in_every_type(
    event_class: type[EventData], drawn: st.DataObject
) -> None:
    data = {**drawn.draw(posted_data(event_class)), "surprise": 1}
    refused = refusal(event_class.TYPE, data)
    assert (refused.detail, refused.pointer) == ("data.surprise: unknown field", "/data/surprise")
    assert not schema_takes(event_class.TYPE, data)


WRONG: list[tuple[str, dict[str, Any], str, str]] = [
    ("purchase.completed", {"total": {"amount": 12.5, "currency": "EUR"}}, "/data/total/amount", "not a decimal"),
    ("purchase.completed", {"total": {"amount": 12, "currency": "EUR"}}, "/data/total/amount", "not a decimal"),
    ("purchase.completed", {"total": {"amount": "1e3", "currency": "EUR"}}, "/data/total/amount", "not a decimal"),
    ("purchase.completed", {"total": {"amount": "1.5\n", "currency": "EUR"}}, "/data/total/amount", "not a decimal"),
    ("purchase.completed", {"total": {"amount": "٣", "currency": "EUR"}}, "/data/total/amount", "not a decimal"),
    ("purchase.completed", {"total": {"amount": "-1", "currency": "EUR"}}, "/data/total/amount", "must be 0 or more"),
    (
        "purchase.completed",
        {"total": {"amount": "1", "currency": "eur"}},
        "/data/total/currency",
        "not a currency code of three capital letters",
    ),
    ("purchase.completed", {"total": ...}, "/data/total", "required"),
    ("purchase.completed", {"lines": ...}, "/data/lines", "required"),
    ("purchase.completed", {"order_id": ""}, "/data/order_id", "must not be empty"),
    ("purchase.completed", {"order_id": "x" * 129}, "/data/order_id", "more than 128 characters"),
    ("purchase.completed", {"order_id": 7}, "/data/order_id", "expected a string, got a whole number"),
    ("purchase.completed", {"coupons": ["x"] * 51}, "/data/coupons", "more than 50 items"),
    (
        "purchase.completed",
        {"lines": [{"sku": "s", "quantity": 1.5, "unit_price": EURO}]},
        "/data/lines/0/quantity",
        "expected a whole number or a string, got a number with a fraction",
    ),
    (
        "purchase.completed",
        {"lines": [{"sku": "s", "quantity": 0, "unit_price": EURO}]},
        "/data/lines/0/quantity",
        "less than 1",
    ),
    (
        "purchase.completed",
        {"lines": [{"sku": "s", "quantity": 1, "unit_price": EURO, "colour": "red"}]},
        "/data/lines/0/colour",
        "unknown field",
    ),
    ("purchase.completed", {"customer": ...}, "/data/customer", "required"),
    ("purchase.completed", {"customer": []}, "/data/customer", "required"),
    (
        "purchase.completed",
        {"customer": [{"type": "passport", "value": "1"}]},
        "/data/customer/0/type",
        "not one of account, cookie, device, email, external, member, phone",
    ),
    ("purchase.completed", {"customer": CUSTOMER * 21}, "/data/customer", "more than 20 items"),
    ("purchase.completed", {"location": "/hq"}, "/data/location", "not a slash path of units, widest first, such as hq/guangdong/gz-03"),
    ("purchase.refunded", {"amount": {"amount": "0.00", "currency": "EUR"}}, "/data/amount/amount", "must be more than 0"),
    ("interaction.recorded", {"details": {"a": "b", "c/d": 1.5}}, "/data/details/c~1d", "expected true or false or a whole number or a string, got a number with a fraction"),
    ("interaction.recorded", {"details": {"a": {"b": "c"}}}, "/data/details/a", "expected true or false or a whole number or a string, got an object"),
    ("interaction.recorded", {"details": {"a": "b", "c": "d" * 513}}, "/data/details/c", "more than 512 characters"),
    ("interaction.recorded", {"details": {"k" * 65: 1}}, "/data/details", "more than 64 characters in a name"),
    ("interaction.recorded", {"details": {str(each): each for each in range(51)}}, "/data/details", "more than 50 entries"),
    ("interaction.recorded", {"details": {"a": 2**53}}, "/data/details/a", f"more than {2**53 - 1}"),
    ("interaction.recorded", {"duration_seconds": -1}, "/data/duration_seconds", "less than 0"),
    ("interaction.recorded", {"kind": "seance"}, "/data/kind", "not one of call, chat, email, form, letter, message, other, page_view, visit"),
    ("customer.described", {"attributes": {}}, "/data/attributes", "names no attribute"),
    ("customer.described", {"attributes": {"birthday": "1981-02-29"}}, "/data/attributes/birthday", "not a day of the calendar"),
    ("customer.described", {"attributes": {"birthday": "29.2.1980"}}, "/data/attributes/birthday", "not YYYY-MM-DD, or --MM-DD without the year"),
    ("customer.described", {"attributes": {"language": "thai!"}}, "/data/attributes/language", "not a language tag such as th or de-CH"),
    ("identity.linked", {"identifiers": ...}, "/data/identifiers", "required"),
    ("identity.linked", {"identifiers": CUSTOMER}, "/data/identifiers", "fewer than 2 items"),
    ("identity.linked", {"identifiers": CUSTOMER * 3}, "/data/identifiers", "more than 2 items"),
    ("consent.changed", {"granted": "yes"}, "/data/granted", "expected true or false, got a string"),
    ("feedback.recorded", {"score": 11}, "/data/score", "more than 10"),
    ("feedback.recorded", {"score": ...}, "/data/score", "required for `nps`"),
    ("feedback.recorded", {"scores": SCORES}, "/data/scores", "`nps` takes one `score`, not `scores`"),
    ("feedback.recorded", {"instrument": "csat", "score": 6}, "/data/score", "`csat` goes from 1 to 5"),
    ("feedback.recorded", {"instrument": "csat", "score": 0}, "/data/score", "`csat` goes from 1 to 5"),
    ("feedback.recorded", {"instrument": "servqual"}, "/data/score", "`servqual` takes `scores`, one for each dimension, not `score`"),
    ("feedback.recorded", {"instrument": "servqual", "score": ...}, "/data/scores", "required for `servqual`"),
    ("feedback.recorded", {"instrument": "servqual", "score": ..., "scores": {**SCORES, "empathy": 8}}, "/data/scores/empathy", "more than 7"),
    ("feedback.recorded", {"instrument": "servqual", "score": ..., "scores": {"empathy": 7}}, "/data/scores/reliability", "required"),
    ("feedback.recorded", {"expectations": SCORES}, "/data/expectations", "only `servqual` has them, not `nps`"),
    ("referral.made", {"referred": ...}, "/data/referred", "required"),
    ("referral.made", {"referred": []}, "/data/referred", "must not be empty"),
    ("loyalty.points_earned", {"points": 0}, "/data/points", "less than 1"),
    ("loyalty.points_earned", {"points": 10**30}, "/data/points", "more than 1000000000"),
    ("loyalty.points_earned", {"points": 1.0}, "/data/points", "expected a whole number, got a number with a fraction"),
    ("loyalty.points_adjusted", {"points": 0}, "/data/points", "an adjustment by 0 points changes nothing"),
    ("loyalty.hold_placed", {"expires_at": None}, "/data/expires_at", "expected a time in a string, got null"),
    ("complaint.opened", {"customer": ...}, "/data/customer", "required"),
    ("complaint.assigned", {"assignee": {}}, "/data/assignee", "names neither a `person` nor a `department`"),
    ("complaint.compensated", {"points": ...}, "/data/points", "required for the kind `points`"),
    ("complaint.compensated", {"amount": EURO}, "/data/amount", "give either `amount` or `points`, not both"),
    ("complaint.compensated", {"kind": "money"}, "/data/amount", "required for the kind `money`"),
    ("complaint.compensated", {"kind": "goods", "points": ...}, "/data/amount", "required, unless `points` is given"),
    ("task.created", {"assignee": ...}, "/data/assignee", "required"),
    ("task.completed", {"assignee": {"person": None}}, "/data/assignee", "names neither a `person` nor a `department`"),
]  # fmt: skip


@pytest.mark.parametrize(("event_type", "changes", "pointer", "reason"), WRONG)
def test_wrong_data_is_refused_with_a_pointer_and_a_reason_and_by_the_schema(
    event_type: str, changes: dict[str, Any], pointer: str, reason: str
) -> None:
    data = data_of(event_type, **changes)
    refused = refusal(event_type, data)
    assert (refused.code, refused.pointer) == ("schema_violation", pointer)
    path, _, rest = refused.detail.partition(": ")
    assert rest == reason
    assert path.replace("[", "/").replace("]", "").replace(".", "/") == pointer[1:].replace("~1", "/")
    beyond_schemas = changes in ({"attributes": {"birthday": "1981-02-29"}}, {"points": 1.0})
    assert schema_takes(event_type, data) == beyond_schemas


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        ("2030-01-01T00:00:00", "a time without an offset; end it in Z or +07:00"),
        ("2030-02-30T00:00:00Z", "not a time as RFC 3339 writes it, such as 2024-05-01T12:00:00Z"),
        ("tomorrow", "not a time as RFC 3339 writes it, such as 2024-05-01T12:00:00Z"),
        ("1899-12-31T23:59:59Z", "a time must lie between 1900 and 9999 in UTC"),
        ("0001-01-01T00:00:00+14:00", "a time must lie between 1900 and 9999 in UTC"),
        ("9999-12-31T23:59:59-14:00", "a time must lie between 1900 and 9999 in UTC"),
    ],
)
@pytest.mark.parametrize(
    ("event_type", "field"),
    [
        ("loyalty.hold_placed", "expires_at"),
        ("loyalty.points_earned", "expires_at"),
        ("loyalty.points_adjusted", "expires_at"),
        ("task.created", "due_at"),
        ("task.completed", "due_at"),
    ],
)
def test_a_time_needs_an_offset_and_a_place_in_history(
    event_type: str, field: str, time: str, reason: str
) -> None:
    refused = refusal(event_type, data_of(event_type, **{field: time}))
    assert (refused.detail, refused.pointer) == (f"data.{field}: {reason}", f"/data/{field}")


@pytest.mark.parametrize(
    "changes",
    [
        {"total": {"amount": "0.00", "currency": "USD"}},
        {"lines": [{"sku": "s", "quantity": "0.350", "unit_price": EURO}]},
        {"lines": [{"sku": "rebate", "quantity": 1, "unit_price": {"amount": "-3.00", "currency": "EUR"}}]},
        {"customer": [{"type": "cookie", "value": ""}]},
        {"staff": None},
    ],
)
def test_what_tills_send_every_day_is_taken(changes: dict[str, Any]) -> None:
    data = data_of("purchase.completed", **changes)
    assert (
        CATALOGUE.decode("purchase.completed", None, msgspec.json.encode(data)).TYPE == "purchase.completed"
    )
    assert schema_takes("purchase.completed", data)


def test_null_removes_an_attribute_and_an_absent_one_is_untouched() -> None:
    data = data_of("customer.described", attributes={"name": None, "birthday": "--02-29"})
    described: Any = CATALOGUE.decode("customer.described", 1, msgspec.json.encode(data))
    assert described.attributes.name is None
    assert described.attributes.birthday == "--02-29"
    assert described.attributes.address is msgspec.UNSET


def test_points_that_never_expire_are_told_from_points_that_expire_by_the_terms() -> None:
    never: Any = CATALOGUE.decode(
        "loyalty.points_earned", 1, msgspec.json.encode(data_of("loyalty.points_earned", expires_at=None))
    )
    by_terms: Any = CATALOGUE.decode(
        "loyalty.points_earned", 1, msgspec.json.encode(data_of("loyalty.points_earned"))
    )
    assert never.expires_at is None
    assert by_terms.expires_at is msgspec.UNSET
    assert b'"expires_at":null' in msgspec.json.encode(never)


def test_an_account_is_normalised_as_a_member_number() -> None:
    data: Any = CATALOGUE.decode(
        "loyalty.points_earned", 1, msgspec.json.encode(data_of("loyalty.points_earned", account_id="m-1 2"))
    )
    assert data.account_id == "M12"


@pytest.mark.parametrize("account_id", ["-1", "None", "0000", "--"])
def test_a_placeholder_is_no_account(account_id: str) -> None:
    refused = refusal("loyalty.points_earned", data_of("loyalty.points_earned", account_id=account_id))
    assert isinstance(refused, BadIdentifierError)
    assert refused.pointer == "/data/account_id"


@pytest.mark.parametrize(
    ("event_type", "data"),
    [
        ("segment.defined", {"segment_id": "s", "version": 1, "rule": {"score": "tier", "is": "A"}}),
        ("analytics.run_completed", {"run_id": "r", "as_of": "2026-01-01T00:00:00Z", "position": "0:1", "customers": 0, "parameters": {}}),
    ],
)  # fmt: skip
def test_what_is_about_nobody_names_nobody(event_type: str, data: dict[str, Any]) -> None:
    assert event_type == CATALOGUE.decode(event_type, None, msgspec.json.encode(data)).TYPE
    refused = refusal(event_type, {**data, "customer": CUSTOMER})
    assert refused.detail == "data.customer: events of this type are about nobody; leave it out"
    assert not schema_takes(event_type, {**data, "customer": CUSTOMER})


def test_an_unknown_type_is_refused() -> None:
    refused = refusal("purchase.dreamt_of", {})
    assert isinstance(refused, UnknownTypeError)
    assert (refused.code, refused.pointer) == ("unknown_type", "/type")


@pytest.mark.parametrize("version", [0, 2, -1, 10**9])
def test_an_unknown_version_is_refused_and_the_newest_named(version: int) -> None:
    refused = refusal("purchase.completed", data_of("purchase.completed"), version)
    assert isinstance(refused, UnknownVersionError)
    assert (refused.code, refused.pointer) == ("unknown_version", "/dataschema")
    assert refused.detail.endswith("the newest is 1")


@pytest.mark.parametrize(
    ("written", "reason", "pointer"),
    [
        (rb'{"account_id":"M1","programme":"a\u0000b"}', "a NUL character", "/data/programme"),
        (rb'{"account_id":"M1","programme":"a\ud800"}', "half of a surrogate pair", "/data/programme"),
        (rb'{"account_id":"M1","programme":"\udc00\ud800"}', "half of a surrogate pair", "/data/programme"),
        (rb'{"account_id":"M1","customer":[{"type":"member","value":"\ud800"}]}', "half of a surrogate pair", "/data/customer/0/value"),
        (b'{"account_id":"M1","programme":"\xff"}', "not UTF-8 at byte 32", "/data"),
        (b'{"account_id":"M1","programme":"\xed\xa0\x80"}', "not UTF-8 at byte 32", "/data"),
        (b'{"account_id":"M1",', "not valid JSON", "/data"),
        (b"[" * 100_000, "expected an object, got an array", "/data"),
        (b'{"account_id":' + b"[" * 100_000, "expected a string, got an array", "/data/account_id"),
        (b'{"account_id":"M1","programme":"x","nonsense":' + b"[" * 100_000, "unknown field", "/data/nonsense"),
        (b"", "not valid JSON", "/data"),
        (b"null", "expected an object, got null", "/data"),
    ],
)  # fmt: skip
def test_text_that_cannot_be_stored_or_read_is_refused_where_it_stands(
    written: bytes, reason: str, pointer: str
) -> None:
    with pytest.raises(SchemaViolationError) as refused:
        CATALOGUE.decode("loyalty.enrolled", None, written)
    assert refused.value.pointer == pointer
    assert refused.value.detail.split(": ", 1)[1].startswith(reason)


def test_a_backslash_before_u0000_is_text_like_any_other() -> None:
    data: Any = CATALOGUE.decode("loyalty.enrolled", None, rb'{"account_id":"M1","programme":"\\u0000"}')
    assert data.programme == "\\u0000"


@settings(max_examples=300)
@given(
    written=st.binary(max_size=200) | st.text(max_size=200).map(str.encode),
    event_type=st.sampled_from(sorted(VALID)),
)
def test_whatever_the_bytes_the_answer_is_an_event_or_a_refusal(written: bytes, event_type: str) -> None:
    with pytest.raises(EventRefusedError):
        CATALOGUE.decode(event_type, None, written)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@settings(max_examples=300, suppress_health_check=[HealthCheck.too_slow])
@given(posted=posted_events(), value=JSON, drawn=st.data())
def test_a_field_with_any_other_value_is_taken_or_refused_at_that_field(
    posted: dict[str, Any], value: Any, drawn: st.DataObject
) -> None:
    field = drawn.draw(st.sampled_from(sorted(posted["data"])))
    data = {**posted["data"], field: value}
    try:
        CATALOGUE.decode(posted["type"], None, msgspec.json.encode(data))
    except EventRefusedError as error:
        refused = error
    else:
        return
    assert refused.pointer.startswith("/data/")
    assert refused.detail.startswith("data.")
