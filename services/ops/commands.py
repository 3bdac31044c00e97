"""What the commands do, apart from `main` so that `rapport --help` need not load the services."""

import asyncio
import json
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import asyncpg
import structlog
from rich.console import Console
from rich.markup import escape

from services.escalation.escalator import EscalationFailedError
from services.ops.all_in_one import DatabaseAwayError, Wishes, serve_all
from services.ops.data_directory import DataDirectory, DataDirectoryError, DirectoryInUseError, Running
from services.ops.demo.loading import LoadingError
from services.ops.demo.programme import analytics_file, policies_file, programmes_file
from services.ops.demo.telling import DemoWrongError, demo
from services.ops.embedded_postgres import EmbeddedPostgresError
from services.ops.projection_process import Notice
from services.ops.projections_ended import ProjectionsEndedError
from services.ops.screens import show_serving
from services.ops.told import told_to_people
from services.ops.until_stopped import run_until_stopped
from services.projections.kept_terms import TermsRewrittenError
from shared.clock import system_clock
from shared.credentials.exposure import ExposedError
from shared.http.server import AddressUnavailableError
from shared.log.kafka_topic import TopicExistsError, TopicUnusableError
from shared.settings_errors import WrongSettingsError, load_settings

_DEFAULT_TOPIC = "rapport.events"
_FAILURES = (
    AddressUnavailableError, DatabaseAwayError, DataDirectoryError, DemoWrongError, DirectoryInUseError,
    EmbeddedPostgresError, EscalationFailedError, ExposedError, LoadingError, ProjectionsEndedError,
    TermsRewrittenError, TopicExistsError, TopicUnusableError,
)  # fmt: skip
"""What a person can understand and mend from the message alone; whatever else is raised shows where, for it is ours."""


def run_up(
    data: Path, host: str | None, port: int | None, kafka: str | None, database_url: str | None
) -> None:
    """`rapport up`."""
    console = _console()
    place = DataDirectory(data)
    wishes = Wishes(
        place,
        database_url=database_url or os.environ.get("RAPPORT_DATABASE_URL") or None,
        pepper=os.environ.get("RAPPORT_IDENTIFIER_PEPPER") or None,
        master_key=os.environ.get("RAPPORT_MASTER_KEY") or None,
        previous_master_key=os.environ.get("RAPPORT_PREVIOUS_MASTER_KEY") or None,
        settings={**_listening(host, port), **({"log": _kafka_log(kafka)} if kafka else {})},
        log_to_files=sys.stderr.isatty(),
    )

    def on_serving(running: Running) -> None:
        show_serving(console, running, place.path, system_clock())

    async def service(stop: asyncio.Event) -> None:
        await serve_all(wishes, stop, on_serving, _notice(console, shown=wishes.log_to_files))

    with told_to_people(*_FAILURES):
        run_until_stopped(service, on_stop=lambda: _stopping(console))


def run_demo(data: Path, host: str | None, port: int | None, *, once: bool) -> None:
    """`rapport demo`. Wherever the environment points, it keeps to its own database, log and rules."""
    console = _console()
    own = {
        "log": "embedded",
        "programmes": programmes_file(),
        "complaint_policies": policies_file(),
        "analytics": analytics_file(),
        "scoring_hours": 0,
    }
    settings = {**_listening(host, port), **own}
    wishes = Wishes(DataDirectory(data), settings=settings, log_to_files=True)

    async def service(stop: asyncio.Event) -> None:
        await demo(wishes, stop, console, system_clock, _notice(console, shown=True), once=once)

    with told_to_people(*_FAILURES):
        run_until_stopped(service, on_stop=lambda: _stopping(console))


def run_service(name: str, host: str | None, port: int | None) -> None:
    """One service, `rapport ingest`, `project`, `api` or `escalate`, with settings from the environment."""
    with told_to_people(*_FAILURES):
        settings = load_settings(**_listening(host, port))
        run = _service(name)

        def on_bound(bound: int) -> None:
            structlog.get_logger("rapport.ops").info("serving", service=name, host=settings.host, port=bound)

        async def service(stop: asyncio.Event) -> None:
            await run(settings, stop, on_bound)

        run_until_stopped(service)


def run_escalate_once(*, as_json: bool) -> None:
    """`rapport escalate --once`: exit code 1 when not all was posted that was to be; then repeating it is safe."""
    from services.escalation.main import look_once  # noqa: PLC0415 - only what the command needs

    with told_to_people(*_FAILURES):
        posted = asyncio.run(look_once(load_settings()))
        if as_json:
            sys.stdout.write(json.dumps({"posted": posted}) + "\n")
        else:
            _console().print(f"Escalations posted: {posted}")


def run_migrate(data: Path) -> None:
    """`rapport migrate`: the database of `RAPPORT_DATABASE_URL`, else that of the `rapport up` in `data`."""
    from services.projections.migrate import migrate  # noqa: PLC0415 - Alembic, for this command alone

    with told_to_people(*_FAILURES):
        running = DataDirectory(data).running()
        named = os.environ.get("RAPPORT_DATABASE_URL")
        url = named or (running.database if running else None)
        if url is None:
            raise WrongSettingsError(
                f"there is no database to migrate: set RAPPORT_DATABASE_URL, or start `rapport up --data {data}`"
            )
        # Migrating needs no secret; this stands in for the one that a deployment's services have.
        settings = load_settings(database_url=url, identifier_pepper="not needed to migrate")
        try:
            asyncio.run(migrate(settings.database_url.get_secret_value(), settings.partitions))
        except (OSError, asyncpg.PostgresError) as error:
            raise DatabaseAwayError(
                f"PostgreSQL could not be migrated: {str(error) or 'no answer in time'}; check RAPPORT_DATABASE_URL"
            ) from error
        _console().print("The database has this program's shape.")


def run_topics_create(copies: int | None) -> None:
    """`rapport topics create`. A topic that is there already is left as it is, which is success."""
    from services.ops.topic import make_topic  # noqa: PLC0415 - Kafka, for this command alone

    with told_to_people(*_FAILURES):
        # Kafka alone is spoken to; these stand in for what the services have.
        settings = load_settings(database_url="postgresql://", identifier_pepper="not needed for Kafka")
        if settings.log == "embedded":
            raise WrongSettingsError(
                "the embedded log has no topic: set RAPPORT_LOG to kafka://HOST:PORT/TOPIC"
            )
        topic = settings.log.rpartition("/")[2]
        console = _console()
        try:
            made, chosen = asyncio.run(make_topic(settings, copies))
        except TopicExistsError as error:
            console.print(str(error))
        else:
            console.print(
                f"Made {topic}: {made.partitions} partitions, {chosen} copies, "
                f"{made.min_in_sync} of them before an acknowledgement, kept for ever."
            )


def _service(name: str) -> Callable[..., Any]:
    if name == "ingest":
        from services.ingest.main import run as ingest  # noqa: PLC0415 - only what the command needs

        return ingest
    if name == "api":
        from services.api.main import run as api  # noqa: PLC0415

        return api
    if name == "escalate":
        from services.escalation.main import run as escalate  # noqa: PLC0415

        return escalate
    from services.ops.projection_service import run as project  # noqa: PLC0415

    return project


def _listening(host: str | None, port: int | None) -> dict[str, Any]:
    return {name: value for name, value in (("host", host), ("port", port)) if value is not None}


def _kafka_log(kafka: str) -> str:
    bootstrap, _, topic = kafka.removeprefix("kafka://").partition("/")
    return f"kafka://{bootstrap}/{topic or _DEFAULT_TOPIC}"


def _console() -> Console:
    return Console(highlight=False)


def _notice(console: Console, *, shown: bool) -> Notice:
    def tell(sentence: str) -> None:
        structlog.get_logger("rapport.ops").warning(sentence)
        if shown:
            console.print(f"  [yellow]![/] {escape(sentence)}")

    return tell


def _stopping(console: Console) -> None:
    console.print("\n  Stopping: finishing what was begun …", style="dim")
