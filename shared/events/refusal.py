"""Why an event is refused, in words for its sender."""

from typing import ClassVar


class EventRefusedError(Exception):
    """An event that this service does not take; sending it again unchanged cannot help.

    `detail` is readable and names no value of the event; `pointer` is a JSON pointer rooted at the event,
    empty where the whole event is meant.
    """

    code: ClassVar[str]

    def __init__(self, detail: str, pointer: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.pointer = pointer


class SchemaViolationError(EventRefusedError):
    """The event has not the shape of its type."""

    code = "schema_violation"


class UnknownTypeError(EventRefusedError):
    """No event type has this name."""

    code = "unknown_type"


class UnknownVersionError(EventRefusedError):
    """The type has no such version, or `dataschema` names none."""

    code = "unknown_version"


class BadIdentifierError(EventRefusedError):
    """An identifier is not what its type says, or none is left that identifies anybody."""

    code = "bad_identifier"
