"""Waiting for a position: woken exactly when it is reached, bounded, leaving nothing behind."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.position_watch import furthest
from services.api.waiters import TooManyWaitersError, Waiter, Waiters
from shared.position import Position

positions = st.dictionaries(st.integers(0, 3), st.integers(0, 6), max_size=4).map(Position)


@given(st.lists(st.tuples(st.booleans(), positions), max_size=40))
async def test_a_waiter_is_woken_exactly_when_its_position_is_reached(
    steps: list[tuple[bool, Position]],
) -> None:
    waiters, waiting = Waiters(most=100), list[Waiter]()
    for advances, position in steps:
        if advances:
            waiters.advance(furthest(waiters.known, position))
        else:
            waiting.append(waiters.add(position))
        for waiter in waiting:
            assert waiter.ended.done() == waiters.known.includes(waiter.wanted)
    for waiter in waiting:
        waiters.remove(waiter)
    assert len(waiters) == 0


async def test_more_waiters_than_the_bound_are_refused_until_one_leaves() -> None:
    waiters = Waiters(most=2)
    first = waiters.add(Position({0: 1}))
    waiters.add(Position({0: 1}))
    with pytest.raises(TooManyWaitersError, match="2 requests are waiting"):
        waiters.add(Position({0: 1}))
    waiters.remove(first)
    waiters.add(Position({0: 1}))


async def test_waits_for_positions_that_never_come_leave_nothing_behind() -> None:
    waiters = Waiters(most=10)
    for partition in range(5000):
        waiters.remove(waiters.add(Position({partition: 2**62})))
    assert sum(1 for _ in waiters._filed()) < 100


async def test_when_waiting_is_in_vain_everybody_is_told_why() -> None:
    waiters = Waiters(most=10)
    waiting = [waiters.add(Position({partition: 1})) for partition in range(3)]
    waiters.fail(reason := ConnectionError("away"))
    assert [waiter.ended.result() for waiter in waiting] == [reason] * 3
