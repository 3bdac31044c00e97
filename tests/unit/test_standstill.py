"""How long a view has stood still is counted from what was seen, and only while events wait."""

from datetime import UTC, datetime, timedelta

from services.projections.engine.standstill import Standstill

BEGIN = datetime(2024, 5, 1, tzinfo=UTC)


def at(seconds: float) -> datetime:
    return BEGIN + timedelta(seconds=seconds)


def test_a_view_at_the_end_of_the_log_does_not_stand_still_however_long_nothing_comes() -> None:
    standstill = Standstill()
    assert [standstill.seconds("timeline", 0, 7, 7, at(each)) for each in (0, 3600)] == [0, 0]


def test_time_counts_from_the_first_look_at_which_events_wait() -> None:
    standstill = Standstill()
    standstill.seconds("timeline", 0, 7, 7, at(0))
    assert [standstill.seconds("timeline", 0, 7, 9, at(each)) for each in (100, 130, 190)] == [0, 30, 90]


def test_a_move_begins_the_count_anew_though_events_still_wait() -> None:
    standstill = Standstill()
    positions = {0: 7, 30: 7, 60: 8, 90: 8}
    seen = [standstill.seconds("timeline", 0, position, 99, at(each)) for each, position in positions.items()]
    assert seen == [0, 30, 0, 30]


def test_views_and_partitions_are_counted_each_for_itself() -> None:
    standstill = Standstill()
    for view, partition in (("timeline", 0), ("timeline", 1), ("summary", 0)):
        standstill.seconds(view, partition, 1, 5, at(0))
    standstill.seconds("timeline", 1, 2, 5, at(10))
    seconds = [
        standstill.seconds(view, partition, position, 5, at(40))
        for view, partition, position in (("timeline", 0, 1), ("timeline", 1, 2), ("summary", 0, 5))
    ]
    assert seconds == [40, 30, 0]


def test_a_clock_set_back_makes_no_negative_time() -> None:
    standstill = Standstill()
    standstill.seconds("timeline", 0, 1, 5, at(0))
    assert standstill.seconds("timeline", 0, 1, 5, at(-60)) == 0
