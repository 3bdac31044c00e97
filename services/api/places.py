"""Cursors of lists whose place is a tuple: written into pages, and read from requests as the problem they may be."""

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from services.api.cursor import Cursors, InvalidCursorError
from shared.http.problems import Problem

P = TypeVar("P")


def sealed(place: tuple[object, ...] | None, bound_to: Sequence[str | None], cursors: Cursors) -> str | None:
    """The cursor that continues after a place of the list `bound_to`; None for no place."""
    return None if place is None else cursors.seal(msgspec.json.encode(place), bound_to)


def opened(token: str | None, place: type[P], bound_to: Sequence[str | None], cursors: Cursors) -> P | None:
    """The place that a cursor of the list `bound_to` stands for. Raises the problem 422 `invalid_cursor`."""
    if token is None:
        return None
    try:
        return msgspec.json.decode(cursors.open(token, bound_to), type=place)
    except InvalidCursorError as error:
        raise Problem(422, "invalid_cursor", str(error)) from error
