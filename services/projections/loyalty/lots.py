"""Lots of points (L2), in the order debits take them (L3), in a tree of rows that each hold a few of them.

Accounts may come to hold any number of lots with points left, because points that lapse stay in their lot. So lots
stand in a B+ tree: the root in the account's own row, further nodes in rows of their own, sums in the branches. A
small account is one row, and every operation loads and changes a number of nodes that grows with the logarithm.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from services.projections.moments import NEVER

MOST_ITEMS = 64
"""Items a node holds at most."""

LotKey = list[Any]
"""expires_at, occurred_at, event id, log offset: what lots are ordered by, the offset setting apart equal ids."""
Item = list[Any]
"""A `Lot` as it is stored, or a branch: the least key in a child, the child's number, its sum of remaining points."""
Node = dict[str, Any]
"""`level`, 0 where `items` are lots, and `items` in the order of their keys."""

_KEY = 4
_CHILD = 4
_POINTS = 5


class Lot(NamedTuple):
    """Points granted together. `expires_at` is `NEVER` for those that never do; times are microseconds since 1970."""

    expires_at: int
    occurred_at: int
    event_id: str
    offset: int
    granted: int
    remaining: int
    partner: str | None = None
    order_id: str | None = None

    @property
    def key(self) -> LotKey:
        """What it is ordered and found by."""
        return list(self[:_KEY])

    def with_remaining(self, points: int) -> "Lot":
        """The lot with so many points remaining; most events ask for it, and `_replace` is twice as slow."""
        if points == self.remaining:
            return self
        return Lot(
            self.expires_at, self.occurred_at, self.event_id, self.offset, self.granted, points, self.partner,
            self.order_id,
        )  # fmt: skip


def empty_tree() -> Node:
    """The root of a tree without lots."""
    return {"level": 0, "items": []}


class LotTree:
    """The lots of one account that have points left, in the order of `LotKey`. Nodes given to it stay as they are.

    `load` answers a node by its number and may raise what the reader of rows raises. The shape depends on the sequence
    of `put`s alone, never on which nodes happen to be loaded.
    """

    def __init__(self, root: Node, next_number: int, load: Callable[[int], Node]) -> None:
        self.root = root
        self.next_number = next_number
        self.changed: dict[int, Node | None] = {}
        self._load = load
        self._root_is_ours = False

    def usable_points(self, time: int) -> int:
        """Sum of the remaining points of lots that have not expired at `time`."""
        return self._sum_after(self.root, [time + 1])

    def usable(self, time: int) -> Iterator[Lot]:
        """Lots that have not expired at `time`, in order. Not to be changed meanwhile."""
        return self.between(time, NEVER)

    def between(self, after: int, until: int) -> Iterator[Lot]:
        """Lots with `after` < expires_at <= `until`, in order. Not to be changed meanwhile."""
        return self.span([after + 1], [until + 1])

    def span(self, least: list[Any], beyond: list[Any], *, backwards: bool = False) -> Iterator[Lot]:
        """Lots from the key `least` on, below `beyond`, in order or backwards. Not to be changed meanwhile.

        Both may be the beginning of a key, or a key with `NEVER` behind it, which lies just behind that lot.
        """
        return self._between(self.root, least, beyond, backwards=backwards)

    def points_from(self, least: list[Any]) -> int:
        """Sum of the remaining points of lots from `least` on, which is as for `span`."""
        return self._sum_after(self.root, least)

    def get(self, key: LotKey) -> Lot | None:
        """The lot of a key, None where it has no points left."""
        node = self.root
        while node["level"]:
            items = node["items"]
            node = self._read(items[_branch_of(items, key)][_CHILD])
        items = node["items"]
        place = bisect_left(items, key)
        return Lot(*items[place]) if _is_at(items, place, key) else None

    def put(self, lot: Lot) -> None:
        """Adds or replaces a lot, or takes it out where no points remain in it."""
        if not self._root_is_ours:
            self.root = _copied(self.root)
            self._root_is_ours = True
        key = lot.key
        self._put(self.root, key, list(lot))
        items = self.root["items"]
        if len(items) > MOST_ITEMS:
            right = _split(self.root, key)
            self.root = {
                "level": self.root["level"] + 1,
                "items": [self._branch_to(self.root), self._branch_to(right)],
            }
        while self.root["level"] and len(items := self.root["items"]) < 2:  # noqa: PLR2004 - one child is no choice
            if items:
                number = items[0][_CHILD]
                self.root = self._own(number)
                self.changed[number] = None
            else:
                self.root = empty_tree()

    def _put(self, node: Node, key: LotKey, lot: Item) -> int:
        """Answers by how many points the node's sum rises."""
        items = node["items"]
        if not node["level"]:
            return _put_into_leaf(items, key, lot)
        place = _branch_of(items, key)
        branch = items[place] = list(items[place])
        child = self._own(branch[_CHILD])
        rise = self._put(child, key, lot)
        branch[_POINTS] += rise
        if not child["items"]:
            self.changed[branch[_CHILD]] = None
            del items[place]
            return rise
        branch[:_KEY] = min(branch[:_KEY], key)
        if len(child["items"]) > MOST_ITEMS:
            right = self._branch_to(_split(child, key))
            branch[_POINTS] -= right[_POINTS]
            items.insert(place + 1, right)
        return rise

    def _branch_to(self, node: Node) -> Item:
        """Gives a node a number and a row."""
        number = self.next_number
        self.next_number += 1
        self.changed[number] = node
        items = node["items"]
        return [*items[0][:_KEY], number, sum(item[_POINTS] for item in items)]

    def _sum_after(self, node: Node, least: list[Any]) -> int:
        items = node["items"]
        if not node["level"]:
            return sum(item[_POINTS] for item in items[bisect_left(items, least) :])
        whole = bisect_right(items, least)
        total: int = sum(item[_POINTS] for item in items[whole:])
        if whole:
            total += self._sum_after(self._read(items[whole - 1][_CHILD]), least)
        return total

    def _between(self, node: Node, least: list[Any], beyond: list[Any], *, backwards: bool) -> Iterator[Lot]:
        items = node["items"]
        is_leaf = not node["level"]
        first = bisect_left(items, least) if is_leaf else max(bisect_right(items, least) - 1, 0)
        part = items[first : bisect_left(items, beyond)]
        for item in reversed(part) if backwards else part:
            if is_leaf:
                yield Lot(*item)
            else:
                yield from self._between(self._read(item[_CHILD]), least, beyond, backwards=backwards)

    def _read(self, number: int) -> Node:
        node = self.changed.get(number)
        return self._load(number) if node is None else node

    def _own(self, number: int) -> Node:
        node = self.changed.get(number)
        if node is None:
            node = self.changed[number] = _copied(self._load(number))
        return node


def _put_into_leaf(items: list[Item], key: LotKey, lot: Item) -> int:
    place = bisect_left(items, key)
    before = items[place][_POINTS] if _is_at(items, place, key) else None
    if before is None and lot[_POINTS]:
        items.insert(place, lot)
    elif before is not None and lot[_POINTS]:
        items[place] = lot
    elif before is not None:
        del items[place]
    return int(lot[_POINTS]) - (before or 0)


def _is_at(items: list[Item], place: int, key: LotKey) -> bool:
    return place < len(items) and items[place][:_KEY] == key


def _branch_of(items: list[Item], key: LotKey) -> int:
    """The place of the child that holds the key, or would."""
    return max(bisect_right(items, [*key, NEVER]) - 1, 0)


def _copied(node: Node) -> Node:
    return {"level": node["level"], "items": list(node["items"])}


def _split(node: Node, key: LotKey) -> Node:
    """Takes the right part out of a node. One that only grows at its end, as most do, stays full."""
    items = node["items"]
    middle = len(items) - 1 if items[-1][:_KEY] == key else len(items) // 2
    right = {"level": node["level"], "items": items[middle:]}
    del items[middle:]
    return right
