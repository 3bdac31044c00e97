"""Child processes of a run: started with a bounded wait until they answer, ended by their own id."""

import asyncio
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import psutil

from tests.bench.measurement import BenchError

_START_SECONDS = 60.0
_STOP_SECONDS = 15.0
_PROBE_SECONDS = 0.05
_TAIL_CHARACTERS = 2000

Ready = Callable[[], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Child:
    """A running child process; its output goes to `output`."""

    name: str
    process: asyncio.subprocess.Process
    output: Path

    def processor_seconds(self) -> float:
        """The processor time it has used so far, in user and system mode."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def check_alive(self) -> None:
        """Raises `BenchError` with the end of its output when the process has ended."""
        if self.process.returncode is not None:
            tail = self.output.read_text(errors="replace")[-_TAIL_CHARACTERS:].strip()
            raise BenchError(f"{self.name} ended with exit code {self.process.returncode}: {tail}")


@asynccontextmanager
async def child(
    name: str,
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    directory: Path,
    output: Path,
    ready: Ready | None = None,
    start_seconds: float = _START_SECONDS,
) -> AsyncIterator[Child]:
    """Starts `command`, waits until `ready` says so, and ends the process when the context is left.

    Raises `BenchError` when it ends early or is not ready within `start_seconds`. A process that does not end
    within 15 s of SIGTERM is killed.
    """
    with output.open("wb") as sink:
        process = await asyncio.create_subprocess_exec(
            *command,
            env=dict(environment),
            cwd=directory,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=sink,
            stderr=sink,
        )
    started = Child(name, process, output)
    try:
        if ready is not None:
            await wait_until(ready, f"{name} to be ready", seconds=start_seconds, while_alive=(started,))
        yield started
    finally:
        await _end(process)


async def wait_until(
    condition: Ready, what: str, *, seconds: float = _START_SECONDS, while_alive: Sequence[Child] = ()
) -> None:
    """Returns once `condition` holds; raises `BenchError` when it does not in time or a child ends."""
    try:
        async with asyncio.timeout(seconds):
            while not await condition():
                for one in while_alive:
                    one.check_alive()
                await asyncio.sleep(_PROBE_SECONDS)
    except TimeoutError:
        raise BenchError(f"waited {seconds:.0f} s for {what}") from None


def answers(port: int, path: str, statuses: Sequence[int] = (200,)) -> Ready:
    """A condition: GET `path` on the loopback `port` is answered with one of `statuses`."""

    async def probe() -> bool:
        try:
            async with asyncio.timeout(2):
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                try:
                    writer.write(
                        f"GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n".encode()
                    )
                    status_line = (await reader.readline()).split()
                finally:
                    writer.close()
        except (OSError, TimeoutError):
            return False
        return len(status_line) > 1 and int(status_line[1]) in statuses

    return probe


def free_port() -> int:
    """A loopback port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.returncode is not None:
        return
    process.terminate()
    try:
        await asyncio.wait_for(process.wait(), _STOP_SECONDS)
    except TimeoutError:
        process.kill()
        await process.wait()
