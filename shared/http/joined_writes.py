"""One write to the socket for the head and the body of an answer, which uvicorn writes apart."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

_MOST_HELD_BYTES: Final = 64 * 1024


class EndOfTurn:
    """Calls back at the end of the event loop's turn; the loop is asked once for all who wait."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._waiting: list[Callable[[], None]] = []

    def call(self, back: Callable[[], None]) -> None:
        """Calls `back` when what is running and what is due by now is done."""
        if not self._waiting:
            self._loop.call_soon(self._come)
        self._waiting.append(back)

    def _come(self) -> None:
        waiting, self._waiting = self._waiting, []
        for back in waiting:
            try:
                back()
            except Exception as error:  # noqa: BLE001 - as with the loop's own callbacks, the others go on
                self._loop.call_exception_handler(
                    {"message": "a write at the end of the turn failed", "exception": error}
                )


class JoinedWrites:
    """A transport whose writes wait for the end of the event loop's turn and then go out as one.

    A write is a call of the operating system, which costs an answer more than all of its other handling in
    the server. Holds at most 64 KiB back, so a client that reads slowly pauses the writer as it does without.
    """

    def __init__(self, transport: asyncio.Transport, end_of_turn: EndOfTurn) -> None:
        self._transport = transport
        self._end_of_turn = end_of_turn
        self._held: list[bytes] = []
        self._held_bytes = 0
        self.is_closing = transport.is_closing

    def write(self, data: bytes) -> None:
        """Takes what is to be sent, in order."""
        if not self._held:
            self._end_of_turn.call(self._flush)
        self._held.append(data)
        self._held_bytes += len(data)
        if self._held_bytes > _MOST_HELD_BYTES:
            self._flush()

    def write_eof(self) -> None:
        """Sends what is held, and that no more will come."""
        self._flush()
        self._transport.write_eof()

    def close(self) -> None:
        """Sends what is held, then closes."""
        self._flush()
        self._transport.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def _flush(self) -> None:
        held = self._held
        if held:
            self._held = []
            self._held_bytes = 0
            self._transport.write(held[0] if len(held) == 1 else b"".join(held))
