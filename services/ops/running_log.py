"""The log file of a process that serves with a screen of its own."""

import io
import os
from pathlib import Path
from typing import Final, TextIO, cast

_MOST_BYTES: Final = 10 * 1024 * 1024


def bounded_log(path: Path) -> TextIO:
    """A `BoundedLogFile` for loggers, whose libraries ask for a `TextIO`."""
    return cast("TextIO", BoundedLogFile(path))


class BoundedLogFile(io.TextIOBase):
    """Text appended to a file; at 10 MiB it becomes `NAME.1`, in place of the one before, and a new one begins.

    Each line is written at once.
    """

    def __init__(self, path: Path, most_bytes: int = _MOST_BYTES) -> None:
        self._path = path
        self._most_bytes = most_bytes
        self._file = self._open()

    def write(self, text: str) -> int:
        """Appends `text`. Raises nothing when the disk is full: a log must not stop what it is about."""
        try:
            if self._file.tell() + len(text) > self._most_bytes:
                self._file.close()
                self._path.replace(self._path.with_name(self._path.name + ".1"))
                self._file = self._open()
            return self._file.write(text)
        except OSError:
            return 0

    def close(self) -> None:
        """Closes the file. May be repeated."""
        self._file.close()
        super().close()

    def _open(self) -> TextIO:
        descriptor = os.open(self._path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        return os.fdopen(descriptor, "a", buffering=1, encoding="utf-8", errors="replace")
