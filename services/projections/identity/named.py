"""Which identifiers does an event name, and which of them does it link? Pure."""

from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

from shared.envelope import RecordedEvent
from shared.events.identity import IdentityLinked, IdentityUnlinked


class Named(NamedTuple):
    """An identifier by its party id."""

    party_id: str
    type: str


class Link(NamedTuple):
    """Two identifiers that an event links. `link_id` is what `identity.unlinked` revokes it by.

    `explicit` is a link that somebody stated, rather than one of identifiers that an event happens to name.
    """

    one: Named
    other: Named
    link_id: str
    explicit: bool


def customer_of(event: RecordedEvent[Any]) -> tuple[Named, ...]:
    """The customer's identifiers, each once; the account of a loyalty event is its customer's, so it is one of them."""
    named = [Named(each.party_id, each.type) for each in event.customer]
    if event.type.startswith("loyalty."):
        named.append(Named(event.stream_key, "member"))
    return tuple(named) if len(named) < 2 else tuple(dict.fromkeys(named))  # noqa: PLR2004 - nothing occurs twice


def named_by(event: RecordedEvent[Any]) -> tuple[Named, ...]:
    """Every identifier that the event names, each once: the customer's, and those that an `identity.linked` joins."""
    linked = event.record.linked
    if not linked:
        return customer_of(event)
    return tuple(dict.fromkeys((*customer_of(event), *(Named(each.party_id, each.type) for each in linked))))


def links_of(event: RecordedEvent[Any]) -> Iterator[Link]:
    """The links that the event makes (rule I1): each pair of its customer's identifiers, and the one that it states.

    The pair that an `identity.linked` states is linked by its `link_id` alone, even if the event names its customer by
    the same two, and an `identity.unlinked` links nothing: else whoever revokes a link would leave, or make, another.
    """
    if isinstance(event.data, IdentityUnlinked):
        return
    stated: frozenset[Named] = frozenset()
    if isinstance(event.data, IdentityLinked):
        stated = frozenset(Named(each.party_id, each.type) for each in event.record.linked)
        for one, other in combinations(sorted(stated), 2):
            yield Link(one, other, event.data.link_id, explicit=True)
    for one, other in combinations(customer_of(event), 2):
        if not stated >= {one, other}:
            yield Link(one, other, event.id, explicit=False)
