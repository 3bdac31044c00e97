"""The seam through which personal fields pass on their way into the log."""

from typing import Any, NamedTuple, Protocol

from shared.events.vocabulary import PersonalCategory


class Sealing(NamedTuple):
    """What one personal value is bound to: whose it is, of which category, in which event."""

    subject: str
    category: PersonalCategory
    event_id: str


class KeyMissingError(Exception):
    """A value cannot be sealed for want of its subject's key, which may be got from the key store."""


class FieldCipher(Protocol):
    """Turns personal values into what may be written to a log. Does no I/O."""

    def seal(self, value: Any, sealing: Sealing) -> Any:
        """What to store in place of a JSON value: a text that begins with `SEALED_PREFIX`.

        Repeating it may give another text that opens alike. Raises `KeyMissingError`.
        """


class NoCipher:
    """Stores personal values as they are: for logs whose storage is trusted as a whole."""

    def seal(self, value: Any, sealing: Sealing) -> Any:
        """The value itself."""
        del sealing
        return value


class WithoutKeys:
    """Seals nothing: for those who append events that hold no personal data, and must not begin to."""

    def seal(self, value: Any, sealing: Sealing) -> Any:
        """Raises `KeyMissingError`, always."""
        del value
        raise KeyMissingError(sealing.subject)
