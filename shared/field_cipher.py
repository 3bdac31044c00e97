"""The seam through which personal fields pass on their way into the log and out to a reader."""

from typing import Any, NamedTuple, Protocol

from shared.events.vocabulary import PersonalCategory


class Sealing(NamedTuple):
    """What one personal value is bound to: whose it is, of which category, in which event."""

    subject: str
    category: PersonalCategory
    event_id: str


class FieldCipher(Protocol):
    """Turns personal values into what may be written to a log, and back."""

    def seal(self, value: Any, sealing: Sealing) -> Any:
        """What to store in place of a JSON value: a text that begins with `SEALED_PREFIX`.

        Repeating it may give another text that opens alike.
        """

    def open(self, sealed: Any, sealing: Sealing) -> Any:
        """The value behind `sealed`, or None where the subject's key is gone."""


class NoCipher:
    """Stores personal values as they are: for logs whose storage is trusted as a whole."""

    def seal(self, value: Any, sealing: Sealing) -> Any:
        """The value itself."""
        del sealing
        return value

    def open(self, sealed: Any, sealing: Sealing) -> Any:
        """The value itself."""
        del sealing
        return sealed
