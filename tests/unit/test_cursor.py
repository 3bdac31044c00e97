"""Cursors are opaque, authenticated, and good for one list only."""

from datetime import UTC, datetime

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from services.api.cursor import Cursors, EntryKey, InvalidCursorError

CURSORS = Cursors("a secret of the deployment")
TIMELINE = ("/v1/customers/{id}/timeline", "pty_1", None, "purchase.completed")

entry_keys = st.builds(
    EntryKey,
    st.datetimes(timezones=st.just(UTC)),
    st.integers(0, 65_535),
    st.integers(0, 2**63 - 1),
)
bindings = st.lists(st.none() | st.text(max_size=10), max_size=6).map(tuple)


@given(entry_keys, bindings)
def test_a_cursor_reads_as_it_was_written(last: EntryKey, bound_to: tuple[str | None, ...]) -> None:
    token = CURSORS.write(last, bound_to)
    assert CURSORS.read(token, bound_to) == last
    assert CURSORS.write(last, bound_to) == token
    assert token.isascii()
    assert len(token) <= 64


@given(entry_keys, st.data())
def test_any_mutation_of_a_cursor_is_refused(last: EntryKey, data: st.DataObject) -> None:
    token = CURSORS.write(last, TIMELINE)
    start = data.draw(st.integers(0, len(token)))
    end = data.draw(st.integers(start, len(token)))
    base64_like = st.text("ABab09-_+/=", max_size=4)
    mutated = token[:start] + data.draw(base64_like | st.text(max_size=4)) + token[end:]
    assume(mutated != token)
    with pytest.raises(InvalidCursorError):
        CURSORS.read(mutated, TIMELINE)


@pytest.mark.parametrize("other_spelling", [("-", "+"), ("_", "/")])
def test_a_cursor_has_one_spelling(other_spelling: tuple[str, str]) -> None:
    tokens = (CURSORS.write(EntryKey(datetime(2024, 1, 1, tzinfo=UTC), 0, n), TIMELINE) for n in range(200))
    character, other = other_spelling
    token = next(token for token in tokens if character in token)
    with pytest.raises(InvalidCursorError):
        CURSORS.read(token.replace(character, other), TIMELINE)


@given(entry_keys, bindings, bindings)
def test_a_cursor_of_another_list_is_refused(
    last: EntryKey, one: tuple[str | None, ...], other: tuple[str | None, ...]
) -> None:
    assume(one != other)
    with pytest.raises(InvalidCursorError):
        CURSORS.read(CURSORS.write(last, one), other)


@given(entry_keys)
def test_a_cursor_of_another_deployment_is_refused(last: EntryKey) -> None:
    with pytest.raises(InvalidCursorError):
        CURSORS.read(Cursors("another secret").write(last, TIMELINE), TIMELINE)


@given(st.text())
def test_whatever_text_is_sent_as_a_cursor_is_refused(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        CURSORS.read(text, TIMELINE)
