"""Workers of a rebuild as processes of their own, so that it uses all the cores it is given.

The rebuild writes one line of JSON to each worker's standard input and keeps it open: when it closes, because the
rebuild ended, however it did, the worker ends too. A worker says on standard output what ended it.
"""

import asyncio
import gc
import importlib
import json
import os
import sys
import threading
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from services.projections.engine.rebuild_workers import Bulk
from shared.settings import Settings

_COLLECT_AFTER_OBJECTS = 1_000_000
_NICENESS = 19
_LAST_WORDS_BYTES = 8192


class RebuildWorkerError(Exception):
    """A worker process of a rebuild ended before its work; the message is what it said."""


async def run_in_processes(settings: Settings, bulk: Bulk, workers: int) -> None:
    """Runs so many worker processes until every partition is at its target; cancelling it ends them.

    Raises `RebuildWorkerError` for the first that fails, and ends the others.
    """
    share = bulk.events_per_second / workers if bulk.events_per_second is not None else None
    order = {
        "settings": _plain_values(settings),
        "targets": [(target.read_model.name, target.generation) for target in bulk.targets],
        "source": bulk.source,
        "events_per_second": share,
        "cache_bytes": bulk.cache_bytes,
    }
    try:
        async with asyncio.TaskGroup() as group:
            for _ in range(workers):
                group.create_task(_run_worker(json.dumps(order)))
    except ExceptionGroup as failures:
        raise failures.exceptions[0] from None


async def _run_worker(order: str) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "services.projections.rebuilding",
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE, start_new_session=True,
    )  # fmt: skip
    if process.stdin is None or process.stdout is None:
        raise AssertionError("both were asked for as pipes")
    try:
        process.stdin.write(order.encode() + b"\n")
        said = await process.stdout.read(_LAST_WORDS_BYTES)
        if await process.wait() != 0:
            raise RebuildWorkerError(
                said.decode(errors="replace").strip() or f"exit code {process.returncode}"
            )
    finally:
        if process.returncode is None:
            process.kill()
            await asyncio.shield(process.wait())


def _plain_values(settings: Settings) -> dict[str, Any]:
    plain = {}
    for name, value in settings.model_dump().items():
        shown = value.get_secret_value() if isinstance(value, SecretStr) else value
        plain[name] = str(shown) if isinstance(shown, Path) else shown
    return plain


def run() -> int:
    """One worker: reads its order, works until no partition is left. 0 done, 1 failed."""
    order: dict[str, Any] = json.loads(sys.stdin.buffer.readline())
    threading.Thread(target=_end_with_standard_input, daemon=True).start()
    _give_way()
    gc.freeze()
    gc.set_threshold(
        _COLLECT_AFTER_OBJECTS, 50, 50
    )  # it makes many objects that live until the next checkpoint
    new_event_loop = importlib.import_module("shared.http.server").new_event_loop
    with asyncio.Runner(loop_factory=new_event_loop) as runner:
        try:
            runner.run(_project(order))
        except Exception as error:  # noqa: BLE001 - told to the process that started this one
            sys.stdout.write(str(error) or type(error).__name__)
            sys.stdout.flush()
            return 1
    return 0


async def _project(order: dict[str, Any]) -> None:
    from prometheus_client import CollectorRegistry  # noqa: PLC0415 - what takes time to load is loaded by workers alone

    from services.projections.declared_views import declared_views  # noqa: PLC0415
    from services.projections.engine.rebuild_workers import project_partitions  # noqa: PLC0415
    from services.projections.engine.shadow_run import Target  # noqa: PLC0415
    from services.projections.rules import rules_of  # noqa: PLC0415
    from shared.codec import decode_record  # noqa: PLC0415
    from shared.events.catalogue import Catalogue  # noqa: PLC0415
    from shared.log.choose import event_log  # noqa: PLC0415
    from shared.metrics import Metrics  # noqa: PLC0415

    settings = Settings(**order["settings"])
    declared = {read_model.name: read_model for read_model in declared_views(rules_of(settings))}
    await project_partitions(
        Bulk(
            database_url=settings.database_url.get_secret_value(),
            log=event_log(settings, Metrics(CollectorRegistry())),
            decode=partial(decode_record, catalogue=Catalogue()),
            targets=tuple(Target(declared[view], generation) for view, generation in order["targets"]),
            source=order["source"],
            events_per_second=order["events_per_second"],
            cache_bytes=order["cache_bytes"],
        )
    )


def _give_way() -> None:
    """Takes only the processor time that what serves readers leaves; on an idle machine that costs nothing."""
    os.nice(_NICENESS)
    if sys.platform == "linux":
        # A nice process still is a busy one where the kernel looks for a processor for one that wakes; this is none.
        with suppress(OSError):  # a sandbox may forbid it
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))


def _end_with_standard_input() -> None:
    while os.read(0, 4096):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(run())
