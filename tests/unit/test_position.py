import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.position import InvalidPositionError, Position

positions = st.dictionaries(st.integers(0, 99_999), st.integers(0, 2**63 - 1), max_size=20).map(Position)


@given(position=positions)
def test_a_token_read_back_is_the_position_it_was_written_for(position: Position) -> None:
    assert Position.parse(position.token()) == position


def test_the_position_before_every_event_is_written_as_zero() -> None:
    assert Position({}).token() == "0"
    assert Position.parse("0") == Position({})


@pytest.mark.parametrize(
    "token",
    [
        "",
        "1",
        "a",
        "0:",
        ":1",
        "0:1,",
        "0:1,0:2",
        "0:-1",
        "0:1 ",
        "0:1\n",
        "\u0660:\u0661",
        f"0:{2**63}",
        "0:1," * 3000 + "9:9",
    ],
)
def test_a_token_that_nobody_wrote_is_refused_and_says_what_to_send(token: str) -> None:
    with pytest.raises(InvalidPositionError, match="send back a Rapport-Position unchanged"):
        Position.parse(token)


def test_a_written_position_includes_each_event_written() -> None:
    written = Position.of_written([(0, 4), (3, 0), (0, 2)])
    assert written == Position({0: 5, 3: 1})


@given(one=positions, other=positions)
def test_positions_include_each_other_only_when_they_are_alike(one: Position, other: Position) -> None:
    both_ways = one.includes(other) and other.includes(one)
    partitions = one.offsets.keys() | other.offsets.keys()
    assert both_ways == all(one.offsets.get(each, 0) == other.offsets.get(each, 0) for each in partitions)


@given(one=positions, other=positions, third=positions)
def test_including_is_passed_on(one: Position, other: Position, third: Position) -> None:
    if one.includes(other) and other.includes(third):
        assert one.includes(third)
