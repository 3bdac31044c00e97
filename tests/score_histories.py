"""What customers may have done, as events, and a plain fold of it to what their scores are computed from."""

from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from hypothesis import strategies as st

from services.projections.analytics.inputs import CategorySpend, Satisfaction, ScoreInputs
from services.projections.analytics.purchase_days import PurchaseDay
from tests.projecting import purchase
from tests.strategies import JsonObject

MEMBERS: Final = ("M1", "M2", "M3")
ZONE: Final = "Asia/Bangkok"
_BEGIN: Final = datetime(2023, 5, 1, 3, tzinfo=UTC)
TIMES: Final = tuple(_BEGIN + timedelta(hours=each) for each in (0, 7, 14, 21, 700, 8700, 8784, 8785, 8799))
"""Some on one day in the zone and not in UTC, and some a year apart."""
_ORDERS: Final = ("o-1", "o-2")
_AMOUNTS: Final = ("0", "0.0001", "10", "12.50", "999999999999999.9999")
_CURRENCIES: Final = ("EUR", "EUR", "EUR", "JPY", "USD")


def customer(*members: str) -> list[JsonObject]:
    """Members as events name a customer."""
    return [{"type": "member", "value": member} for member in members]


@st.composite
def score_histories(draw: st.DrawFn) -> list[JsonObject]:
    """Events of three members: some speak again of one order or refund, some happen at one time."""
    events: list[JsonObject] = []
    for number in range(draw(st.integers(1, 16))):
        kind = draw(st.sampled_from([*_KINDS, *_OFTEN, *_OFTEN]))
        data = {"customer": customer(draw(st.sampled_from(MEMBERS))), **_KINDS[kind](draw)}
        events.append({**purchase(1, id=f"e{number}", type=kind, data=data), "time": _at(draw)})
    return [*events, *draw(_cases())]


def _at(draw: st.DrawFn) -> str:
    return draw(st.sampled_from(TIMES)).isoformat()


def _money(draw: st.DrawFn, amounts: Sequence[str] = _AMOUNTS) -> JsonObject:
    return {"amount": draw(st.sampled_from(amounts)), "currency": draw(st.sampled_from(_CURRENCIES))}


def _bought(draw: st.DrawFn) -> JsonObject:
    total = _money(draw)
    lines = [
        {
            "sku": "s", "quantity": draw(st.sampled_from([1, "0.350"])), "category": category,
            "unit_price": {"amount": draw(st.sampled_from(["-1.50", "2", "7.25"])), "currency": total["currency"]},
        }
        for category in draw(st.lists(st.sampled_from(["food", "wine"]), max_size=3))
    ]  # fmt: skip
    coupons = draw(st.sampled_from([[], ["SUMMER"]]))
    return {
        "order_id": draw(st.sampled_from(_ORDERS)),
        "total": total,
        "lines": lines,
        "coupons": coupons,
    }


def _refunded(draw: st.DrawFn) -> JsonObject:
    return {
        "order_id": draw(st.sampled_from(_ORDERS)),
        "refund_id": draw(st.sampled_from(["r-1", "r-2"])),
        "amount": _money(draw, _AMOUNTS[1:]),
    }


def _answered(draw: st.DrawFn) -> JsonObject:
    instrument = draw(st.sampled_from(["nps", "csat", "servqual"]))
    if instrument != "servqual":
        return {"instrument": instrument, "score": draw(st.integers(1, 5))}
    names = ("reliability", "tangibles", "responsiveness", "assurance", "empathy")
    return {"instrument": instrument, "scores": {name: draw(st.integers(5, 7)) for name in names}}


_KINDS: Final[dict[str, Callable[[st.DrawFn], JsonObject]]] = {
    "purchase.completed": _bought,
    "purchase.refunded": _refunded,
    "feedback.recorded": _answered,
    "referral.made": lambda _: {"referred": customer("M9")},
    "relationship.ended": lambda _: {"reason": "moved away"},
}
_OFTEN: Final = ("purchase.completed", "purchase.refunded")


@st.composite
def _cases(draw: st.DrawFn) -> list[JsonObject]:
    """A complaint that goes on as long as drawn, each of its events later than the one before."""
    steps: list[tuple[str, JsonObject]] = [
        ("opened", {"customer": customer(draw(st.sampled_from(MEMBERS))), "summary": "cold",
                    "cause": "quality_below_expectation", "severity": "normal"}),
        ("resolved", {"resolution": draw(st.sampled_from(["rejected", "apology"])), "staff": "s-1"}),
        ("reopened", {"reason": "it is not so"}),
        ("resolved", {"resolution": "apology", "staff": "s-1"}),
        ("closed", {}),
    ]  # fmt: skip
    count = draw(st.sampled_from([0, 2, 3, 4, 5]))
    times = sorted(draw(st.lists(st.sampled_from(TIMES), min_size=count, max_size=count, unique=True)))
    return [
        {
            **purchase(1, id=f"c{number}", type=f"complaint.{kind}", data={"complaint_id": "C-1", **data}),
            "time": time.isoformat(),
        }
        for number, ((kind, data), time) in enumerate(zip(steps, times, strict=False))
    ]


class _Order(NamedTuple):
    time: datetime
    data: JsonObject
    refunded: Decimal

    @property
    def total(self) -> Decimal:
        return Decimal(self.data["total"]["amount"])

    @property
    def stands(self) -> bool:
        return not (self.total > 0 and self.refunded >= self.total)


def fold(events: Iterable[JsonObject], members: Sequence[str], as_of: datetime) -> ScoreInputs:
    """The inputs of a customer who is these members, from the events that happened up to a time and no others."""
    known = sorted(
        (each for each in events if _time(each) <= as_of), key=lambda each: (_time(each), each["id"])
    )
    cases = [each for each in known if each["type"].startswith("complaint.")]
    if not cases or cases[0]["data"]["customer"][0]["value"] not in members:
        cases = []
    own = [each for each in known if each["data"].get("customer", [{"value": None}])[0]["value"] in members]
    orders = [each for each in _orders(own) if each.stands]
    ended = [_day(each) for each in own if each["type"] == "relationship.ended"]
    kinds = [each["type"].removeprefix("complaint.") for each in cases]
    return ScoreInputs(
        days=_days(orders),
        orders=len(orders),
        orders_with_coupon=sum(bool(each.data["coupons"]) for each in orders),
        categories=_spend(orders),
        satisfaction=_satisfaction(own, as_of),
        complained="reopened" in kinds or any(each["data"].get("resolution") == "rejected" for each in cases),
        has_open_complaint=bool(kinds) and kinds[-1] in ("opened", "reopened"),
        referrals=sum(each["type"] == "referral.made" for each in own),
        ended_on=max(ended, default=None),
    )


def _time(event: JsonObject) -> datetime:
    return datetime.fromisoformat(event["time"])


def _day(event: JsonObject) -> Any:
    return _time(event).astimezone(ZoneInfo(ZONE)).date()


def _orders(own: Sequence[JsonObject]) -> list[_Order]:
    first: dict[str, JsonObject] = {}
    refunds: dict[tuple[str, str], JsonObject] = {}
    for event in own:
        data = event["data"]
        if event["type"] == "purchase.completed":
            first.setdefault(data["order_id"], event)
        elif event["type"] == "purchase.refunded":
            refunds.setdefault((data["order_id"], data["refund_id"]), data["amount"])
    return [
        _Order(
            _time(event),
            event["data"],
            sum(
                (
                    Decimal(amount["amount"])
                    for (of, _), amount in refunds.items()
                    if of == order_id and amount["currency"] == event["data"]["total"]["currency"]
                ),
                Decimal(0),
            ),
        )
        for order_id, event in first.items()
    ]


def _days(orders: Sequence[_Order]) -> list[PurchaseDay]:
    days: dict[Any, list[_Order]] = {}
    for order in orders:
        days.setdefault(order.time.astimezone(ZoneInfo(ZONE)).date(), []).append(order)
    told = []
    for day in sorted(days):
        net: dict[str, Decimal] = {}
        for order in days[day]:
            currency = order.data["total"]["currency"]
            net[currency] = net.get(currency, Decimal(0)) + order.total - order.refunded
        told.append(PurchaseDay(day, len(days[day]), net))
    return told


def _spend(orders: Sequence[_Order]) -> list[CategorySpend]:
    spent: dict[tuple[str, str], dict[int, Decimal]] = {}
    for number, order in enumerate(orders):
        for line in order.data["lines"]:
            amount = Decimal(line["quantity"]) * Decimal(line["unit_price"]["amount"])
            by_order = spent.setdefault((line["category"], line["unit_price"]["currency"]), {})
            by_order[number] = by_order.get(number, Decimal(0)) + amount
    return [
        CategorySpend(category, currency, sum(by_order.values(), Decimal(0)), len(by_order))
        for (category, currency), by_order in sorted(spent.items())
    ]


def _satisfaction(own: Sequence[JsonObject], as_of: datetime) -> Satisfaction | None:
    since = as_of.replace(year=as_of.year - 1)
    answers = [each for each in own if each["type"] == "feedback.recorded" and _time(each) > since]
    if not answers:
        return None
    data = answers[-1]["data"]
    if "scores" in data:
        mean = Decimal(sum(data["scores"].values())) / len(data["scores"])
        return Satisfaction(data["instrument"], mean, _time(answers[-1]))
    return Satisfaction(data["instrument"], Decimal(data["score"]), _time(answers[-1]))
