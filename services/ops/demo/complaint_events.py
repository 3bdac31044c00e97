"""What the demo adds to the sample's purchases: complaints about some of them, and what was done about each.

There are four stories: most are answered in time, some after points were granted for the trouble, some only after a
lie came out; and one, of June 1998, nobody went on with.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal, NamedTuple

from services.ops.demo.derived import SOURCES, drawn, event_of, member_of, shop_of, time_of
from services.ops.demo.sample import Purchase

Story = Literal["answered", "compensated", "lied_to", "forgotten"]

NOW: Final = datetime(1998, 7, 1, 12, tzinfo=UTC)
"""The time by which the demo's clocks are breached: after the sample's last day."""
COMPENSATION_POINTS: Final = 50

_ONE_IN = 64
_STORIES: Sequence[Story] = ("answered", "answered", "answered", "compensated", "lied_to")
_FIRST_FORGOTTEN, _LAST_DAY = date(1998, 6, 8), date(1998, 6, 15)
"""So late that eight weeks have not passed by `NOW`, and so early that every story ends before that."""
_CAUSES = ("quality_below_expectation", "service_below_expectation", "price_above_expectation", "other")
_AGENTS = 40


class Complaint(NamedTuple):
    """A complaint about a purchase, and which way it went."""

    complaint_id: str
    story: Story
    purchase: Purchase

    @property
    def opened_at(self) -> datetime:
        """One to three days after the purchase."""
        days = 1 + drawn(self.purchase, "complains", 3)
        noon = datetime.combine(time_of(self.purchase).date(), time(12), time_of(self.purchase).tzinfo)
        return noon + timedelta(days=days, seconds=drawn(self.purchase, "c-time", 3 * 3600))


def complaints_of(purchases: Iterable[Purchase]) -> list[Complaint]:
    """The complaints about purchases, the same for the same purchases: about one in 64, and the forgotten one last."""
    known = [each for each in purchases if each.day <= _LAST_DAY]
    late = [each for each in known if each.day >= _FIRST_FORGOTTEN]
    forgotten = max(late, key=lambda each: (time_of(each), each.row), default=None)
    found = [
        Complaint(_id(each), _STORIES[drawn(each, "story", len(_STORIES))], each)
        for each in known
        if each is not forgotten and not drawn(each, "complaint", _ONE_IN)
    ]
    found.sort(key=lambda complaint: complaint.purchase.row)
    if forgotten is not None:
        found.append(Complaint(_id(forgotten), "forgotten", forgotten))
    return found


def complaint_events(complaint: Complaint) -> Iterator[dict[str, Any]]:
    """The events of a complaint, its points included, as the service desk would have posted them."""
    agent = f"agent-{1 + drawn(complaint.purchase, 'c-agent', _AGENTS):02d}"
    yield _event(complaint, "opened", timedelta(), **_opened(complaint))
    yield _event(complaint, "acknowledged", timedelta(hours=1), staff=agent)
    match complaint.story:
        case "answered":
            yield _event(complaint, "resolved", timedelta(days=1), resolution="apology", staff=agent)
            yield _event(complaint, "accepted", timedelta(days=2))
        case "compensated":
            after = timedelta(hours=3)
            yield _event(complaint, "compensated", after, kind="points", points=COMPENSATION_POINTS)
            yield _points(complaint, after, agent)
            yield _event(complaint, "resolved", timedelta(hours=4), resolution="compensation", staff=agent)
            yield _event(complaint, "closed", timedelta(days=3))
        case "lied_to":
            yield _event(complaint, "resolved", timedelta(hours=5), resolution="explanation", staff=agent)
            yield _event(complaint, "reopened", timedelta(days=4), reason="the explanation was untrue")
            yield _event(
                complaint, "resolved", timedelta(days=5), "again",
                resolution="replacement", staff="manager-01", handling_fault="lying",
            )  # fmt: skip
            yield _event(complaint, "accepted", timedelta(days=6))
        case "forgotten":
            assignee = {"person": agent, "department": "service desk"}
            yield _event(complaint, "assigned", timedelta(hours=2), assignee=assignee, level="store")


def _id(purchase: Purchase) -> str:
    return f"complaint-{purchase.row:05d}"


def _opened(complaint: Complaint) -> dict[str, Any]:
    purchase = complaint.purchase
    return {
        "summary": "Not content with a purchase",
        "cause": _CAUSES[drawn(purchase, "cause", len(_CAUSES))],
        "severity": "normal",
        "order_id": f"order-{purchase.row:05d}",
    }


def _event(complaint: Complaint, what: str, after: timedelta, which: str = "", **data: Any) -> dict[str, Any]:
    name = f"complaint-{what}-{which}" if which else f"complaint-{what}"
    place = shop_of(complaint.purchase).place
    return event_of(
        complaint.purchase, name, f"complaint.{what}", complaint.opened_at + after,
        {"complaint_id": complaint.complaint_id, **data, **place}, source=f"{SOURCES}service/desk", channel="phone",
    )  # fmt: skip


def _points(complaint: Complaint, after: timedelta, agent: str) -> dict[str, Any]:
    data = {
        "account_id": member_of(complaint.purchase),
        "points": COMPENSATION_POINTS,
        "reason": "for the trouble",
        "actor": agent,
    }
    at = complaint.opened_at + after + timedelta(minutes=1)
    granted = event_of(
        complaint.purchase, "complaint-points", "loyalty.points_adjusted", at, data,
        source=f"{SOURCES}service/desk", channel="phone",
    )  # fmt: skip
    return {**granted, "causeid": complaint.complaint_id}
