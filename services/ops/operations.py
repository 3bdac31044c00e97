"""What the commands that operate a deployment share: its settings, a connection, answers in words or JSON, failures."""

import asyncio
import json
import os
import sys
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import asyncpg
from rich.console import Console

from services.ops.data_directory import DataDirectory, DataDirectoryError
from services.ops.erasing import ErasureRefusedError, ErasureUnfinishedError
from services.ops.told import FAILED, told_to_people
from services.projections.engine.history import UnknownHistoryError
from services.projections.engine.log_identity import LogReplacedError
from services.projections.engine.operating import ViewBusyError, operating_connection
from services.projections.engine.parked_generations import GenerationInTheWayError
from services.projections.engine.rebuild import RebuildRefusedError
from services.projections.engine.shadow import EventRefusedByViewError, GenerationMovedError
from services.projections.engine.switch import SwitchRefusedError
from services.projections.engine.writing import RowsRefusedError
from services.projections.history.ties import TooManyStreamKeysError
from services.projections.identity.component import ComponentTooLargeError
from services.projections.rebuilding import RebuildWorkerError
from shared.codec import UndecodableRecordError, decode_record
from shared.credentials.stored_keys import TooManyKeysError, UnknownKeyError
from shared.events.catalogue import Catalogue
from shared.log.port import LogTruncatedError, LogUnavailableError
from shared.personal_data.key_store import KeyStoreUnavailableError
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, load_settings
from shared.structured_logs import configure_logging

_FAILURES = (
    ComponentTooLargeError, ErasureRefusedError, ErasureUnfinishedError, EventRefusedByViewError,
    GenerationInTheWayError, GenerationMovedError, KeyStoreUnavailableError, LogReplacedError, LogTruncatedError,
    LogUnavailableError, RebuildRefusedError, RebuildWorkerError, RowsRefusedError, SwitchRefusedError,
    TooManyKeysError, TooManyStreamKeysError, UnknownHistoryError, UnknownKeyError, ViewBusyError,
)  # fmt: skip
_DATABASE_FAILURES = (OSError, asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError)
Answer = TypeVar("Answer")


@contextmanager
def operating(data: Path) -> Iterator[Settings]:
    """The settings of the deployment; what a person can mend becomes a message and an exit code."""
    with told_to_people(DataDirectoryError):
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
        except UndecodableRecordError as error:
            _fail(f"the journal has an event that this program cannot read ({error}); run the newer program")
        except _FAILURES as error:
            _fail(str(error))


def _fail(message: str) -> None:
    sys.stderr.write(f"rapport: {message}\n")
    raise SystemExit(FAILED) from None


def _settings(data: Path) -> Settings:
    """Those of the environment where it names a database, else of the `rapport up` in `data`."""
    # Views hold party ids, never what they were made from, so that no operation on them needs the secret.
    secrets = {"identifier_pepper": os.environ.get("RAPPORT_IDENTIFIER_PEPPER") or "not needed to operate"}
    if os.environ.get("RAPPORT_DATABASE_URL"):
        return load_settings(**secrets)
    running = DataDirectory(data).running()
    if running is None:
        raise WrongSettingsError(
            f"there is nothing to operate on: set RAPPORT_DATABASE_URL, or start `rapport up --data {data}`"
        )
    kept = DataDirectory(data).kept_master_key()
    if kept is not None and not os.environ.get("RAPPORT_MASTER_KEY"):
        secrets["master_key"] = kept
    return load_settings(database_url=running.database, log=running.log, **secrets)


def connected(
    settings: Settings, doing: str, what: Callable[[asyncpg.Connection], Coroutine[Any, Any, Answer]]
) -> Answer:
    """What is answered over a connection to the deployment's database that says what it is `doing`."""

    async def work() -> Answer:
        async with operating_connection(settings.database_url.get_secret_value(), doing) as connection:
            return await what(connection)

    return asyncio.run(work())


def decoding() -> Any:
    """Decodes log records by this program's catalogue."""
    return partial(decode_record, catalogue=Catalogue())


def say(as_json_: bool, answer: dict[str, Any], sentence: str) -> None:  # noqa: FBT001 - told on, as it was asked
    """Prints the answer, or the sentence that says it."""
    if as_json_:
        print_json(answer)
    else:
        console().print(sentence)


def print_json(answer: dict[str, Any]) -> None:
    """Prints one line of JSON."""
    sys.stdout.write(json.dumps(answer) + "\n")


def console() -> Console:
    """Standard output, where only what a screen marks is coloured."""
    return Console(highlight=False)
