"""The search for garbage while a process serves."""

import gc

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
