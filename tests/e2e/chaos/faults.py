"""Does to a deployment what a schedule says, and asserts how fast workers take over from each other."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

import asyncpg
from msgspec import json

from tests.e2e.chaos.audit import Audit
from tests.e2e.chaos.reading import Reader
from tests.e2e.chaos.schedule import Fault, Kind
from tests.e2e.deployment import PARTITIONS, Deployment, ServiceProcess, eventually, kill

KILLED_TAKEOVER_SECONDS = 2.0
FROZEN_TAKEOVER_SECONDS = 15.0
_HEALING_SECONDS = 40
_AWAY = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)


@dataclass
class Victims:
    """The running processes that faults hit, and a record of what was done to them."""

    deployment: Deployment
    ingest: ServiceProcess
    workers: list[ServiceProcess]
    api: ServiceProcess
    audit: Audit
    reader: Reader
    happened: list[str] = field(default_factory=list)
    _began: float = field(default_factory=time.monotonic)

    def note(self, what: str) -> None:
        self.happened.append(f"{time.monotonic() - self._began:6.2f} s  {what}")

    async def suffer(self, fault: Fault) -> None:
        """Returns when what was stopped runs again, not when it has healed."""
        await asyncio.sleep(fault.after_seconds)
        match fault.kind:
            case Kind.WORKER_KILLED:
                await self._worker_killed(fault)
            case Kind.WORKER_FROZEN:
                await self._worker_frozen(fault)
            case Kind.INGEST_KILLED:
                self.note(fault.kind)
                kill(self.ingest)
                await asyncio.sleep(fault.away_seconds)
                self.ingest = self.deployment.start_in_place_of(self.ingest)
            case Kind.KAFKA_RESTARTED:
                await self._gone(fault, self._in_thread(self.deployment.kafka.stop), self._kafka_started)
            case Kind.KAFKA_CRASHED:
                await self._gone(fault, self._in_thread(self.deployment.kafka.kill), self._kafka_started)
            case Kind.POSTGRESQL_RESTARTED:
                await self._gone(fault, self.deployment.postgres.stop, self.deployment.postgres.start)
            case Kind.POSTGRESQL_CRASHED:
                with self.reader.nothing_remembered():
                    await self._gone(fault, self._postgres_killed, self.deployment.postgres.start)

    async def healed(self) -> dict[int, str]:
        """Waits until every service is ready and every worker applies its fair share of partitions; who applies which.

        Partitions that get no events would be waited for in vain.
        """
        since: int | None = None

        async def look() -> dict[int, str] | None:
            nonlocal since
            running = [each for each in self.workers if each.process.poll() is None]
            assert len(running) == len(self.workers), [each.said()[-1000:] for each in self.workers]
            try:
                if since is None:
                    since = await self.audit.last()
                workers, holders = await self.audit.workers(), await self.audit.holders()
                appliers = await self.audit.appliers(since)
            except _AWAY:
                return None
            held = [list(holders.values()).count(worker) for worker in workers]
            if len(workers) != len(running) or sum(held) != PARTITIONS or max(held) - min(held) > 1:
                return None
            if not all(holder in appliers.get(each, ()) for each, holder in holders.items()):
                return None
            return {each: holder for each, holder in holders.items() if holder is not None}

        services = (self.ingest, self.api, *self.workers)
        await asyncio.gather(*(each.ready(within_seconds=_HEALING_SECONDS) for each in services))
        return await eventually(look, within_seconds=_HEALING_SECONDS)

    async def _worker_killed(self, fault: Fault) -> None:
        holders = await self.healed()
        victim = self.workers[fault.worker]
        name, noted = worker_name(victim), await self.audit.last()
        self.note(f"{fault.kind}: {name}")
        began = time.monotonic()
        kill(victim)
        await self._taken_over(name, holders, noted, began, KILLED_TAKEOVER_SECONDS)
        await asyncio.sleep(fault.away_seconds)
        self._another_worker(fault.worker)

    async def _worker_frozen(self, fault: Fault) -> None:
        holders = await self.healed()
        victim = self.workers[fault.worker]
        name, noted = worker_name(victim), await self.audit.last()
        self.note(f"{fault.kind}: {name}")
        began = time.monotonic()
        os.kill(victim.process.pid, signal.SIGSTOP)
        try:
            await self._taken_over(name, holders, noted, began, FROZEN_TAKEOVER_SECONDS)
            written = await self.audit.moves_of(name)
            await asyncio.sleep(fault.away_seconds)
        finally:
            os.kill(victim.process.pid, signal.SIGCONT)
        await self.healed()
        assert await self.audit.moves_of(name) == written, f"{name} wrote after it had lost its partitions"
        assert worker_name(victim) != name

    async def _taken_over(
        self, name: str, holders: dict[int, str], noted: int, began: float, within_seconds: float
    ) -> None:
        """Waits until others hold and apply what a worker held, and asserts that it does not take too long."""
        lost = {partition for partition, holder in holders.items() if holder == name}
        assert lost, f"{name} held nothing: {holders}"

        async def leased() -> bool:
            holders = await self.audit.holders()
            return name not in holders.values() and None not in holders.values()

        async def applied() -> bool:
            appliers = await self.audit.appliers(noted)
            return all(appliers.get(partition, set()) - {name} for partition in lost)

        await eventually(leased)
        leased_seconds = time.monotonic() - began
        await eventually(applied)
        seconds = time.monotonic() - began
        self.note(f"partitions {sorted(lost)} had others after {leased_seconds:.2f} s, {seconds:.2f} s")
        assert seconds <= within_seconds, f"the takeover from {name} took {seconds:.2f} s"

    async def _gone(
        self, fault: Fault, stop: Callable[[], Awaitable[object]], start: Callable[[], Awaitable[object]]
    ) -> None:
        self.note(fault.kind)
        await stop()
        if fault.worker_dies:
            self.note(f"worker {fault.worker} killed meanwhile")
            kill(self.workers[fault.worker])
        await asyncio.sleep(fault.away_seconds)
        await start()
        self.note("it is back")
        if fault.worker_dies:
            self._another_worker(fault.worker)

    def _another_worker(self, number: int) -> None:
        self.workers[number] = self.deployment.start("project")

    async def _kafka_started(self) -> None:
        await asyncio.to_thread(self.deployment.kafka.start)

    async def _postgres_killed(self) -> None:
        """As `kill -9` of all of it would: what was not on the disk is lost."""
        file = self.deployment.postgres_directory / "cluster" / "postmaster.pid"
        os.kill(int(file.read_text().partition("\n")[0]), signal.SIGKILL)

        async def ended() -> bool:
            return not self.deployment.postgres.is_running()

        await eventually(ended)

    @staticmethod
    def _in_thread(what: Callable[[], None]) -> Callable[[], Awaitable[None]]:
        return lambda: asyncio.to_thread(what)


def worker_name(service: ServiceProcess) -> str:
    """The name under which a worker that holds partitions registered itself last, by its own log."""
    lines = [json.decode(line) for line in service.said().splitlines() if '"partitions_held"' in line]
    name: str = next(line["worker"] for line in reversed(lines) if line["partitions"])
    return name
