"""Supervises the process that projects: starts it, starts it again when it dies, and ends it."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.ops.projection_process_output import ProcessOutput
from services.ops.restart_pauses import RestartPauses
from shared.metrics import Metrics
from shared.settings import Settings
from shared.settings_errors import variable_of

_STOP_SECONDS = 10.0
_NOT_FOR_PROJECTIONS = {"master_key", "previous_master_key"}  # they carry sealed values on and open none
VARIABLES_NOT_FOR_CHILDREN = {variable_of(each) for each in _NOT_FOR_PROJECTIONS}

Notice = Callable[[str], None]
"""Tells the operator one sentence; must not block."""


class ProjectionProcess:
    """A child process that projects with these settings, and that ends when this process does, however it dies."""

    def __init__(self, settings: Settings, log_file: Path | None, notice: Notice, metrics: Metrics) -> None:
        self._order = json.dumps(
            {"settings": plain_values(settings), "log_file": str(log_file) if log_file else None}
        )
        self._notice = notice
        self._metrics = metrics
        self._process: asyncio.subprocess.Process | None = None
        self._output: ProcessOutput | None = None

    @property
    def pid(self) -> int | None:
        """The child's process id, or None while there is none."""
        running = self._process is not None and self._process.returncode is None
        return self._process.pid if running and self._process else None

    @property
    def metrics_port(self) -> int | None:
        """Where on loopback the child serves its metrics, or None while it does not."""
        return self._output.port if self._output and self.pid is not None else None

    async def check_running(self) -> None:
        """Returns when the child lives; raises `ProcessLookupError` when it does not. A readiness check."""
        if self.pid is None:
            raise ProcessLookupError("the projection process is down and being restarted")

    async def supervise(self, stop: asyncio.Event) -> None:
        """Keeps a child running until `stop`, then lets it finish its batch, for at most 10 s. Cancelling kills it."""
        loop = asyncio.get_running_loop()
        pauses = RestartPauses()
        while not stop.is_set():
            began = loop.time()
            ending = await self._run_once(stop)
            if stop.is_set():
                return
            pause = pauses.after_run_of(loop.time() - began)
            self._notice(f"the projection process {ending}; starting it again in {pause:.1f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(stop.wait(), pause)
            if not stop.is_set():
                self._metrics.projection_process_restarts.inc()

    async def _run_once(self, stop: asyncio.Event) -> str:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "services.ops.projecting",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
            env={name: value for name, value in os.environ.items() if name not in VARIABLES_NOT_FOR_CHILDREN},
        )  # fmt: skip
        if process.stdin is None or process.stdout is None:
            raise AssertionError("both were asked for as pipes")
        self._process, self._output = process, ProcessOutput(process.stdout)
        stopping = asyncio.create_task(stop.wait())
        last_words = asyncio.create_task(self._output.read())
        ended = asyncio.create_task(process.wait())
        try:
            process.stdin.write(self._order.encode() + b"\n")
            await asyncio.wait({stopping, ended}, return_when=asyncio.FIRST_COMPLETED)
            process.stdin.close()
            with suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(ended), _STOP_SECONDS)
        finally:
            if process.returncode is None:
                with suppress(ProcessLookupError):
                    process.kill()
                await asyncio.shield(ended)
            stopping.cancel()
        return _ending(process.returncode, await last_words)


def _ending(returncode: int | None, last_words: str) -> str:
    if returncode is not None and returncode < 0:
        return f"was ended by signal {-returncode}"
    return f"ended with exit code {returncode}" + (f" ({last_words})" if last_words else "")


def plain_values(settings: Settings) -> dict[str, Any]:
    """Settings as JSON can carry them to a child process, without the master keys, which no child needs."""
    values = settings.model_dump(exclude=_NOT_FOR_PROJECTIONS)
    return {
        name: value.get_secret_value()
        if isinstance(value, SecretStr)
        else str(value)
        if isinstance(value, Path)
        else value
        for name, value in values.items()
    }
