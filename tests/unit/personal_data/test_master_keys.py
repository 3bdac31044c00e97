import random
import re

import pytest

from shared.personal_data.data_key import new_data_key
from shared.personal_data.master_keys import MasterKeys, UnusableKeyError, master_keys_of
from shared.settings_errors import WrongSettingsError, load_settings
from tests.fakes.memory_key_store import MASTER_KEY

OLD, NEW = bytes(32), bytes([1] * 32)
RANDOM = random.Random(3).randbytes
KEY = new_data_key("pty_a", RANDOM)


def test_what_a_master_key_wrapped_it_unwraps_also_once_another_has_taken_its_place() -> None:
    old, both = MasterKeys(OLD), MasterKeys(NEW, [OLD])
    wrapped = old.wrap(KEY, RANDOM)
    assert KEY.secret not in wrapped
    assert both.unwrap(wrapped, old.current_id, KEY.key_id, KEY.subject) == KEY
    assert both.current_id != old.current_id


def test_another_master_key_says_which_one_is_wanted() -> None:
    old = MasterKeys(OLD)
    with pytest.raises(UnusableKeyError, match=rf"{old.current_id}.*RAPPORT_PREVIOUS_MASTER_KEY"):
        MasterKeys(NEW).unwrap(old.wrap(KEY, RANDOM), old.current_id, KEY.key_id, KEY.subject)


@pytest.mark.parametrize(("key_id", "subject"), [(bytes(16), "pty_a"), (KEY.key_id, "pty_b")])
def test_a_wrapped_key_in_anothers_row_is_unusable(key_id: bytes, subject: str) -> None:
    masters = MasterKeys(NEW)
    with pytest.raises(UnusableKeyError, match="altered"):
        masters.unwrap(masters.wrap(KEY, RANDOM), masters.current_id, key_id, subject)


def settings(**given: str) -> object:
    return load_settings(database_url="postgresql://", identifier_pepper="a-pepper-for-tests", **given)


def test_a_service_that_needs_a_master_key_says_what_is_not_set() -> None:
    with pytest.raises(WrongSettingsError, match=r"RAPPORT_MASTER_KEY is not set.*base64 of 32 random bytes"):
        master_keys_of(load_settings(database_url="postgresql://", identifier_pepper="a-pepper-for-tests"))


@pytest.mark.parametrize(
    ("value", "told"), [("hush!", "is not base64"), ("aHVzaA==", "is base64 of 4 bytes, not 32")]
)
def test_a_wrong_master_key_is_named_and_never_shown(value: str, told: str) -> None:
    with pytest.raises(WrongSettingsError) as refused:
        settings(master_key=value)
    assert re.search(rf"RAPPORT_MASTER_KEY \(a secret, not shown\): {told}", str(refused.value))
    assert value not in str(refused.value)


def test_an_empty_previous_master_key_is_none() -> None:
    loaded = load_settings(
        database_url="postgresql://", identifier_pepper="a-pepper-for-tests", master_key=MASTER_KEY,
        previous_master_key="",
    )  # fmt: skip
    assert len(master_keys_of(loaded).ids) == 1
