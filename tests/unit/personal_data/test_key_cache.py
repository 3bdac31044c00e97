from shared.personal_data.data_key import DataKey
from shared.personal_data.key_cache import LIFETIME_SECONDS, KeyCache


def key(number: int, key_id: int | None = None) -> DataKey:
    return DataKey(bytes([number if key_id is None else key_id] * 16), f"pty_{number}", bytes(32))


def test_a_key_is_found_by_subject_and_id_until_its_time_is_over() -> None:
    now = [0.0]
    cache = KeyCache(lambda: now[0])
    cache.keep([key(1)])
    now[0] = LIFETIME_SECONDS - 1
    assert cache.of_subject("pty_1") == cache.of_id(bytes([1] * 16)) == key(1)
    now[0] = LIFETIME_SECONDS
    assert cache.of_subject("pty_1") is None
    assert cache.of_id(bytes([1] * 16)) is None


def test_beyond_its_bound_the_keys_kept_longest_make_room() -> None:
    cache = KeyCache(lambda: 0.0, most_keys=2)
    cache.keep([key(1), key(2)])
    cache.keep([key(1)])
    cache.keep([key(3)])
    assert len(cache) == 2
    assert [n for n in (1, 2, 3) if cache.of_subject(f"pty_{n}")] == [1, 3]


def test_a_dropped_key_is_found_neither_way_and_dropping_an_old_key_leaves_the_new_one() -> None:
    cache = KeyCache(lambda: 0.0)
    cache.keep([key(1)])
    cache.drop(key(1).key_id)
    cache.drop(key(1).key_id)
    assert (cache.of_subject("pty_1"), cache.of_id(key(1).key_id)) == (None, None)
    cache.keep([key(1), key(1, key_id=9)])
    cache.drop(key(1).key_id)
    assert cache.of_subject("pty_1") == key(1, key_id=9)
