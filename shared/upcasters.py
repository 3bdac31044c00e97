"""Old versions of event types, and how each becomes the next one."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from shared.events.data import EventData


@dataclass(frozen=True, slots=True)
class Upcaster:
    """Turns the `data` of one version of a type into that of the next version.

    `older` is the class of the old version: it validates events that are still posted in it and gives their
    schema. `upcast` takes and returns `data` as JSON objects; it is pure, may change the object it is given,
    and does not look into personal fields, which may be sealed.
    """

    older: type[EventData]
    upcast: Callable[[dict[str, Any]], dict[str, Any]]


UPCASTERS: tuple[Upcaster, ...] = ()
"""Every type is at its first version."""
