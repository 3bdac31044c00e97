"""The card as it is sent. What is not known, or not opened, is null or left out, never zero."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from services.api.access.purposes import Disclosed, Purpose
from services.api.card.found import Found, OpenComplaint, TaskDue
from services.api.card.notices import moment, notices_of
from services.api.card.personal import Personal
from services.api.card.reckoned import Reckoned
from services.projections.loyalty.standing import Standing
from services.projections.read_models.bought_items import Favourite
from services.projections.read_models.consents import Consent, by_channel, is_granted
from services.projections.read_models.kept_prices import KeptPrices
from services.projections.read_models.visits import Visit
from services.projections.recognition.birthday import days_until_birthday
from services.projections.recognition.elapsed import elapsed, lapsed_years

_PLAIN = ("salutation", "language", "company", "tags")
_PERSONAL = ("preferences", "address", "dietary", "health_notes")


def card_of(
    purpose: Purpose,
    found: Found,
    personal: Personal,
    reckoned: Reckoned,
    *,
    now: datetime,
    zone: ZoneInfo,
    withheld: Sequence[Disclosed] = (),
) -> dict[str, Any]:
    """The card of a customer at a time; days are those of the time zone.

    `reckoned` is what is known of the customer's scores, `withheld` what stays closed besides personal data.
    """
    plain = {name: found.attributes[name]["value"] for name in _PLAIN if name in found.attributes}
    first = found.standings[0] if found.standings else None
    prices = found.prices
    return {
        "customer_id": found.customer_id,
        "purpose": purpose,
        "withheld": [*personal.withheld, *withheld],
        "name": personal.attributes.get("name"),
        **{name: plain.get(name) for name in _PLAIN},
        **{name: personal.attributes.get(name) for name in _PERSONAL},
        "tier": first.tier if first else None,
        "available_points": first.available_points if first else None,
        **reckoned.members,
        "scores_reason": reckoned.reason,
        "accounts": [_account(each) for each in found.standings],
        "last_visit": None if found.visit is None else _visit(found.visit, now, zone),
        "lapsed_years": lapsed_years(found.contacts.last_inbound, now, zone),
        "last_contact": {channel: moment(at) for channel, at in found.contacts.by_channel.items()},
        "favourites": [_favourite(each) for each in found.favourites],
        "birthday": _birthday(personal.attributes.get("birthday"), now, zone),
        "open_complaints": [_complaint(each, now) for each in found.complaints],
        "tasks_due": [_task(each, personal.titles.get(each["task_id"]), now) for each in found.tasks],
        "price_kept": None if prices is None else not prices["broken"],
        "price_not_kept": _broken_price(prices),
        "consents": _consents(found.consents),
        "consents_by_channel": _consents_by_channel(found.consents),
        "notices": notices_of(found, now, lacks_consent=personal.lacks_consent),
    }


def _account(standing: Standing) -> dict[str, Any]:
    return {
        "account_id": standing.account_id,
        "programme": standing.programme,
        "tier": standing.tier,
        "available_points": standing.available_points,
    }


def _visit(visit: Visit, now: datetime, zone: ZoneInfo) -> dict[str, Any]:
    ago = elapsed(visit["time"], now, zone)
    return {
        "time": moment(visit["time"]),
        "location": visit["location"],
        "details": visit["details"],
        "days_ago": ago.days_altogether,
        "ago": {"years": ago.years, "days": ago.days},
    }


def _favourite(favourite: Favourite) -> dict[str, Any]:
    quantity = favourite["quantity"]
    return {
        "sku": favourite["sku"],
        "description": favourite["description"],
        "quantity": int(quantity) if quantity.isdigit() else quantity,
    }


def _birthday(birthday: Any, now: datetime, zone: ZoneInfo) -> dict[str, int] | None:
    if birthday is None:
        return None
    days = days_until_birthday(birthday, now.astimezone(zone).date())
    return None if days is None else {"in_days": days}


def _complaint(complaint: OpenComplaint, now: datetime) -> dict[str, Any]:
    due_at = complaint["next_due_at"]
    return {
        **complaint,
        "opened_at": moment(complaint["opened_at"]),
        "next_due_at": None if due_at is None else moment(due_at),
        "overdue": due_at is not None and due_at < now,
    }


def _task(task: TaskDue, title: Any, now: datetime) -> dict[str, Any]:
    return {
        "task_id": task["task_id"],
        "complaint_id": task["complaint_id"],
        "title": title,
        "due_at": moment(task["due_at"]),
        "overdue": task["due_at"] < now,
    }


def _broken_price(prices: KeptPrices | None) -> dict[str, Any] | None:
    if prices is None or prices["broken_at"] is None:
        return None
    return {
        "order_id": prices["order_id"],
        "time": moment(prices["broken_at"]),
        "promised": {"amount": prices["promise"], "currency": prices["currency"]},
        "charged": {"amount": prices["charge"], "currency": prices["currency"]},
        "orders": prices["broken"],
    }


def _consents(words: Sequence[Consent]) -> dict[str, bool]:
    said = {each["purpose"]: is_granted(words, each["purpose"]) for each in words}
    return {purpose: granted for purpose, granted in said.items() if granted is not None}


def _consents_by_channel(words: Sequence[Consent]) -> dict[str, dict[str, bool]]:
    said = {each["purpose"]: by_channel(words, each["purpose"]) for each in words}
    return {purpose: channels for purpose, channels in said.items() if channels}
