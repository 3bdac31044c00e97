import asyncio
import base64
import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from shared.field_cipher import Sealing
from shared.metrics import Metrics
from shared.personal_data.data_key import DataKey, SealBrokenError, key_id_of, new_data_key
from shared.personal_data.opener import Opener, SealedValue
from shared.personal_data.subject_keys import followed_keys
from tests.fakes.memory_key_store import MemoryKeyStore

JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(),
    lambda values: st.lists(values, max_size=4) | st.dictionaries(st.text(), values, max_size=4),
    max_leaves=8,
)
NOTE = Sealing("pty_a", "free_text", "e1")
OTHERS = [
    Sealing("pty_b", "free_text", "e1"),
    Sealing("pty_a", "health", "e1"),
    Sealing("pty_a", "free_text", "e2"),
]


def counted(size: int) -> bytes:
    return bytes(range(size))


KEY = new_data_key("pty_a", counted)


@pytest.fixture
def chance() -> random.Random:
    return random.Random(1)


@given(value=JSON_VALUES)
def test_a_sealed_value_opens_to_what_it_was(value: Any) -> None:
    sealed = KEY.seal(value, NOTE, random.Random(7).randbytes)
    assert KEY.open(sealed, NOTE) == value
    assert key_id_of(sealed) == KEY.key_id


def test_a_sealed_text_is_version_key_id_nonce_and_ciphertext() -> None:
    sealed = KEY.seal("rang twice", NOTE, counted)
    assert sealed == ("sealed:AQABAgMEBQYHCAkKCwwNDg8AAQIDBAUGBwgJCgtlcLd1osW2bOQi8qnrM0p8_ufd_FIBDXoygADf")
    parts = base64.urlsafe_b64decode(sealed.removeprefix("sealed:") + "==")
    assert (parts[:1], parts[1:17], parts[17:29]) == (b"\x01", KEY.key_id, counted(12))
    assert len(parts) == 1 + 16 + 12 + len(b'"rang twice"') + 16


def test_the_same_value_never_looks_the_same_twice(chance: random.Random) -> None:
    assert KEY.seal("x", NOTE, chance.randbytes) != KEY.seal("x", NOTE, chance.randbytes)


@pytest.mark.parametrize("elsewhere", OTHERS)
def test_a_value_moved_to_another_subject_category_or_event_does_not_open(elsewhere: Sealing) -> None:
    with pytest.raises(SealBrokenError):
        KEY.open(KEY.seal("x", NOTE, counted), elsewhere)


def test_a_value_altered_in_any_character_does_not_open() -> None:
    sealed = KEY.seal("rang twice", NOTE, counted)
    for place in range(len(sealed)):
        for altered in (
            sealed[:place] + ("A" if sealed[place] != "A" else "B") + sealed[place + 1 :],
            sealed[:place] + sealed[place + 1 :],
            sealed[:place] + "!" + sealed[place:],
        ):
            with pytest.raises(SealBrokenError):
                KEY.open(altered, NOTE) if key_id_of(altered) == KEY.key_id else _other(altered)


def _other(altered: str) -> None:
    DataKey(key_id_of(altered), "pty_a", bytes(32)).open(altered, NOTE)


@given(text=st.text())
def test_any_other_text_is_no_sealed_value_and_nothing_else(text: str) -> None:
    with pytest.raises(SealBrokenError):
        key_id_of(f"sealed:{text}")


def test_a_key_shows_no_secret_of_itself() -> None:
    assert KEY.secret.hex() not in repr(KEY)
    assert repr(KEY.secret) not in repr(KEY)


async def test_a_page_opens_with_one_question_and_what_cannot_be_opened_is_absent(
    chance: random.Random,
) -> None:
    store, metrics = MemoryKeyStore(), Metrics(CollectorRegistry()).personal_data
    async with followed_keys(store) as keys:
        cipher = await keys.cipher_of([f"pty_{n}" for n in range(4)])
        page = [
            SealedValue(cipher.seal(n, sealing), sealing)
            for n in range(4)
            for sealing in (Sealing(f"pty_{n}", "identity", "e"),)
        ]
        moved = page[2]._replace(sealing=page[2].sealing._replace(event_id="f"))
        store.destroy("pty_1")
        plain = SealedValue("written before there were keys", NOTE)
        broken = SealedValue("sealed:x", NOTE)
        unknown = SealedValue(new_data_key("pty_9", chance.randbytes).seal(1, NOTE, counted), NOTE)
        store.asked = 0
        async with followed_keys(store) as reading:
            opened = await Opener(reading, metrics).open([*page[:2], moved, page[3], plain, broken, unknown])
    assert opened == [0, None, None, 3, "written before there were keys", None, None]
    assert store.asked == 1
    assert metrics.unopened.labels("no_key")._value.get() == 2
    assert metrics.unopened.labels("broken")._value.get() == 2


async def test_requests_that_need_keys_at_the_same_time_ask_together() -> None:
    store = MemoryKeyStore()
    async with followed_keys(store) as keys:
        await asyncio.gather(*(keys.cipher_of([f"pty_{n}"]) for n in range(50)))
    assert store.asked == 1
