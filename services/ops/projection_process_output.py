"""What the projection process says on its standard output: where it serves its metrics, and its last words."""

import asyncio
from contextlib import suppress

_MOST_BYTES = 4096


class ProcessOutput:
    """Reads one run's output to its end, keeping no more of it than its end."""

    def __init__(self, stream: asyncio.StreamReader) -> None:
        self.port: int | None = None
        """Where it serves, on loopback; None before it does."""
        self._stream = stream

    async def read(self) -> str:
        """The last words, once there is no more output."""
        said = b""
        while chunk := await self._stream.read(_MOST_BYTES):
            said = (said + chunk)[-_MOST_BYTES:]
            if self.port is None:
                said = self._without_port(said)
        return said.decode(errors="replace").strip()

    def _without_port(self, said: bytes) -> bytes:
        line, end, rest = said.partition(b"\n")
        if end and line.startswith(b"serving "):
            with suppress(ValueError):
                self.port = int(line.removeprefix(b"serving "))
                return rest
        return said
