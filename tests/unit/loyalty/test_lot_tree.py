"""The tree of lots behaves as a sorted list would, whatever is put into it, and each operation reads few nodes."""

import random
from collections.abc import Iterable

from hypothesis import given, settings
from hypothesis import strategies as st

from services.projections.loyalty.lots import MOST_ITEMS, Lot, LotTree, Node, empty_tree
from services.projections.moments import NEVER


class Stored:
    """A tree whose nodes are kept between operations as rows are, and counted when they are read."""

    def __init__(self) -> None:
        self.root: Node = empty_tree()
        self.next = 1
        self.nodes: dict[int, Node] = {}
        self.reads = 0

    def tree(self) -> LotTree:
        self.reads = 0
        return LotTree(self.root, self.next, self._load)

    def put(self, lots: Iterable[Lot]) -> None:
        tree = self.tree()
        for lot in lots:
            tree.put(lot)
        self.root, self.next = tree.root, tree.next_number
        for number, node in tree.changed.items():
            if node is None:
                self.nodes.pop(number, None)
            else:
                self.nodes[number] = node

    def _load(self, number: int) -> Node:
        self.reads += 1
        return self.nodes[number]


def lot(expires_at: int, occurred_at: int, offset: int, remaining: int) -> Lot:
    return Lot(expires_at, occurred_at, f"e{offset % 7}", offset, 1000, remaining)


_lots = st.builds(
    lot, st.integers(0, 30) | st.just(NEVER), st.integers(0, 3), st.integers(0, 400), st.integers(0, 9)
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(_lots, max_size=60), max_size=20), st.integers(0, 2**32))
def test_a_tree_answers_as_a_sorted_list_does(batches: list[list[Lot]], seed: int) -> None:
    stored, plain = Stored(), {}
    chance = random.Random(seed)
    many = [lot(chance.randrange(30), chance.randrange(3), offset, 1) for offset in range(500, 800)]
    for batch in [many, *batches, [each._replace(remaining=0) for each in many]]:
        stored.put(batch)
        for each in batch:
            plain[tuple(each.key)] = each
        left = [plain[key] for key in sorted(plain) if plain[key].remaining]
        assert list(stored.tree().usable(-1)) == left
        time = chance.randrange(-1, 31)
        usable = [each for each in left if each.expires_at > time]
        assert list(stored.tree().usable(time)) == usable
        assert stored.tree().usable_points(time) == sum(each.remaining for each in usable)
        assert list(stored.tree().between(time - 5, time)) == [
            each for each in left if time - 5 < each.expires_at <= time
        ]
        for each in batch[:5]:
            found = stored.tree().get(each.key)
            assert (found.remaining if found else 0) == plain[tuple(each.key)].remaining


def test_a_tree_that_is_emptied_is_one_empty_row() -> None:
    stored = Stored()
    lots = [lot(number, 0, number, 1) for number in range(5000)]
    stored.put(lots)
    assert len(stored.root["items"]) <= MOST_ITEMS
    stored.put(each._replace(remaining=0) for each in lots)
    assert (stored.root, stored.nodes) == (empty_tree(), {})


def test_lots_put_before_all_others_are_found_and_told_apart_by_time() -> None:
    stored = Stored()
    stored.put(lot(1000 + number, 0, number, 1) for number in range(500))
    stored.put([lot(10, 0, 501, 7), lot(20, 0, 502, 5)])
    assert stored.root["level"] > 0
    assert [stored.tree().usable_points(time) for time in (9, 10, 19, 20)] == [512, 505, 505, 500]
    assert [each.offset for each in stored.tree().between(0, 20)] == [501, 502]


def test_small_accounts_are_one_row() -> None:
    stored = Stored()
    stored.put(lot(number, 0, number, 1) for number in range(MOST_ITEMS))
    assert stored.nodes == {}


def test_among_a_hundred_thousand_lots_each_operation_reads_a_handful_of_nodes() -> None:
    stored = Stored()
    stored.put(lot(number // 3, number % 3, number, 1) for number in range(100_000))
    for time in (0, 12_345, 33_000):
        tree = stored.tree()
        tree.usable_points(time)
        next(tree.usable(time))
        assert stored.reads <= 8
    stored.put([lot(50_000, 0, 100_001, 1)])
    assert stored.reads <= 3
    stored.put([lot(100, 0, 300, 0)])
    assert stored.reads <= 3
    assert all(len(node["items"]) <= MOST_ITEMS for node in stored.nodes.values())
