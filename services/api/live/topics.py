"""What a client wants to hear of, and which change is of it. Pure."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from shared.identifiers import party_id_of

Kind = Literal["customer", "location", "complaints", "tasks", "view"]
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

MOST_TOPICS: Final = 50
"""Topics of one stream; a screen has one or two, and a browser one stream for all its screens."""
MOST_CHARACTERS: Final = 300

EVERYWHERE: Final = "all"
"""The name of a topic of complaints, tasks or views that hears of each."""


class Topic(NamedTuple):
    """`customer:ID`, `location:PATH` (at that unit or below it), `complaints:QUEUE` (a level, a person or a department,
    or `all`), `tasks:ASSIGNEE` (a person or a department, or `all`) or `view:NAME` (a view, or `all`).
    """

    kind: Kind
    name: str

    def __str__(self) -> str:
        """As clients write it."""
        return f"{self.kind}:{self.name}"


class InvalidTopicError(ValueError):
    """A text is no topic; the message says what one looks like."""


def topic_of(text: str) -> Topic:
    """The topic that a text names. Raises `InvalidTopicError`."""
    kind, colon, name = text.partition(":")
    found = next((each for each in KINDS if each == kind), None)
    if found is None or not colon or not name or len(text) > MOST_CHARACTERS or "\0" in name:
        shown = text[:40]
        raise InvalidTopicError(
            f"not {shown!r}; customer:ID, location:PATH, complaints:QUEUE (a level, person or department, or all), "
            "tasks:ASSIGNEE (a person or department, or all) or view:NAME (or all)"
        )
    if found == "customer":
        try:
            party_id_of(name)
        except ValueError as error:
            raise InvalidTopicError(str(error)) from error
    return Topic(found, name.strip("/") if found == "location" else name)


class Case(NamedTuple):
    """A complaint as it stands after what happened: the queues that it is in."""

    level: str | None
    person: str | None
    department: str | None


class Work(NamedTuple):
    """A task as it stands after what happened: whose it is."""

    person: str | None
    department: str | None


class Happened(NamedTuple):
    """One event, as far as hints depend on it.

    `parties` are all that it names, and those that its case or task is of. `moved` says that its complaint or task may
    have left a queue, which that itself no longer tells.
    """

    parties: frozenset[str]
    location: str | None
    of: Case | Work | None
    moved: bool


def concerns(topic: Topic, parties: frozenset[str], happened: Happened) -> bool:
    """Whether an event is of a topic; `parties` are those of the topic's customer. Views are not told by events."""
    if topic.kind == "customer":
        return not parties.isdisjoint(happened.parties)
    if topic.kind == "location":
        return happened.location is not None and is_within(happened.location, topic.name)
    if topic.kind == "complaints" and isinstance(happened.of, Case):
        return happened.moved or topic.name == EVERYWHERE or topic.name in happened.of
    if topic.kind == "tasks" and isinstance(happened.of, Work):
        return happened.moved or topic.name == EVERYWHERE or topic.name in happened.of
    return False


def is_within(location: str, unit: str) -> bool:
    """Whether a location is a unit or below it, by whole names: `hq/gz-10` is not below `hq/gz-1`."""
    return location == unit or location.startswith(f"{unit}/")


def switched(before: Mapping[str, object], after: Mapping[str, object]) -> frozenset[str]:
    """The views of which something else is told than before, as another generation."""
    return frozenset(view for view in {*before, *after} if before.get(view) != after.get(view))


def is_of_view(topic: Topic, changed: frozenset[str]) -> bool:
    """Whether one of these views is a topic's."""
    return bool(changed) if topic.name == EVERYWHERE else topic.name in changed
