"""An account while an event applies: lots, deficit, holds, year sums, tiers, and what is done with its points."""

from collections.abc import Iterator
from functools import partial
from typing import Any, NamedTuple

from services.projections.loyalty.lots import Item, Lot, LotKey, LotTree, Node, empty_tree
from services.projections.loyalty.rows import AccountRows


class OpenHold(NamedTuple):
    """Points set aside until `expires_at`; the lots they came from stand in the hold's own row."""

    hold_id: str
    expires_at: int
    points: int
    event_id: str
    source: str


class HeldTier(NamedTuple):
    """A tier of a programme, reached in a calendar year: held from a time, inclusive, until another, exclusive."""

    programme: str
    name: str
    year: int
    since: int
    until: int


class Movement(NamedTuple):
    """By how many points lots of a partner that expire at one time changed, and how many of theirs repaid a deficit."""

    partner: str | None
    expires_at: int
    change: int
    repaid: int


class Figures(NamedTuple):
    """An account's points at a time (L11)."""

    usable: int
    held: int
    deficit: int

    @property
    def balance(self) -> int:
        """What the entries sum to."""
        return self.usable + self.held - self.deficit


class Account:
    """One account's state. It owns its lists and changes them; the rows it was made from stay as they are.

    `enrolled` tells whether an enrolment named the programme, or the first event did (L15). `latest` is the latest time
    of any of its events. Methods raise `RowsMissingError` where lots stand in rows that were not given.
    """

    def __init__(self, rows: AccountRows, state: dict[str, Any]) -> None:
        self.rows = rows
        self.programme: str = state["programme"]
        self.enrolled: bool = state["enrolled"]
        self.deficit: int = state["deficit"]
        self.latest: int = state["latest"]
        self.holds: list[OpenHold] = [OpenHold(*hold) for hold in state["holds"]]
        self.years: dict[str, int] = dict(state["years"])
        self.tiers: list[HeldTier] = [HeldTier(*tier) for tier in state["tiers"]]
        self.lots = LotTree(state["lots"], state["next"], partial(_node, rows))
        self._moved: dict[tuple[str | None, int], Movement] = {}

    def store(self, party: str | None) -> None:
        """Hands its state, and the nodes of its lots that changed, to the rows."""
        for number, node in self.lots.changed.items():
            self.rows.put("lots", str(number), node)
        state = {
            "programme": self.programme,
            "enrolled": self.enrolled,
            "deficit": self.deficit,
            "latest": self.latest,
            "holds": [list(hold) for hold in self.holds],
            "years": self.years,
            "tiers": [list(tier) for tier in self.tiers],
            "lots": self.lots.root,
            "next": self.lots.next_number,
        }
        self.rows.put("account", "", state, party)

    def moved(self) -> list[Movement]:
        """What its lots did since this was asked before."""
        moved = [each for each in self._moved.values() if each.change or each.repaid]
        self._moved = {}
        return moved

    def figures(self, time: int) -> Figures:
        """What it has at a time not before the expiry of any open hold."""
        held = sum(hold.points for hold in self.holds) if self.holds else 0
        return Figures(self.lots.usable_points(time), held, self.deficit)

    def credit(self, lot: Lot) -> int:
        """Adds a lot; its points repay the deficit first (L4). Answers how many did."""
        repaid = min(self.deficit, lot.remaining)
        self.deficit -= repaid
        if lot.remaining > repaid:
            self.lots.put(lot.with_remaining(lot.remaining - repaid))
        self._move(lot, lot.remaining - repaid, repaid)
        return repaid

    def take(self, points: int, time: int, first: LotKey | None = None) -> list[Lot]:
        """Takes points out of lots usable at a time, in order (L3); first out of that of key `first`, expired or not.

        Answers what was taken as lots of which `remaining` are the points taken: fewer altogether if fewer were there.
        """
        taken: list[Lot] = []
        left: list[Lot] = []
        for lot in self._to_take(time, first):
            if points == 0:
                break
            part = min(points, lot.remaining)
            points -= part
            taken.append(lot.with_remaining(part))
            left.append(lot.with_remaining(lot.remaining - part))
        for part_of, rest in zip(taken, left, strict=True):
            self.lots.put(rest)
            self._move(rest, -part_of.remaining, 0)
        return taken

    def give_back(self, allocations: list[Lot], time: int) -> int:
        """Gives what was taken back to its own lots (L9); points of lots usable at a time repay the deficit first.

        Answers how many points repaid the deficit.
        """
        owed = self.deficit
        for allocation in allocations:
            repaid = min(self.deficit, allocation.remaining) if allocation.expires_at > time else 0
            self.deficit -= repaid
            points = allocation.remaining - repaid
            self._move(allocation, points, repaid)
            if points:
                lot = self.lots.get(allocation.key)
                before = lot.remaining if lot else 0
                self.lots.put(allocation.with_remaining(before + points))
        return owed - self.deficit

    def _move(self, lot: Lot, change: int, repaid: int) -> None:
        before = self._moved.get((lot.partner, lot.expires_at))
        if before is not None:
            change, repaid = change + before.change, repaid + before.repaid
        self._moved[lot.partner, lot.expires_at] = Movement(lot.partner, lot.expires_at, change, repaid)

    def _to_take(self, time: int, first: LotKey | None) -> Iterator[Lot]:
        if first is None:
            yield from self.lots.usable(time)
            return
        own = self.lots.get(first)
        if own is not None:
            yield own
        for lot in self.lots.usable(time):
            if lot.key != first:
                yield lot


def new_account(rows: AccountRows, programme: str, time: int, *, enrolled: bool) -> Account:
    """An account without points."""
    return Account(
        rows,
        {
            "programme": programme,
            "enrolled": enrolled,
            "deficit": 0,
            "latest": time,
            "holds": [],
            "years": {},
            "tiers": [],
            "lots": empty_tree(),
            "next": 1,
        },
    )


def stored(allocations: list[Lot]) -> list[Item]:
    """Allocations as a row keeps them."""
    return [list(each) for each in allocations]


def read_back(items: list[Item]) -> list[Lot]:
    """Allocations from a row that keeps them."""
    return [Lot(*item) for item in items]


def _node(rows: AccountRows, number: int) -> Node:
    """A node of the tree of lots. No method: a tree that knew its account would leave both to the search for cycles."""
    node = rows.state("lots", str(number))
    if node is None:
        raise LookupError(f"account {rows.account_id} has lost node {number} of its lots")
    return node
