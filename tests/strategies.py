"""Hypothesis strategies for valid events of every type, derived from the catalogue itself.

Bounds are kept well below the catalogue's where only size would grow. Whatever is drawn is accepted by
ingest.
"""

from datetime import UTC, datetime, timedelta, timezone
from functools import cache
from typing import Any, get_args

import msgspec
from hypothesis import strategies as st
from msgspec import UNSET, inspect

from shared.codec import FieldCipher, NoCipher, decode_record, encode_value, stream_key
from shared.envelope import RecordedEvent, RecordedIdentifier
from shared.events import EVENT_CLASSES
from shared.events.catalogue import Catalogue
from shared.events.complaint import ComplaintCompensated
from shared.events.customer import BIRTHDAY_PATTERN, LANGUAGE_PATTERN
from shared.events.data import LOCATION_PATTERN, EventData
from shared.events.feedback import SCORE_RANGES, FeedbackRecorded
from shared.events.identity import IdentityLinked
from shared.events.loyalty import LoyaltyPointsAdjusted
from shared.events.referral import ReferralMade
from shared.events.segment import SegmentDefined
from shared.events.vocabulary import (
    CURRENCY_PATTERN,
    DECIMAL_PATTERN,
    NOT_NEGATIVE_PATTERN,
    POSITIVE_PATTERN,
    Channel,
)
from shared.identifiers import PartyIds, recorded_identifiers, recorded_link, recorded_referred
from shared.log.partitioning import partition_of
from shared.log.port import StoredRecord
from shared.posted import read_posted

JsonObject = dict[str, Any]

CATALOGUE = Catalogue()
PARTY_IDS = PartyIds("a pepper for tests alone")
PHONE_REGION = "DE"
RECORDED_TIME = datetime(2024, 5, 1, 12, tzinfo=UTC)

_LONGEST_TEXT = 40
_MOST_ITEMS = 4


@cache
def texts(min_size: int = 0, max_size: int = _LONGEST_TEXT) -> st.SearchStrategy[str]:
    """Texts that storage can hold: any characters but NUL and surrogates."""
    alphabet = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
    return st.text(alphabet, min_size=min_size, max_size=max_size)


@cache
def times() -> st.SearchStrategy[datetime]:
    """Aware times whose UTC form lies between 1900 and 9999, with offsets of all the world."""
    offsets = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
    return st.datetimes(datetime(1900, 1, 2), datetime(9999, 12, 30), timezones=offsets)  # noqa: DTZ001


@cache
def identifiers() -> st.SearchStrategy[JsonObject]:
    """Identifiers as channel systems write them, none of them a placeholder."""
    names = st.text("abcdefghijklmnopqrstuvwxyz", min_size=1, max_size=8)
    members = st.integers(1, 10**9).map(lambda number: f"M {number}-7")
    phones = st.integers(10**6, 10**7 - 1).map(lambda number: f"030 / {number}")
    values = {
        "member": members,
        "account": members,
        "email": names.map(lambda name: f"{name}@Example.org"),
        "phone": phones,
        "external": names.map("crm-{}".format),
        "device": names.map("device-{}".format),
        "cookie": names.map("cookie-{}".format),
    }
    return st.one_of(
        [st.fixed_dictionaries({"type": st.just(kind), "value": values[kind]}) for kind in sorted(values)]
    )


@cache
def posted_data(event_class: type[EventData]) -> st.SearchStrategy[JsonObject]:
    """Valid `data` of an event class, as JSON."""
    data = _struct(inspect.type_info(event_class))
    customers = st.lists(identifiers(), min_size=1, max_size=3)
    if not event_class.CUSTOMER_ALLOWED:
        about_nobody = data.map(lambda drawn: {key: drawn[key] for key in drawn if key != "customer"})
        if event_class is SegmentDefined:
            return st.builds(lambda drawn, rule: {**drawn, "rule": rule}, about_nobody, segment_rules())
        return about_nobody
    if event_class.CUSTOMER_REQUIRED:
        data = st.builds(lambda drawn, customer: {**drawn, "customer": customer}, data, customers)
    else:
        data = st.builds(
            lambda drawn, customer: {**{key: drawn[key] for key in drawn if key != "customer"}, **customer},
            data,
            st.fixed_dictionaries({}, optional={"customer": customers}),
        )
    return _within_rules(event_class, data)


_CONDITIONS: list[JsonObject] = [
    {"score": "tier", "in": ["VIP", "A"]},
    {"score": "lifecycle", "is": "mature"},
    {"score": "p_alive", "at_least": 0.25, "below": "0.75"},
    {"score": "purchase_days", "above": 1},
    {"score": "usual_gap_days", "known": False},
    {"score": "last_purchase", "since": {"ago": {"months": 6, "days": 1}}},
    {"score": "silent_from", "before": {"ahead": {"weeks": 2}}},
    {"profile": "language", "is": "th"},
    {"profile": "tags", "has": "tea"},
    {"consent": "marketing", "is": True},
    {"consent": "marketing", "channel": "email", "known": True},
]


@cache
def segment_rules() -> st.SearchStrategy[JsonObject]:
    """Valid rules of segments that name no personal data, three deep at most."""
    conditions = st.sampled_from(_CONDITIONS)
    joined = _joined(st.one_of(conditions, _joined(conditions)))
    return st.one_of(conditions, joined)


def _joined(rules: st.SearchStrategy[JsonObject]) -> st.SearchStrategy[JsonObject]:
    several = st.lists(rules, min_size=1, max_size=3, unique_by=str)
    return st.one_of(
        several.map(lambda given: {"any": given}),
        rules.map(lambda given: {"not": given}),
        rules.map(lambda given: {"all": [given]}),
        st.tuples(rules, rules).map(lambda given: {"all": [{"any": [given[0]]}, {"not": given[1]}]}),
    )


def _within_rules(
    event_class: type[EventData], data: st.SearchStrategy[JsonObject]
) -> st.SearchStrategy[JsonObject]:
    """What also keeps the rules that join several fields."""
    if event_class is FeedbackRecorded:
        return data.flatmap(_with_answer)
    if event_class is ComplaintCompensated:
        return data.flatmap(_with_compensation)
    if event_class is IdentityLinked:
        pairs = st.lists(identifiers(), min_size=2, max_size=2, unique_by=lambda each: each["value"])
        return st.builds(lambda drawn, pair: {**drawn, "identifiers": pair}, data, pairs)
    if event_class is ReferralMade:
        named = st.lists(identifiers(), min_size=1, max_size=3)
        return st.builds(lambda drawn, referred: {**drawn, "referred": referred}, data, named)
    if event_class is LoyaltyPointsAdjusted:
        return data.filter(lambda drawn: drawn["points"] != 0)
    return data


_SOURCES = ["/store/bkk-01/pos-3", "https://shop.example/web", "urn:crm"]


@cache
def _envelopes(event_class: type[EventData]) -> st.SearchStrategy[JsonObject]:
    required = {
        "specversion": st.just("1.0"),
        "id": texts(1),
        "source": st.just(event_class.SOURCE) if event_class.SOURCE else st.sampled_from(_SOURCES),
        "type": st.just(event_class.TYPE),
        "time": times().map(datetime.isoformat),
        "channel": st.sampled_from(get_args(Channel)),
        "data": posted_data(event_class),
    }
    optional = {
        "dataschema": st.just(f"urn:rapport:{event_class.TYPE}:{event_class.VERSION}"),
        "sentat": times().map(datetime.isoformat),
        "traceparent": st.just("00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        "causeid": texts(1),
    }
    return st.fixed_dictionaries(required, optional=optional)


@cache
def posted_events(*classes: type[EventData]) -> st.SearchStrategy[JsonObject]:
    """Valid events as channel systems post them, of the classes given or of every type; JSON objects."""
    return st.sampled_from(classes or EVENT_CLASSES).flatmap(_envelopes)


def record_of(
    posted: JsonObject, *, partition: int = 0, offset: int = 0, cipher: FieldCipher | None = None
) -> StoredRecord:
    """The log record that ingest makes of a posted event; its personal data stay plain without a `cipher`."""
    envelope = read_posted(msgspec.json.encode(posted))
    data = CATALOGUE.decode(envelope.type, None, envelope.data)
    named = () if data.customer is UNSET else data.customer
    customer = recorded_identifiers(named, PHONE_REGION, PARTY_IDS)
    linked: tuple[RecordedIdentifier, ...] = ()
    if isinstance(data, IdentityLinked) and data.identifiers is not UNSET:
        linked = recorded_link(data.identifiers, PHONE_REGION, PARTY_IDS)
    if isinstance(data, ReferralMade):
        linked = recorded_referred(data, PHONE_REGION, PARTY_IDS)
    value = encode_value(
        envelope,
        data,
        version=data.VERSION,
        channel=envelope.channel or "web",
        customer=customer,
        recorded_time=RECORDED_TIME,
        cipher=cipher or NoCipher(),
        linked=linked,
    )
    key = stream_key(data, customer, PARTY_IDS)
    return StoredRecord(partition, offset, key.encode(), value)


def recorded_events(*classes: type[EventData]) -> st.SearchStrategy[RecordedEvent[EventData]]:
    """Valid events as projections see them, of the classes given or of every type; each at partition 0,
    offset 0.
    """
    return posted_events(*classes).map(lambda posted: decode_record(record_of(posted), CATALOGUE))


_SHARED = (
    "account_id",
    "complaint_id",
    "task_id",
    "order_id",
    "refund_id",
    "redemption_id",
    "hold_id",
    "link_id",
    "segment_id",
    "run_id",
)
_FEW = st.sampled_from(["A1", "B2"])
_FEW_MEMBERS = st.sampled_from(["M1", "M2"])

_SOMETIMES = st.booleans()
_FEW_PROMISES = st.sampled_from(["0", "1.50", "99999.00"])

_FEW_IDENTIFIERS = st.sampled_from(
    [
        {"type": "member", "value": "M3"},
        {"type": "email", "value": "anna@example.org"},
        {"type": "phone", "value": "030 1234567"},
        {"type": "device", "value": "kiosk"},
        {"type": "cookie", "value": "c-1"},
    ]
)
_FEW_OTHERS = st.lists(_FEW_IDENTIFIERS, max_size=2)
_FEW_PAIRS = st.lists(_FEW_IDENTIFIERS, min_size=2, max_size=2, unique_by=str)


@st.composite
def related_events(draw: st.DrawFn, *classes: type[EventData]) -> JsonObject:
    """Valid posted events that happen to few customers, accounts and cases, so that several meet in one row.

    What some views keep alone is drawn more often than chance would: visits, outreaches, and prices that were promised.
    """
    posted = draw(posted_events(*classes))
    data: JsonObject = posted["data"]
    same: JsonObject = {name: draw(_FEW) for name in _SHARED if data.get(name) is not None}
    if data.get("customer"):
        others = draw(_FEW_OTHERS) if draw(_SOMETIMES) else []
        same["customer"] = [{"type": "member", "value": draw(_FEW_MEMBERS)}, *others]
    if data.get("identifiers"):
        same["identifiers"] = draw(_FEW_PAIRS)
    if posted["type"] == "interaction.recorded" and draw(_SOMETIMES):
        same["kind"] = "visit"
    if posted["type"] == "interaction.recorded" and draw(_SOMETIMES):
        same |= {"direction": "outbound", "category": "marketing", "details": {"campaign": draw(_FEW)}}
    if posted["type"] == "purchase.completed" and draw(_SOMETIMES):
        same["promised_total"] = {**data["total"], "amount": draw(_FEW_PROMISES)}
    return {**posted, "data": {**data, **same}}


@st.composite
def event_streams(
    draw: st.DrawFn, *classes: type[EventData], min_size: int = 0, max_size: int = 12, partitions: int = 3
) -> list[RecordedEvent[EventData]]:
    """Related events as a projection reads them: each in the partition of its key, at the next offset there."""
    posted = draw(st.lists(related_events(*classes), min_size=min_size, max_size=max_size))
    ends = [0] * partitions
    stream = []
    for each in posted:
        record = record_of(each)
        partition = partition_of(record.key or b"", partitions)
        stream.append(decode_record(record._replace(partition=partition, offset=ends[partition]), CATALOGUE))
        ends[partition] += 1
    return stream


def _with_answer(drawn: JsonObject) -> st.SearchStrategy[JsonObject]:
    without = {key: value for key, value in drawn.items() if key not in ("score", "scores", "expectations")}
    if drawn["instrument"] == "servqual":
        dimensions = ("reliability", "tangibles", "responsiveness", "assurance", "empathy")
        scores = st.fixed_dictionaries(dict.fromkeys(dimensions, st.integers(1, 7)))
        return st.builds(
            lambda given, expected: {**without, "scores": given, **expected},
            scores,
            st.fixed_dictionaries({}, optional={"expectations": scores}),
        )
    least, greatest = SCORE_RANGES[drawn["instrument"]]
    return st.integers(least, greatest).map(lambda given: {**without, "score": given})


def _with_compensation(drawn: JsonObject) -> st.SearchStrategy[JsonObject]:
    without = {key: value for key, value in drawn.items() if key not in ("amount", "points")}
    points = st.integers(1, 10**6).map(lambda given: {**without, "points": given})
    amount = st.integers(1, 10**6).map(
        lambda cents: {**without, "amount": {"amount": f"{cents / 100:.2f}", "currency": "EUR"}}
    )
    return {"points": points, "money": amount}.get(drawn["kind"], points | amount)


def _struct(declared: inspect.Type) -> st.SearchStrategy[JsonObject]:
    assert isinstance(declared, inspect.StructType)
    fields = {field.encode_name: _value(field.type) for field in declared.fields if field.required}
    optional = {
        field.encode_name: _value(field.type)
        for field in declared.fields
        if not field.required and field.encode_name != "account_id"
    }
    if "account_id" in fields:
        fields["account_id"] = st.integers(1, 10**9).map(lambda number: f"m-{number}")
    structs = st.fixed_dictionaries(fields, optional=optional)
    if declared.cls.__name__ == "CustomerAttributes":
        return structs.filter(bool)
    if declared.cls.__name__ == "Assignee":
        return structs.filter(lambda drawn: any(drawn.values()))
    return structs


def _value(declared: inspect.Type) -> st.SearchStrategy[Any]:  # noqa: C901, PLR0911, PLR0912 - one case a kind of type
    match declared:
        case inspect.Metadata():
            return _value(declared.type)
        case inspect.UnionType():
            return st.one_of([_value(each) for each in declared.types])
        case inspect.NoneType():
            return st.none()
        case inspect.BoolType():
            return st.booleans()
        case inspect.AnyType():
            return _JSON_VALUES
        case inspect.FloatType():
            return st.floats(allow_nan=False, allow_infinity=False)
        case inspect.IntType():
            return st.integers(declared.ge, declared.le)
        case inspect.StrType():
            return _text(declared)
        case inspect.DateTimeType():
            return times().map(datetime.isoformat)
        case inspect.LiteralType():
            return st.sampled_from(declared.values)
        case inspect.VarTupleType():
            return st.lists(
                _value(declared.item_type), min_size=declared.min_length or 0, max_size=_MOST_ITEMS
            )
        case inspect.DictType():
            return st.dictionaries(
                _value(declared.key_type), _value(declared.value_type), max_size=_MOST_ITEMS
            )
        case inspect.StructType(cls=cls) if cls.__name__ == "Identifier":
            return identifiers()
        case inspect.StructType():
            return _struct(declared)
        case _:
            raise TypeError(f"no strategy for {declared}")


def _text(declared: inspect.StrType) -> st.SearchStrategy[str]:
    if declared.pattern is not None:
        return _PATTERNED[declared.pattern]
    most = _LONGEST_TEXT if declared.max_length is None else min(declared.max_length, _LONGEST_TEXT)
    return texts(declared.min_length or 0, most)


def _decimals(least: int) -> st.SearchStrategy[str]:
    return st.integers(least, 10**9).flatmap(
        lambda digits: st.sampled_from([f"{digits}", f"{digits}.5", f"{digits}.00", f"{digits}.1234"])
    )


_JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | texts(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(texts(1, 8), inner, max_size=2),
    max_leaves=4,
)


_PATTERNED: dict[str, st.SearchStrategy[str]] = {
    DECIMAL_PATTERN: _decimals(-(10**9)),
    NOT_NEGATIVE_PATTERN: _decimals(0),
    POSITIVE_PATTERN: _decimals(1),
    CURRENCY_PATTERN: st.sampled_from(["EUR", "THB", "USD", "JPY"]),
    LOCATION_PATTERN: st.sampled_from(["hq", "hq/guangdong/gz-03", "hq/鼓楼/01"]),
    LANGUAGE_PATTERN: st.sampled_from(["th", "de-CH", "zh-Hans-CN"]),
    BIRTHDAY_PATTERN: st.dates().map(lambda day: day.isoformat())
    | st.sampled_from(["--02-29", "1980-02-29"]),
}
