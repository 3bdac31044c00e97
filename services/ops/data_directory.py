"""The data directory of `rapport up`: one process at a time, its secrets, and where a running one is found."""

import fcntl
import json
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Self

_PEPPER_BYTES = 32
_LOCK_ATTEMPTS = 3
_LOCK_PAUSE_SECONDS = 0.02


class DirectoryInUseError(Exception):
    """Another process works on the data directory; the message names it and, once it serves, its address."""


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running `rapport up`: its process, the address it serves on, the URL of its database, and its event log."""

    pid: int
    url: str
    database: str
    log: str = "embedded"

    @classmethod
    def read(cls, file: Path) -> Self | None:
        """What the file says, or None where there is none or it says nothing whole."""
        try:
            return cls(**json.loads(file.read_text()))
        except (OSError, ValueError, TypeError):
            return None


class DataDirectory:
    """A directory of this layout; nothing is made before it is used.

    `postgres/` the embedded PostgreSQL; `identifier-pepper` the secret in every party id (mode 0600); `lock` held by
    the process at work, its pid inside; `run.json` how to reach it while it serves (mode 0600: the URL of the
    database may hold a password); `*.log` what the processes logged.
    """

    def __init__(self, path: Path) -> None:
        self.path = path.absolute()

    @property
    def postgres(self) -> Path:
        """Where the embedded PostgreSQL lives."""
        return self.path / "postgres"

    @contextmanager
    def held(self) -> Iterator[None]:
        """Keeps other processes out until left, or until this process dies.

        Raises `DirectoryInUseError`, or `DataDirectoryError` where the directory cannot be made or written. What an
        earlier process left behind when it was killed is cleared.
        """
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as error:
            raise DataDirectoryError(
                f"the data directory {self.path} cannot be used: {error.strerror}; name another one with --data"
            ) from error
        try:
            self._lock(lock)
            (self.path / "run.json").unlink(missing_ok=True)
            yield
        finally:
            os.close(lock)

    def announce(self, running: Running) -> None:
        """Tells other commands how to reach the running services, until `retract`."""
        _write_private(self.path / "run.json", json.dumps(asdict(running)))

    def retract(self) -> None:
        """Takes back what `announce` told. May be repeated."""
        (self.path / "run.json").unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The process that serves from this directory now; None also where one was killed and left its `run.json`."""
        if not self._is_locked():
            return None
        return Running.read(self.path / "run.json")

    def identifier_pepper(self, given: str | None) -> str:
        """The directory's pepper, made on first use: `given` where there is one, else a random secret.

        Raises `DataDirectoryError` when `given` is not the pepper that the directory's party ids were made with.
        """
        file = self.path / "identifier-pepper"
        if not file.exists():
            _write_private(file, given or secrets.token_urlsafe(_PEPPER_BYTES))
        kept = file.read_text()
        if given is not None and given != kept:
            raise DataDirectoryError(
                f"RAPPORT_IDENTIFIER_PEPPER is not the pepper that {self.path} was made with, and with another one "
                "every known customer would become a stranger; unset it, or name another directory with --data"
            )
        return kept

    def _lock(self, lock: int) -> None:
        try:
            _try_lock(lock)
        except BlockingIOError:
            pid = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            running = Running.read(self.path / "run.json")
            doing = f"serves on {running.url}" if running else "is starting or stopping"
            raise DirectoryInUseError(
                f"the data directory {self.path} is in use: process {pid} {doing}.\n"
                f"Use that one, stop it with `kill {pid}`, or name another directory with --data."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)

    def _is_locked(self) -> bool:
        with suppress(FileNotFoundError):
            lock = os.open(self.path / "lock", os.O_RDONLY)
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
            finally:
                os.close(lock)
        return False


def _try_lock(lock: int) -> None:
    """Locks at once, or after a moment where another command just looked whether it is locked."""
    for _ in range(_LOCK_ATTEMPTS):
        with suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_PAUSE_SECONDS)
    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _write_private(file: Path, text: str) -> None:
    """Writes a file that only its owner may read, so that readers see all of it or none."""
    writing = file.with_name(file.name + ".writing")
    writing.unlink(missing_ok=True)
    with os.fdopen(os.open(writing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
    writing.rename(file)
