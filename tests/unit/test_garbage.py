"""The search for garbage while a process serves."""

import gc

import pytest

from shared.garbage import batches_left_alone, garbage_sought_seldom


def test_what_is_loaded_is_left_out_of_the_search_until_the_service_ends() -> None:
    thresholds, frozen = gc.get_threshold(), gc.get_freeze_count()

    with garbage_sought_seldom():
        assert gc.get_freeze_count() > frozen
        assert gc.get_threshold()[0] > thresholds[0]

    assert gc.get_threshold() == thresholds
    assert gc.get_freeze_count() == 0


def test_cycles_made_while_serving_are_still_freed() -> None:
    class Node:
        itself: "Node"

    with garbage_sought_seldom():
        node = Node()
        node.itself = node
        del node

        assert gc.collect() > 0


def test_a_process_of_batches_searches_later_within_a_service_too() -> None:
    with garbage_sought_seldom():
        serving = gc.get_threshold()
        with batches_left_alone():
            assert gc.get_threshold()[0] > serving[0]

        assert gc.get_threshold() == serving


@pytest.mark.parametrize("first_to_leave", [0, 1])
def test_whoever_leaves_first_the_last_to_leave_has_garbage_sought_as_before(first_to_leave: int) -> None:
    before = gc.get_threshold()
    for within in (batches_left_alone, garbage_sought_seldom):
        overlapping = [within(), within()]
        for each in overlapping:
            each.__enter__()
        seldom = gc.get_threshold()

        overlapping.pop(first_to_leave).__exit__(None, None, None)
        assert gc.get_threshold() == seldom
        overlapping.pop().__exit__(None, None, None)

        assert gc.get_threshold() == before
        assert gc.get_freeze_count() == 0


def test_a_service_that_outlasts_its_batches_keeps_what_is_loaded_out_of_the_search() -> None:
    batches = batches_left_alone()
    batches.__enter__()
    with garbage_sought_seldom():
        batches.__exit__(None, None, None)

        assert gc.get_freeze_count() > 0
        assert gc.get_threshold()[0] == 20_000
