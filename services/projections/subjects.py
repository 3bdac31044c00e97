"""Whose event is it? One rule for every view that is kept by customer."""

from typing import Any, NamedTuple

from shared.envelope import RecordedEvent
from shared.events.task import TaskCreated


class Subjects(NamedTuple):
    """`subject` is a party id, or the stream key of a case. `case_subject` is a case the event ties to it, or None."""

    subject: str
    case_subject: str | None


def subjects_of(event: RecordedEvent[Any]) -> Subjects:
    """Whose event it is, and the case it ties to that subject.

    The party of the strongest identifier; for loyalty events the account's party. An event of a complaint or a task
    that names no customer is the case's own, or for a new task the complaint's it is for; readers follow the ties from
    parties to their complaints and tasks.
    """
    key = event.stream_key
    if not key.startswith(("complaint:", "task:")):
        return Subjects(key if event.type.startswith("loyalty.") else event.party_id or key, None)
    if event.party_id is not None:
        return Subjects(event.party_id, key)
    if isinstance(event.data, TaskCreated) and event.data.complaint_id is not None:
        return Subjects(f"complaint:{event.data.complaint_id}", key)
    return Subjects(key, None)
