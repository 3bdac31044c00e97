"""Operations staff at work meanwhile: rebuilds with their switch, one of them killed, and a way back."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec import json

from tests.e2e.chaos.schedule import Operations
from tests.e2e.deployment import Deployment
from tests.e2e.running import PROJECT, command, environment

_MOST_ATTEMPTS = 20
_RETRY_SECONDS = 1.0
_LONGEST_SECONDS = 60


@dataclass
class Staff:
    """Runs commands and repeats those that say they could not, as a person would."""

    deployment: Deployment
    said: list[str] = field(default_factory=list)
    switched: int = 0

    async def work(self, planned: Operations) -> None:
        """A rebuild that is killed and begun again, a way back to the generation before, and a rebuild more."""
        first, second, third = planned.after_seconds
        await asyncio.sleep(first)
        await self.run("rebuild", "--all", "--throttle", "2000", killed_after=planned.killed_after_seconds)
        await self.insist("rebuild", "--all", "--throttle", "4000")
        self.switched += 1
        await asyncio.sleep(second)
        await self.insist("rollback", "customer_summary")
        self.switched += 1
        await asyncio.sleep(third)
        await self.insist("rebuild", "--all", "--workers", "2")
        self.switched += 1

    async def insist(self, *arguments: str) -> Any:
        """What a command answers, run again while servers are away. Raises where it does not get done."""
        for _ in range(_MOST_ATTEMPTS):
            code, answer = await self.run(*arguments)
            if code == 0:
                return answer
            await asyncio.sleep(_RETRY_SECONDS)
        raise AssertionError(f"rapport {' '.join(arguments)} did not get done: {self.said[-_MOST_ATTEMPTS:]}")

    async def run(self, *arguments: str, killed_after: float | None = None) -> tuple[int, Any]:
        """The exit code and the answer; a command fails with one sentence, never with a traceback."""
        process = await asyncio.create_subprocess_exec(
            *command(*arguments, "--json"), cwd=PROJECT, env={**environment(), **self.deployment.settings()},
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip
        try:
            async with asyncio.timeout(killed_after or _LONGEST_SECONDS):
                out, err = await process.communicate()
        except TimeoutError:
            if killed_after is None:
                raise
            return -1, None
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
        code = process.returncode or 0
        self.said.append(f"rapport {' '.join(arguments)}: {code} {err.decode().strip()}")
        assert "Traceback" not in err.decode(), self.said[-1]
        return code, json.decode(out) if code == 0 else None


@asynccontextmanager
async def operating(deployment: Deployment, planned: Operations) -> AsyncIterator[Staff]:
    """Staff works meanwhile; leaving waits until all that was planned is done."""
    staff = Staff(deployment)
    async with asyncio.TaskGroup() as group:
        group.create_task(staff.work(planned))
        yield staff
