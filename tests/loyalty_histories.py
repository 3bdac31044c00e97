"""Random histories of one loyalty account, under programmes drawn with them.

Ids, points, amounts and moments come from small pools, so that collisions are frequent: repeated and
conflicting ids, lots that expire when something happens, late events, borders of years and of summer time.
"""

from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from shared.codec import decode_record
from shared.envelope import RecordedEvent
from shared.events.data import EventData
from tests.strategies import CATALOGUE, record_of

JsonObject = dict[str, Any]


def _utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


MOMENTS = [
    _utc("2015-12-31T16:59:59"),
    _utc("2015-12-31T17:00:00"),  # the new year of Bangkok
    _utc("2015-12-31T23:00:00"),  # of Berlin
    _utc("2016-01-01T00:00:00"),
    _utc("2016-01-31T12:00:00"),
    _utc("2016-02-29T17:30:00"),  # a 1 March in Bangkok, a leap day elsewhere
    _utc("2016-03-01T00:00:00"),
    _utc("2016-03-26T23:30:00"),  # the day of Berlin's summer time has begun
    _utc("2016-03-31T21:59:59"),
    _utc("2016-03-31T22:00:00"),  # Amman's summer time begins: its 1 April has no 00:00
    _utc("2016-04-30T16:59:59"),
    _utc("2016-04-30T17:00:00"),
    _utc("2016-06-30T22:00:00"),
    _utc("2016-10-27T22:00:00"),  # Amman's summer time ends at its midnight
    _utc("2016-10-31T23:00:00"),
    _utc("2016-12-31T16:59:59"),
    _utc("2016-12-31T17:00:00"),
    _utc("2016-12-31T22:00:00"),
    _utc("2016-12-31T23:00:00"),
    _utc("2017-01-31T20:00:00"),
    _utc("2017-12-31T17:00:00"),
    _utc("2017-12-31T23:00:00"),
]
LONG_BEFORE, LONG_AFTER = _utc("2010-01-01T00:00:00"), _utc("2040-01-01T00:00:00")

ACCOUNT = "m-1"
MEMBER = {"type": "member", "value": "M 1"}


@dataclass(frozen=True)
class History:
    """One account's events in log order, the programmes they meet, and times at which to read it."""

    programmes: str
    events: tuple[RecordedEvent[EventData], ...]
    times: tuple[datetime, ...] = ()

    def __repr__(self) -> str:
        """As it is told when a comparison fails."""
        events = (
            f"  {each.offset:>2} {each.time.isoformat()} {each.id:>4} {each.type} {bytes(each.record.data).decode()}"
            for each in self.events
        )
        times = "read at " + ", ".join(time.isoformat() for time in self.times)
        return "\n".join(["", self.programmes, *events, times])

    def without(self, place: int) -> "History":
        """The history without the event at a place in it."""
        return replace(self, events=self.events[:place] + self.events[place + 1 :])


# Programmes

_ZONES = ["Asia/Bangkok", "Europe/Berlin", "Asia/Amman", "America/New_York"]
_TIERS = [["silver", "gold"], ["silver", "gold"], ["gold"], ["bronze", "silver"], []]
_THRESHOLDS = [[50, 100], [30, 200], [100, 150]]
_MULTIPLIERS = [["1.25", "1.5"], ["1", "2"], ["1.1", "1.333"]]
_LATER_TERMS = [[], [], ["2016-03-01"], ["2016-04-01", "2017-01-01"]]


def programmes_file(random: Random) -> str:
    """Two programmes, `circle` and `square`, either of them the default."""
    default = random.choice(["circle", "square"])
    return "\n".join(
        [f'default_programme = "{default}"', _programme(random, "circle"), _programme(random, "square")]
    )


def _programme(random: Random, name: str) -> str:
    first_terms = random.choice(["1990-01-01"] * 9 + ["2016-01-01"])
    return "\n".join(
        [
            f"[programme.{name}]",
            f'timezone = "{random.choice(_ZONES)}"',
            f'currency = "{random.choice(["EUR"] * 5 + ["USD"])}"',
            *(_terms(random, name, start) for start in [first_terms, *random.choice(_LATER_TERMS)]),
        ]
    )


def _terms(random: Random, name: str, effective_from: str) -> str:
    names, thresholds = random.choice(_TIERS), random.choice(_THRESHOLDS)
    tiers = [
        f'{{ name = "{tier}", threshold = {threshold}, multiplier = "{multiplier}" }}'
        for tier, threshold, multiplier in zip(names, thresholds, random.choice(_MULTIPLIERS), strict=False)
    ]
    return "\n".join(
        [
            f"[[programme.{name}.terms]]",
            f"effective_from = {effective_from}",
            f'points_per_unit = "{random.choice(["1", "1", "2.5", "0.333", "0.1", "0.000333"])}"',
            f"validity_months = {random.choice([12, 1, 1, 2, 0])}",
            f'clawback = "{random.choice(["clamp", "allow_negative"])}"',
            f"tiers = [{', '.join(tiers)}]",
        ]
    )


# Events

_FREQUENCIES = {
    "purchase.completed": 4,
    "purchase.refunded": 2,
    "loyalty.enrolled": 1,
    "loyalty.points_earned": 6,
    "loyalty.points_adjusted": 3,
    "loyalty.redemption_requested": 4,
    "loyalty.redemption_cancelled": 1,
    "loyalty.hold_placed": 4,
    "loyalty.hold_captured": 1,
    "loyalty.hold_released": 1,
}
_SEQUELS = {
    "purchase.completed": ("order_id", ["purchase.refunded"]),
    "loyalty.redemption_requested": ("redemption_id", ["loyalty.redemption_cancelled"]),
    "loyalty.hold_placed": ("hold_id", ["loyalty.hold_captured"] * 3 + ["loyalty.hold_released"]),
}
"""What may follow some places later and name the same order, redemption or hold."""

_STEPS = [0, 0, 1, 1, 1, 2, 4, -1, -5]
"""How far the moment of an event lies after that of its predecessor in the log; late ones before it."""

_AHEAD = [1, 2, 3, 3, 6, 6, 0, -1]
"""How many moments an expiry lies after its event."""

_GRANTS = [1, 30, 50, 100, 100]
_SPENT = [1, 20, 30, 50, 100]
_CAPTURED = [1, 10, 20, 30, 50]
_TOTALS = ["0", "0.99", "9.9999", "10.00", "30", "99.99", "100.00", "100", "123456789012345.6789"]
_REFUNDS = ["0.01", "1.00", "5.00", "10.00", "33.33", "100.00", "123456789.0123"]


def event(
    kind: str, data: JsonObject, time: datetime, event_id: str, offset: int
) -> RecordedEvent[EventData]:
    """An event as projections see it, of the data of a posted one. Each offset has a source of its own."""
    posted = {
        "specversion": "1.0",
        "id": event_id,
        "source": f"/store/bkk-01/pos-{offset}",
        "type": kind,
        "time": time.isoformat(),
        "channel": "store",
        "data": data,
    }
    return decode_record(record_of(posted, offset=offset), CATALOGUE)


@dataclass(frozen=True)
class _Occurrence:
    """An event to be: it is made when its place in the log and its moment are known."""

    kind: str
    data: JsonObject
    step: int


def random_history(random: Random, max_size: int = 30) -> History:
    """A history with a few times to read it at: long before, just before, at and long after moments in it."""
    told = _told(random, random.randint(1, max_size))
    moment = random.randrange(len(MOMENTS) // 2)
    events = []
    for offset, occurrence in enumerate(told):
        moment = _within(moment + occurrence.step)
        data = _with_expiry(random, occurrence.data, moment)
        # Where each till counts its events by itself, ids meet: they are unique in their source alone.
        event_id = random.choice(["a1", f"a{offset}", f"b{offset}", f"a{offset}", f"b{offset}"])
        events.append(event(occurrence.kind, data, MOMENTS[moment], event_id, offset))
    some = random.sample(MOMENTS, 3)
    times = (LONG_BEFORE, *some, some[0] - timedelta(microseconds=1), events[-1].time, LONG_AFTER)
    return History(programmes_file(random), tuple(events), times)


def _told(random: Random, size: int) -> list[_Occurrence]:
    kinds, weights = list(_FREQUENCIES), list(_FREQUENCIES.values())
    ids = max(3, size // 8)
    told: list[_Occurrence] = []
    if random.random() < 0.3:
        told.append(_Occurrence("loyalty.enrolled", _data(random, "loyalty.enrolled", ids), 0))
    for kind in random.choices(kinds, weights, k=size):
        occurrence = _Occurrence(kind, _data(random, kind, ids), _step(random, size))
        told.insert(len(told) - random.choice([0, 0, 0, 1]) if told else 0, occurrence)
        if kind in _SEQUELS and random.random() < 0.5:
            name, sequels = _SEQUELS[kind]
            sequel = random.choice(sequels)
            data = _data(random, sequel, ids) | {name: occurrence.data[name]}
            told.append(_Occurrence(sequel, data, _step(random, size)))
    return told[:size]


def _step(random: Random, size: int) -> int:
    """Long histories walk through the moments more slowly than short ones."""
    return random.choice(_STEPS) if random.random() < len(MOMENTS) / size else 0


def _data(random: Random, kind: str, ids: int) -> JsonObject:
    """The data of an event, with one of so many ids; an expiry is still the number of moments it lies ahead."""
    whose: JsonObject = {"account_id": ACCOUNT}
    if kind.startswith("purchase."):
        email = {"type": "email", "value": "guest@example.org"}
        another = {"type": "member", "value": "M2"}
        whose = {"customer": random.choice([[MEMBER]] * 9 + [[email, MEMBER], [MEMBER, another], [email]])}
    return whose | _fields(random, kind, ids)


def _fields(random: Random, kind: str, ids: int) -> JsonObject:  # noqa: PLR0911 - one return a kind of event
    redemption = {"redemption_id": f"red-{random.randint(1, ids)}"}
    hold = {"hold_id": f"h-{random.randint(1, ids)}"}
    order = {"order_id": f"o-{random.randint(1, ids)}"}
    match kind.partition(".")[2]:
        case "completed":
            return order | {"total": _amount(random, _TOTALS), "lines": []}
        case "refunded":
            refund = {"refund_id": f"r-{random.randint(1, ids + 1)}", "amount": _amount(random, _REFUNDS)}
            return order | refund | _perhaps(random, reason="torn")
        case "enrolled":
            return {"programme": random.choice(["circle", "circle", "square", "triangle"])} | _partner(random)
        case "points_earned":
            granted = {"points": random.choice(_GRANTS), "reason": "welcome"}
            qualifying = _perhaps(random, qualifying=random.choice([True, False]))
            return granted | qualifying | _expiry(random) | _partner(random) | _perhaps(random, **order)
        case "points_adjusted":
            points = random.choice([random.choice(_GRANTS), -random.choice(_SPENT)])
            return {"points": points, "reason": "counted anew", "actor": "s-17"} | _expiry(random)
        case "redemption_requested":
            return redemption | {"points": random.choice(_SPENT), "reward": "mug"} | _partner(random)
        case "redemption_cancelled":
            return redemption | {"reason": "broken"}
        case "hold_placed":
            return hold | {"points": random.choice(_SPENT), "expires_at": random.choice(_AHEAD)}
        case "hold_captured":
            return hold | {"points": random.choice(_CAPTURED), "reward": "dinner"}
        case _:
            return hold


def _amount(random: Random, amounts: list[str]) -> JsonObject:
    return {"amount": random.choice(amounts), "currency": random.choice(["EUR"] * 9 + ["USD"])}


def _partner(random: Random) -> JsonObject:
    return _perhaps(random, partner=random.choice(["bakery", "cinema", None]))


def _expiry(random: Random) -> JsonObject:
    return _perhaps(random, expires_at=random.choice([*_AHEAD, None]))


def _perhaps(random: Random, **fields: Any) -> JsonObject:
    return random.choice([fields, {}])


def _within(moment: int) -> int:
    return max(0, min(moment, len(MOMENTS) - 1))


def _with_expiry(random: Random, data: JsonObject, moment: int) -> JsonObject:
    """The data with its expiry, if any, as a time, written with the offset of some place."""
    if data.get("expires_at") is None:
        return data
    place = timezone(timedelta(hours=random.choice([0, 7, -5])))
    return data | {"expires_at": MOMENTS[_within(moment + data["expires_at"])].astimezone(place).isoformat()}
