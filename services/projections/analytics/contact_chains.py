"""Which matters did one contact settle? Pure.

A matter is a chain of contacts that a customer made about one category, each within seven days of the one before;
contacts of one conversation count as one. The first contact settled it where it stayed the only one, and the customer
opened no complaint from then until seven days after the last word of it. Until these have passed it is pending.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import Final, Literal, NamedTuple

SILENCE: Final = timedelta(days=7)

Outcome = Literal["settled", "not_settled", "pending"]


class Contact(NamedTuple):
    """A contact that a customer made; `conversation_id` is None where it was none with others."""

    customer: str
    category: str
    time: datetime
    event_id: str
    conversation_id: str | None
    channel: str
    location: str | None


class Matter(NamedTuple):
    """What one chain came to, with its first contact and the time of its last."""

    first: Contact
    last: datetime
    outcome: Outcome


def matters(
    contacts: Iterable[Contact],
    complaints: Iterable[tuple[str, datetime]],
    between: tuple[datetime, datetime],
    now: datetime,
) -> list[Matter]:
    """The matters that began from the first to before the second time of `between`, as they stand at `now`.

    `contacts` hold those of seven days before that time too, by which it is known what began in it; `complaints` are
    customers, and when they opened one.
    """
    since, until = between
    complained: dict[str, list[datetime]] = {}
    for customer, time in complaints:
        complained.setdefault(customer, []).append(time)
    found = []
    for chain in _chains(contacts):
        first, last = chain[0], chain[-1].time
        if since <= first.time < until:
            outcome = _outcome(chain, complained.get(first.customer, ()), now)
            found.append(Matter(first, last, outcome))
    return found


def _chains(contacts: Iterable[Contact]) -> Iterable[Sequence[Contact]]:
    of_matter: dict[tuple[str, str], list[Contact]] = {}
    for contact in contacts:
        of_matter.setdefault((contact.customer, contact.category), []).append(contact)
    for made in of_matter.values():
        made.sort(key=lambda each: (each.time, each.event_id, each.conversation_id or ""))
        chain = [made[0]]
        for contact in made[1:]:
            if contact.time - chain[-1].time > SILENCE:
                yield chain
                chain = []
            chain.append(contact)
        yield chain


def _outcome(chain: Sequence[Contact], complained: Iterable[datetime], now: datetime) -> Outcome:
    conversation = chain[0].conversation_id
    if len(chain) > 1 and (
        conversation is None or any(each.conversation_id != conversation for each in chain)
    ):
        return "not_settled"
    watched_until = chain[-1].time + SILENCE
    if any(chain[0].time <= time <= min(watched_until, now) for time in complained):
        return "not_settled"
    return "settled" if now > watched_until else "pending"


class FirstContacts(NamedTuple):
    """How many matters are decided, how many of these the first contact settled, and how many are pending."""

    matters: int
    settled: int
    pending: int

    def figures(self) -> dict[str, int | float | None]:
        """With the share that was settled; null where none is decided."""
        share = round(self.settled / self.matters, 6) if self.matters else None
        return {**self._asdict(), "share": share}


def first_contacts(found: Iterable[Matter]) -> FirstContacts:
    """The figures of some matters."""
    outcomes = [matter.outcome for matter in found]
    settled, pending = outcomes.count("settled"), outcomes.count("pending")
    return FirstContacts(len(outcomes) - pending, settled, pending)
