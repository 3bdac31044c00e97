"""The request headers that ask for freshness: `Rapport-At-Least`, and `Prefer: wait=SECONDS` (RFC 7240)."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, NamedTuple

from shared.http.problems import Problem
from shared.position import InvalidPositionError, Position

DEFAULT_WAIT_SECONDS: Final = 2
MOST_WAIT_SECONDS: Final = 30
_WAIT: Final = re.compile(rb'(?:^|,)\s*wait\s*=\s*"?([0-9]{1,9})"?\s*(?:[;,]|$)', re.IGNORECASE)


class Freshness(NamedTuple):
    """The position a read must include, how long to wait, and the wait to confirm where one was named."""

    at_least: Position
    wait_seconds: int
    applied: str | None


def freshness_of(headers: Sequence[tuple[bytes, bytes]]) -> Freshness | None:
    """What the request asks for, or None. A malformed `Prefer` is ignored, as RFC 7240 wants it.

    Raises the problem 422 `invalid_position`.
    """
    tokens = [value for name, value in headers if name == b"rapport-at-least"]
    if not tokens:
        return None
    try:
        at_least = Position.parse(b",".join(tokens).decode("latin-1").strip())
    except InvalidPositionError as error:
        raise Problem(422, "invalid_position", f"Rapport-At-Least: {error}") from error
    return Freshness(at_least, *wait_of(headers))


def wait_of(headers: Iterable[tuple[bytes, bytes]]) -> tuple[int, str | None]:
    """The seconds the request is ready to wait, and the preference to confirm where it named one."""
    match = _WAIT.search(b",".join(value for name, value in headers if name == b"prefer"))
    if match is None:
        return DEFAULT_WAIT_SECONDS, None
    seconds = min(int(match[1]), MOST_WAIT_SECONDS)
    return seconds, f"wait={seconds}"
