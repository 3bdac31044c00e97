"""The load generator's own list of what it sent: what the views must show, must not show, and may show."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from shared.position import Position


class Fate(StrEnum):
    """What the sender knows of an event."""

    UNANSWERED = "unanswered"
    """No answer, or one that leaves it open: it may be in the log, once."""
    ACKNOWLEDGED = "acknowledged"
    REFUSED = "refused"


@dataclass(frozen=True)
class Sent:
    """What was sent, as far as views tell of it."""

    event_id: str
    member: str
    channel: str
    category: str | None = None
    spent: Decimal | None = None


@dataclass
class Tally:
    """What a customer summary has to say after some events."""

    events: int = 0
    channels: Counter[str] = field(default_factory=Counter)
    categories: Counter[str] = field(default_factory=Counter)
    spent: Decimal = Decimal(0)


class Ledger:
    """One run's events. What was once acknowledged or refused stays so, however often it is sent again."""

    def __init__(self) -> None:
        self._sent: dict[str, Sent] = {}
        self._fates: dict[str, Fate] = {}
        self._acknowledged: Counter[str] = Counter()
        self._positions: dict[str, dict[int, int]] = {}
        self.contradictions: list[str] = []

    def send(self, event: Sent) -> None:
        """Enters an event, before it is sent for the first or another time."""
        self._sent[event.event_id] = event
        self._fates.setdefault(event.event_id, Fate.UNANSWERED)

    def acknowledge(self, event_ids: Iterable[str], position: Position) -> None:
        """Notes events answered as accepted or repeated, and the position at which views show them."""
        for event_id in event_ids:
            member = self._sent[event_id].member
            if self._settle(event_id, Fate.ACKNOWLEDGED):
                self._acknowledged[member] += 1
            known = self._positions.setdefault(member, {})
            for partition, offset in position.offsets.items():
                known[partition] = max(offset, known.get(partition, 0))

    def refuse(self, event_id: str) -> None:
        """Notes an event answered as one that is never taken."""
        self._settle(event_id, Fate.REFUSED)

    def fate(self, event_id: str) -> Fate:
        """What is known of an event."""
        return self._fates[event_id]

    def count(self, fate: Fate) -> int:
        """How many events have this fate."""
        return sum(found is fate for found in self._fates.values())

    def members(self) -> list[str]:
        """Everybody an event was sent of."""
        return sorted({sent.member for sent in self._sent.values()})

    def acknowledged_of(self, member: str) -> tuple[int, Position]:
        """How many of a member's events are acknowledged, and the position at which views show them all."""
        return self._acknowledged[member], Position(dict(self._positions.get(member, {})))

    def wrong_with(self, member: str, shown: Sequence[str]) -> list[str]:
        """What a member's timeline, as the ids on it, shows that it should not, or does not that it should."""
        own = {event_id for event_id, sent in self._sent.items() if sent.member == member}
        missing = {each for each in own - set(shown) if self._fates[each] is Fate.ACKNOWLEDGED}
        refused = {each for each in own & set(shown) if self._fates[each] is Fate.REFUSED}
        repeated = {each for each, times in Counter(shown).items() if times > 1}
        found = {
            "acknowledged, but not there": missing,
            "refused, but there": refused,
            "there more than once": repeated,
            "not this member's": set(shown) - own,
        }
        return [f"{member}: {sorted(ids)} {what}" for what, ids in found.items() if ids]

    def tally(self, event_ids: Iterable[str]) -> Tally:
        """What a summary has to say after exactly these events."""
        tally = Tally()
        for sent in map(self._sent.__getitem__, event_ids):
            tally.events += 1
            tally.channels[sent.channel] += 1
            if sent.category is not None:
                tally.categories[sent.category] += 1
            tally.spent += sent.spent or 0
        return tally

    def _settle(self, event_id: str, fate: Fate) -> bool:
        """Whether that is news."""
        before = self._fates[event_id]
        if before is Fate.UNANSWERED:
            self._fates[event_id] = fate
        elif before is not fate:
            self.contradictions.append(f"{event_id} was {before} and then {fate}")
        return before is Fate.UNANSWERED
