"""What one request, and all requests together, may take up."""

from dataclasses import dataclass

from shared.http.problems import Problem
from shared.settings import Settings

BODY_BYTES_AT_ONCE = 48 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request, counted after decompression."""

    event_bytes: int
    request_bytes: int
    request_events: int

    @classmethod
    def of(cls, settings: Settings) -> "Limits":
        """The bounds that the settings give."""
        return cls(settings.event_bytes, settings.request_bytes, settings.request_events)


class BodyMemory:
    """Bounds the bytes of all bodies held at once, so that many large requests cannot exhaust memory."""

    def __init__(self, limit_bytes: int = BODY_BYTES_AT_ONCE) -> None:
        self._limit_bytes = limit_bytes
        self.held_bytes = 0

    def hold(self, size_bytes: int) -> None:
        """Counts bytes as held. Raises `Problem` 503 `overloaded`, and counts none, when they do not fit."""
        if self.held_bytes + size_bytes > self._limit_bytes:
            detail = "too many large requests are being read at once; send this one again in a second"
            raise Problem(503, "overloaded", detail, retry_after_seconds=1)
        self.held_bytes += size_bytes

    def release(self, size_bytes: int) -> None:
        """Counts bytes as free again."""
        self.held_bytes -= size_bytes


def too_large(limits: Limits) -> Problem:
    """The answer to a body over the bound."""
    detail = (
        f"the request is over {limits.request_bytes} bytes, counted after decompression; "
        "post the events in several requests"
    )
    return Problem(413, "too_large", detail)


def too_many(limits: Limits) -> Problem:
    """The answer to more events than a request may hold."""
    detail = f"the request holds more than {limits.request_events} events; post them in several requests"
    return Problem(413, "too_large", detail)
