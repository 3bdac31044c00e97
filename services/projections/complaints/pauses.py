"""The pauses of a complaint's clock (C2): the stretches in which its customer was asked, found in its history. Pure.

A clock keeps what its pauses come to; where each began and ended stands in the entries of the very events that paused
and resumed it. Times are microseconds.
"""

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from services.projections.complaints.states import State
from services.projections.moments import microseconds_of
from services.projections.read_models.declaration import Row
from shared.events.complaint import (
    ComplaintCustomerAwaited,
    ComplaintCustomerReplied,
    ComplaintReopened,
    ComplaintResolved,
    ComplaintWithdrawn,
)

PauseReason = Literal["waiting_for_customer"]
"""Why a clock stands still. That nobody is at work is no pause: closed hours never count in the first place."""
WAITING: PauseReason = "waiting_for_customer"
"""The only reason, and the state in which a complaint has it."""
TURNS = tuple(
    each.TYPE
    for each in (
        ComplaintCustomerAwaited,
        ComplaintCustomerReplied,
        ComplaintResolved,
        ComplaintWithdrawn,
        ComplaintReopened,
    )
)
"""The types of events between which pauses and rounds lie."""


class Step(NamedTuple):
    """An event that changed a complaint, or may have: the state after it, and the time it counted for (C9)."""

    type: str
    state_after: State
    time: int


class Pause(NamedTuple):
    """A stretch in which the customer was asked, in a round of the complaint; `end` is None while it goes on."""

    round: int
    start: int
    end: int | None


def steps_of(entries: Iterable[Row]) -> Iterator[Step]:
    """The steps of a whole history, by number."""
    latest: int | None = None
    for each in entries:
        if each["anomaly"] is not None:
            continue
        if latest is None or not each["went_back"]:
            latest = microseconds_of(each["time"])
        yield Step(each["type"], each["state_after"], latest)


def pauses_of(steps: Iterable[Step], last_round: int) -> list[Pause]:
    """The pauses in a history's steps, in their order; of steps, those of `TURNS` are enough.

    They may begin in mid-history, as long as they end with it: rounds are counted back from `last_round`.
    """
    known = list(steps)
    number = last_round - sum(each.type == ComplaintReopened.TYPE for each in known)
    found: list[Pause] = []
    start: int | None = None
    for each in known:
        number += each.type == ComplaintReopened.TYPE
        if each.state_after == WAITING:
            start = each.time if start is None else start
        elif start is not None:
            found.append(Pause(number, start, each.time))
            start = None
    return found if start is None else [*found, Pause(number, start, None)]
