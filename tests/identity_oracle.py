"""Who is whom by the rules alone (I1 to I4), worked out the long way: every link, every pair, every customer.

Knows nothing of the views: it is given events as posted, with values that need no normalising, and reckons with
identifiers as (type, value).
"""

from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from itertools import combinations
from typing import Any, NamedTuple

Identifier = tuple[str, str]

_STRENGTH = ["member", "account", "email", "phone", "external", "device", "cookie"]


class _Link(NamedTuple):
    one: Identifier
    other: Identifier
    link_id: str
    explicit: bool


class Oracle:
    """All customers of some events."""

    def __init__(self, events: Iterable[dict[str, Any]]) -> None:
        self.seen: dict[Identifier, datetime] = {}
        self._links: set[_Link] = set()
        self._revoked: set[str] = set()
        for event in events:
            self._take(event)
        self._holding = [link for link in self._links if link.link_id not in self._revoked]

    def _take(self, event: dict[str, Any]) -> None:
        data = event["data"]
        customer = _identifiers(data.get("customer", ()))
        if event["type"].startswith("loyalty."):
            customer |= {("member", data["account_id"])}
        stated = _identifiers(data.get("identifiers", ()))
        at = datetime.fromisoformat(event["time"])
        for each in customer | stated:
            self.seen[each] = min(at, self.seen.get(each, at))
        if event["type"] == "identity.unlinked":
            self._revoked.add(data["link_id"])
            return
        for one, other in combinations(sorted(customer), 2):
            if {one, other} != stated:
                self._links.add(_Link(one, other, event["id"], explicit=False))
        if stated:
            self._links.add(_Link(*sorted(stated), data["link_id"], explicit=True))

    def shared(self, identifier: Identifier) -> bool:
        """Whether so many have it that it links nobody."""
        others = {
            other
            for link in self._holding
            for own, other in ((link.one, link.other), (link.other, link.one))
            if own == identifier
        }
        kind = identifier[0]
        if kind in ("email", "phone"):
            return len({each for each in others if each[0] in ("member", "account")}) >= 2
        if kind in ("device", "cookie"):
            return len({each for each in others if _STRENGTH.index(each[0]) < _STRENGTH.index(kind)}) > 3
        return False

    def customers(self) -> list[list[Identifier]]:
        """Every customer's identifiers; those of one customer in no order."""
        joined: dict[Identifier, set[Identifier]] = defaultdict(set)
        for one, other, _, explicit in self._holding:
            if explicit or not (self.shared(one) or self.shared(other)):
                joined[one].add(other)
                joined[other].add(one)
        customers, left = [], set(self.seen)
        while left:
            customer, border = set[Identifier](), {left.pop()}
            while border:
                customer |= border
                border = {near for each in border for near in joined[each]} - customer
            left -= customer
            customers.append(list(customer))
        return customers


def _identifiers(posted: Iterable[dict[str, str]]) -> set[Identifier]:
    return {(each["type"], each["value"]) for each in posted}
