"""The answer to a request: one result an event, in the order sent."""

from collections.abc import Sequence
from typing import Literal, NamedTuple

from msgspec import UNSET, Struct, UnsetType

from shared.log.port import Appended
from shared.position import token_of_written
from shared.refusal import Refusal


class Accepted(Struct, frozen=True):
    """An event on stable storage."""

    event_id: str
    place: Appended


class RepeatOf(NamedTuple):
    """An event whose (source, id) the request names before, at index `first`."""

    event_id: str
    first: int


Outcome = Accepted | RepeatOf | Refusal


class EventError(Struct):
    """Why an event was rejected; where `retryable`, the same event may be sent again and be accepted."""

    code: str
    detail: str
    pointer: str | UnsetType
    retryable: bool


class EventResult(Struct):
    """What became of the event at `index` of the request; `id` is null where it could not be read."""

    index: int
    id: str | None
    status: Literal["accepted", "duplicate", "rejected"]
    error: EventError | UnsetType = UNSET


class Answer(Struct):
    """The whole answer; `position` includes every event that was accepted, and is `0` where none was."""

    accepted: int
    duplicates: int
    rejected: int
    position: str
    results: list[EventResult]

    def status(self) -> int:
        """202 when nothing was rejected, so also for no events; 207 when some were; 422 when all were."""
        if self.rejected == 0:
            return 202
        return 207 if self.accepted else 422


def answer_of(outcomes: Sequence[Outcome]) -> Answer:
    """The answer. A repeat within the request is a duplicate, and shares the fate of the first."""
    results: list[EventResult] = []
    written: list[Appended] = []
    duplicates = rejected = 0
    for index, outcome in enumerate(outcomes):
        if isinstance(outcome, Accepted):
            written.append(outcome.place)
            results.append(EventResult(index, outcome.event_id, "accepted"))
            continue
        decisive = outcomes[outcome.first] if isinstance(outcome, RepeatOf) else outcome
        if isinstance(decisive, Refusal):
            rejected += 1
            pointer = decisive.pointer or UNSET
            error = EventError(decisive.code, decisive.detail, pointer, decisive.retryable)
            results.append(EventResult(index, decisive.event_id, "rejected", error))
        else:
            duplicates += 1
            results.append(EventResult(index, decisive.event_id, "duplicate"))
    return Answer(len(written), duplicates, rejected, token_of_written(written), results)
