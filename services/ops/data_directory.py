"""The data directory of `rapport up`: one process at a time, its secrets, and where a running one is found."""

import base64
import fcntl
import json
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

from shared.settings import MASTER_KEY_BYTES

_PEPPER_BYTES = 32


class DirectoryInUseError(Exception):
    """Another process works on the data directory; the message names it and, once it serves, its address."""


class DataDirectoryError(Exception):
    """The data directory cannot be used; the message says why and what to do."""


@dataclass(frozen=True, slots=True)
class Running:
    """A running `rapport up`: its process, the address it serves on, the URL of its database, and its event log.

    `asks_for_keys` is whether requests needed a credential when it began to serve.
    """

    pid: int
    url: str
    database: str
    log: str = "embedded"
    asks_for_keys: bool = False


class DataDirectory:
    """A directory of this layout; nothing is made before it is used.

    `postgres/` the embedded PostgreSQL; `identifier-pepper` the secret in every party id and `master-key` the one that
    wraps the keys of personal data (both mode 0600); `lock` held by the process at work, its pid inside; `run.json` how
    to reach it, itself locked by the process that serves (mode 0600: the URL of the database may hold a password);
    `*.log` what the processes logged.
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

    @contextmanager
    def announced(self, running: Running) -> Iterator[None]:
        """Tells other commands how to reach the running services, until left, or until this process dies."""
        file = self.path / "run.json"
        with _written_private(file, json.dumps(asdict(running))):
            try:
                yield
            finally:
                file.unlink(missing_ok=True)

    def running(self) -> Running | None:
        """The process that serves from this directory now; None also where one was killed and left its `run.json`.

        The file itself is locked as long as its writer lives. The lock of the directory would not tell: a successor
        of a killed process holds that for a moment before it has cleared the file of the killed one.
        """
        try:
            with (self.path / "run.json").open() as file:
                return Running(**json.load(file)) if _is_locked(file.fileno()) else None
        except (OSError, ValueError, TypeError):  # no file, or one of another version of the program
            return None

    def identifier_pepper(self, given: str | None) -> str:
        """The directory's pepper, made on first use: `given` where there is one, else a random secret.

        Raises `DataDirectoryError` when `given` is not the pepper that the directory's party ids were made with.
        """
        file = self.path / "identifier-pepper"
        if not file.exists():
            with _written_private(file, given or secrets.token_urlsafe(_PEPPER_BYTES)):
                pass
        kept = file.read_text()
        if given is not None and given != kept:
            raise DataDirectoryError(
                f"RAPPORT_IDENTIFIER_PEPPER is not the pepper that {self.path} was made with, and with another one "
                "every known customer would become a stranger; unset it, or name another directory with --data"
            )
        return kept

    def master_key(self, given: str | None, previous: str | None) -> str:
        """The master key to use: `given` where there is one, else the directory's own, made on first use.

        Raises `DataDirectoryError` when `given` is another than the directory's own and that is not `previous` either.
        """
        file = self.path / "master-key"
        kept = self.kept_master_key()
        if given is not None:
            if kept is not None and kept not in (given, previous):
                raise DataDirectoryError(
                    f"RAPPORT_MASTER_KEY is not the one that {self.path} was made with, and with another one personal "
                    "data could not be read; unset it, or to rotate, set RAPPORT_PREVIOUS_MASTER_KEY to what "
                    f"{file} holds"
                )
            return given
        if kept is None:
            kept = base64.b64encode(secrets.token_bytes(MASTER_KEY_BYTES)).decode()
            with _written_private(file, kept):
                pass
        return kept

    def kept_master_key(self) -> str | None:
        """The directory's own master key; None where it has made none."""
        file = self.path / "master-key"
        return file.read_text() if file.exists() else None

    def replace_master_key(self, used: str) -> None:
        """Keeps `used` in place of the directory's own master key, once everything is wrapped with it."""
        if (self.path / "master-key").exists():
            with _written_private(self.path / "master-key", used):
                pass

    def _lock(self, lock: int) -> None:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            pid = os.pread(lock, 32, 0).decode(errors="replace").strip() or "unknown"
            running = self.running()
            doing = f"serves on {running.url}" if running else "is starting or stopping"
            raise DirectoryInUseError(
                f"the data directory {self.path} is in use: process {pid} {doing}.\n"
                f"Use that one, stop it with `kill {pid}`, or name another directory with --data."
            ) from None
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)


def _is_locked(file: int) -> bool:
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    return False


@contextmanager
def _written_private(file: Path, text: str) -> Iterator[None]:
    """Writes a file that only its owner may read, so that readers see all of it or none; keeps it locked until left."""
    writing = file.with_name(file.name + ".writing")
    writing.unlink(missing_ok=True)
    with os.fdopen(os.open(writing, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as out:
        fcntl.flock(out, fcntl.LOCK_EX | fcntl.LOCK_NB)
        out.write(text)
        out.flush()
        os.fsync(out.fileno())
        writing.rename(file)
        yield
