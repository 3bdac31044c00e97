"""Which change is of which topic, and how many hints a stream has to send."""

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.live.subscriptions import MOST_STREAMS, Hint, Subscriptions, TooManyStreamsError
from services.api.live.topics import (
    Case,
    Happened,
    InvalidTopicError,
    Topic,
    Work,
    concerns,
    is_within,
    switched,
    topic_of,
)

ADA = "cus_4sgz4wqcsr2v7ncj5hrsd2otlu"
NOTHING = frozenset[str]()


def happened(
    *parties: str, location: str | None = None, of: Case | Work | None = None, moved: bool = False
) -> Happened:
    return Happened(frozenset(parties), location, of, moved)


@pytest.mark.parametrize(
    "text", [f"customer:{ADA}", "location:hq/gz/gz-03", "complaints:all", "tasks:kim", "view:timeline"]
)
def test_a_topic_is_written_as_it_is_read(text: str) -> None:
    assert str(topic_of(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "customer", "customer:", "customer:nobody", "weather:today", "location:" + "x" * 300, "view:a\0b"],
)
def test_what_is_no_topic_says_what_one_looks_like(text: str) -> None:
    with pytest.raises(InvalidTopicError, match=r"customer:ID|cus_"):
        topic_of(text)


def test_a_customer_hears_of_every_party_of_theirs() -> None:
    mine = frozenset({"pty_a", "pty_b"})
    topic = topic_of(f"customer:{ADA}")
    assert concerns(topic, mine, happened("pty_b", "pty_z"))
    assert not concerns(topic, mine, happened("pty_z"))


def test_a_unit_hears_of_what_is_below_it_by_whole_names() -> None:
    assert is_within("hq/gz/gz-1", "hq/gz")
    assert is_within("hq/gz", "hq/gz")
    assert not is_within("hq/gz-10", "hq/gz-1")
    assert concerns(topic_of("location:hq/"), NOTHING, happened(location="hq/bar"))
    assert not concerns(topic_of("location:hq/bar"), NOTHING, happened(location="hq"))
    assert not concerns(topic_of("location:hq"), NOTHING, happened())


def test_a_queue_hears_of_its_complaints_and_of_any_that_may_have_left_it() -> None:
    kitchen = topic_of("complaints:kitchen")
    assert concerns(kitchen, NOTHING, happened(of=Case("store", None, "kitchen")))
    assert not concerns(kitchen, NOTHING, happened(of=Case("store", "kim", None)))
    assert concerns(kitchen, NOTHING, happened(of=Case("store", "kim", None), moved=True))
    assert concerns(topic_of("complaints:all"), NOTHING, happened(of=Case(None, None, None)))
    assert not concerns(topic_of("complaints:all"), NOTHING, happened("pty_a"))


def test_a_person_and_a_department_hear_of_their_tasks_and_of_any_that_may_have_been_theirs() -> None:
    kim, everybody = topic_of("tasks:kim"), topic_of("tasks:all")
    assert concerns(kim, NOTHING, happened(of=Work("kim", "kitchen")))
    assert concerns(topic_of("tasks:kitchen"), NOTHING, happened(of=Work("kim", "kitchen")))
    assert not concerns(kim, NOTHING, happened(of=Work("lee", "kitchen")))
    assert concerns(kim, NOTHING, happened(of=Work("lee", None), moved=True))
    assert concerns(everybody, NOTHING, happened(of=Work(None, None)))
    assert not concerns(everybody, NOTHING, happened(of=Case("store", "kim", None), moved=True))
    assert not concerns(topic_of("complaints:all"), NOTHING, happened(of=Work("kim", None), moved=True))


def test_a_switch_is_seen_in_the_view_it_was_of() -> None:
    assert switched({"a": 1, "b": 2}, {"a": 1, "b": 3}) == {"b"}
    assert switched({"a": 1}, {"a": 1, "b": 1}) == {"b"}
    assert switched({"a": 1}, {"a": 1}) == NOTHING


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(1, 9)), max_size=50))
async def test_a_burst_is_one_hint_a_topic_and_that_the_newest(told: list[tuple[str, int]]) -> None:
    topics = [Topic("view", name) for name in "abc"]
    stream = Subscriptions().add(topics)
    for name, position in told:
        stream.tell(Hint(Topic("view", name), 1, str(position), None))
    hints = await stream.hints(0) if told else []
    assert {each.topic.name: each.position for each in hints} == {
        name: str(at) for name, at in dict(told).items()
    }
    assert await stream.hints(0) == []


def test_streams_are_bounded_and_those_after_the_end_are_over() -> None:
    streams = Subscriptions()
    opened = [streams.add([Topic("view", "a")]) for _ in range(MOST_STREAMS)]
    with pytest.raises(TooManyStreamsError):
        streams.add([Topic("view", "a")])
    streams.remove(opened[0])
    streams.close()
    assert opened[1].ended
    assert streams.add([Topic("view", "a")]).ended
    asyncio.run(opened[1].pause(60))
