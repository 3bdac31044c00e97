"""Keys stay in their partition for ever, so the function may never change."""

from hypothesis import given
from hypothesis import strategies as st

from shared.log.partitioning import partition_of


def test_known_keys_are_where_they_have_always_been() -> None:
    assert [partition_of(key, 12) for key in (b"pty_a", b"complaint:C-1", b"task:T-1", b"")] == [3, 11, 1, 0]


@given(key=st.binary(), partitions=st.integers(1, 1024))
def test_every_key_has_a_partition(key: bytes, partitions: int) -> None:
    assert 0 <= partition_of(key, partitions) < partitions
