"""The first word counts: of what was said about one order, refund or definition, that of the earliest time.

Rows have `time` and `event_id`, and between two words of one time the lesser event id decides. So which one counts is
the same in whatever order they come, and at any later time: a word that comes after the first changes nothing.
"""

from collections.abc import Mapping
from typing import Any, TypeVar

from msgspec import json

R = TypeVar("R", bound=Mapping[str, Any])

_encode = json.Encoder(order="deterministic").encode


def first_word(one: R, other: R) -> R:
    """The one of two rows that counts.

    Two of one time and one event id, which different sources may have sent, are told apart by what they say.
    """
    first, second = (one["time"], one["event_id"]), (other["time"], other["event_id"])
    if first == second:
        return one if _encode(one) <= _encode(other) else other
    return one if first < second else other
