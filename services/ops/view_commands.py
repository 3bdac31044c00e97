"""What the commands on views do: rebuild, verify, switch, roll back, pause, resume, drop, status."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from prometheus_client import CollectorRegistry
from rich.console import Console

from services.ops.commands import FAILED, WRONG_USAGE, told_to_people
from services.ops.data_directory import DataDirectory
from services.ops.view_screens import RebuildScreen, show_comparisons, show_rebuilt, show_status
from services.projections.engine.comparison import Comparison
from services.projections.engine.kept_generations import drop, drop_older, roll_back, switch_to
from services.projections.engine.log_identity import LogReplacedError
from services.projections.engine.operating import ViewBusyError, held_views, operating_connection
from services.projections.engine.pause import pause, resume
from services.projections.engine.rebuild import Progress, Rebuild, RebuildRefusedError, rebuild
from services.projections.engine.rebuild_workers import Source
from services.projections.engine.shadow import EventRefusedByViewError, GenerationMovedError
from services.projections.engine.status import as_json, status
from services.projections.engine.switch import SwitchRefusedError
from services.projections.engine.verify import verify
from services.projections.engine.writing import RowsRefusedError
from services.projections.read_models import READ_MODELS
from services.projections.read_models.declaration import ReadModel
from services.projections.rebuilding import RebuildWorkerError, run_in_processes
from shared.clock import system_clock
from shared.codec import decode_record
from shared.events.catalogue import Catalogue
from shared.log.choose import event_log
from shared.log.port import LogTruncatedError, LogUnavailableError
from shared.metrics import Metrics
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, load_settings
from shared.structured_logs import configure_logging

_FAILURES = (
    EventRefusedByViewError, GenerationMovedError, LogReplacedError, LogTruncatedError, LogUnavailableError,
    RebuildRefusedError, RebuildWorkerError, RowsRefusedError, SwitchRefusedError, ViewBusyError,
)  # fmt: skip
_DATABASE_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError)
Answer = TypeVar("Answer")


@dataclass(frozen=True, slots=True)
class RebuildWishes:
    """What was asked for on the command line."""

    switch: bool = True
    events_per_second: float | None = None
    workers: int | None = None
    source: Source | None = None


def run_rebuild(data: Path, views: Sequence[str], wishes: RebuildWishes, *, as_json_: bool) -> None:
    """`rapport rebuild`."""
    with _operating(data) as settings:
        read_models = _read_models(views)
        begun = time.monotonic()
        with RebuildScreen(Console(stderr=True, highlight=False), shown=not as_json_) as screen:
            order = _order(settings, read_models, wishes, screen.report)
            rebuilt = asyncio.run(rebuild(order))
        seconds = time.monotonic() - begun
        if as_json_:
            answers = [
                {
                    "name": each.view,
                    "generation": each.generation,
                    "switched": each.switched,
                    **(_compared(each.comparison) if each.comparison else {}),
                }
                for each in rebuilt
            ]
            _print_json({"views": answers, "events": screen.events, "seconds": round(seconds, 3)})
        else:
            show_rebuilt(_console(), rebuilt, screen.events, seconds)


def run_verify(data: Path, views: Sequence[str], workers: int | None, *, as_json_: bool) -> None:
    """`rapport verify`; exit code 1 where rows differ."""
    with _operating(data) as settings:
        read_models = _read_models(views)
        with RebuildScreen(Console(stderr=True, highlight=False), shown=not as_json_) as screen:
            order = _order(settings, read_models, RebuildWishes(workers=workers), screen.report)
            compared = asyncio.run(verify(order))
        if as_json_:
            _print_json({"views": [{"name": each.view, **_compared(each)} for each in compared]})
        else:
            show_comparisons(_console(), compared)
        if any(each.differing for each in compared):
            raise SystemExit(FAILED)


def run_switch(data: Path, view: str, generation: int, *, as_json_: bool) -> None:
    """`rapport switch`."""
    with _operating(data) as settings:
        [read_model] = _read_models([view])
        _connected(settings, f"switch {view}", lambda it: switch_to(it, read_model, generation, _decode()))
        _say(
            as_json_,
            {"name": view, "generation": generation},
            f"Readers see generation {generation} of {view}.",
        )


def run_rollback(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport rollback`."""
    with _operating(data) as settings:
        [read_model] = _read_models([view])
        back = _connected(settings, f"rollback {view}", lambda it: roll_back(it, read_model, _decode()))
        _say(as_json_, {"name": view, "generation": back}, f"Readers see generation {back} of {view} again.")


def run_pause(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport pause`; a view that stands still already is left as it is, which is success."""
    with _operating(data) as settings:
        paused = _connected(settings, f"pause {view}", lambda it: pause(it, view))
        said = (
            f"{view} stands still"
            + ("" if paused else " already")
            + f"; `rapport resume {view}` goes on with it."
        )
        _say(as_json_, {"name": view, "state": "paused", "changed": paused}, said)


def run_resume(data: Path, view: str, *, as_json_: bool) -> None:
    """`rapport resume`; a view in the live set is left as it is, which is success."""

    async def resumed(connection: asyncpg.Connection) -> bool:
        async with held_views(connection, [view]):
            return await resume(connection, read_model, _decode())

    with _operating(data) as settings:
        [read_model] = _read_models([view])
        changed = _connected(settings, f"resume {view}", resumed)
        said = f"{view} is up to date and goes on." if changed else f"{view} was not standing still."
        _say(as_json_, {"name": view, "state": "live", "changed": changed}, said)


def run_drop(
    data: Path, view: str, generation: int | None, older_than_days: float | None, *, as_json_: bool
) -> None:
    """`rapport drop`: one generation, or those made before so many days."""

    async def dropped(connection: asyncpg.Connection) -> list[int]:
        if generation is not None:
            await drop(connection, view, generation)
            return [generation]
        return list(await drop_older(connection, view, system_clock() - timedelta(days=older_than_days or 0)))

    with _operating(data) as settings:
        if (generation is None) == (older_than_days is None):
            raise WrongSettingsError("name a generation, or an age with --older-than DAYS")
        gone = _connected(settings, f"drop {view}", dropped)
        said = f"Dropped of {view}: {', '.join(map(str, gone)) or 'nothing'}."
        _say(as_json_, {"name": view, "dropped": gone}, said)


def run_status(data: Path, *, as_json_: bool) -> None:
    """`rapport status`."""
    with _operating(data) as settings:
        log = event_log(settings, Metrics(CollectorRegistry()))
        found = _connected(settings, "status", lambda it: status(it, log, system_clock))
        if as_json_:
            _print_json(as_json(found))
        else:
            show_status(_console(), found)


@contextmanager
def _operating(data: Path) -> Iterator[Settings]:
    """The settings of the deployment; what a person can mend becomes a message and an exit code."""
    with told_to_people():
        settings = _settings(data)
        configure_logging("error")
        try:
            yield settings
        except asyncpg.UndefinedTableError as error:
            _fail(f"the database has not this program's shape ({error}); run `rapport migrate`")
        except _DATABASE_FAILURES as error:
            _fail(
                f"PostgreSQL did not do it: {str(error) or 'no answer in time'}; check RAPPORT_DATABASE_URL"
            )
        except _FAILURES as error:
            _fail(str(error))


def _fail(message: str) -> None:
    sys.stderr.write(f"rapport: {message}\n")
    raise SystemExit(FAILED) from None


def _settings(data: Path) -> Settings:
    """Those of the environment where it names a database, else of the `rapport up` in `data`."""
    # Views hold party ids, never what they were made from, so that no operation on them needs the secret.
    pepper = os.environ.get("RAPPORT_IDENTIFIER_PEPPER") or "not needed to operate"
    if os.environ.get("RAPPORT_DATABASE_URL"):
        return load_settings(identifier_pepper=pepper)
    running = DataDirectory(data).running()
    if running is None:
        raise WrongSettingsError(
            f"there is nothing to operate on: set RAPPORT_DATABASE_URL, or start `rapport up --data {data}`"
        )
    return load_settings(database_url=running.database, log=running.log, identifier_pepper=pepper)


def _read_models(views: Sequence[str]) -> tuple[ReadModel, ...]:
    """The read models of these names, all for none. Raises `SystemExit` for a name that there is not."""
    known = {read_model.name: read_model for read_model in READ_MODELS}
    for view in views:
        if view not in known:
            sys.stderr.write(f"rapport: there is no view {view}; there are {', '.join(known)}\n")
            raise SystemExit(WRONG_USAGE)
    return tuple(known[view] for view in dict.fromkeys(views)) or READ_MODELS


def _order(
    settings: Settings,
    read_models: tuple[ReadModel, ...],
    wishes: RebuildWishes,
    report: Callable[[Progress], None],
) -> Rebuild:
    return Rebuild(
        database_url=settings.database_url.get_secret_value(),
        log=event_log(settings, Metrics(CollectorRegistry())),
        decode=_decode(),
        read_models=read_models,
        source=wishes.source,
        workers=wishes.workers or max(1, (os.cpu_count() or 1) // 2),
        events_per_second=wishes.events_per_second,
        switch=wishes.switch,
        run_workers=partial(run_in_processes, settings),
        report=report,
    )


def _decode() -> Any:
    return partial(decode_record, catalogue=Catalogue())


def _connected(
    settings: Settings, doing: str, what: Callable[[asyncpg.Connection], Coroutine[Any, Any, Answer]]
) -> Answer:
    async def work() -> Answer:
        async with operating_connection(settings.database_url.get_secret_value(), doing) as connection:
            return await what(connection)

    return asyncio.run(work())


def _compared(comparison: Comparison) -> dict[str, Any]:
    return {
        "rows": comparison.rows,
        "differing": comparison.differing,
        "keys": [{"key": each.key, "how": each.how} for each in comparison.keys],
    }


def _say(as_json_: bool, answer: dict[str, Any], sentence: str) -> None:  # noqa: FBT001 - told on, as it was asked
    if as_json_:
        _print_json(answer)
    else:
        _console().print(sentence)


def _print_json(answer: dict[str, Any]) -> None:
    sys.stdout.write(json.dumps(answer) + "\n")


def _console() -> Console:
    return Console(highlight=False)
