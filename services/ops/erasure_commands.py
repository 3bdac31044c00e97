"""What the commands on one person's data do."""

import asyncio
import sys
from collections.abc import Collection
from pathlib import Path
from typing import Final

from prometheus_client import CollectorRegistry

from services.ops.erasing import Receipt, Wanted, erase
from services.ops.export import export_customer
from services.ops.operations import console, decoding, operating, print_json, say
from services.ops.personal_search import Searched, search
from services.ops.told import FAILED
from services.projections.declared_views import declared_views
from services.projections.engine.operating import operating_connection
from services.projections.rules import rules_of
from shared.clock import system_clock
from shared.identifiers import party_id_of
from shared.log.choose import event_log
from shared.metrics import Metrics
from shared.personal_data.opener import Opener
from shared.personal_data.subject_keys import open_subject_keys
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError

_WAIT_SECONDS: Final = 30.0
_MOST_VALUES: Final = 1000
_FEWEST_CHARACTERS: Final = 3
_MOST_REQUEST_CHARACTERS: Final = 80


def run_export(data: Path, customer: str) -> None:
    """`rapport export`: JSON Lines on standard output."""
    with operating(data) as settings:
        asyncio.run(_export(settings, _party(customer)))


def run_erase(data: Path, customer: str, request: str, reason: str | None, *, as_json_: bool) -> None:
    """`rapport erase`: prints the receipt."""
    with operating(data) as settings:
        if not 0 < len(request) <= _MOST_REQUEST_CHARACTERS or "\0" in request:
            raise WrongSettingsError(f"--request: 1 to {_MOST_REQUEST_CHARACTERS} characters")
        receipt = asyncio.run(_erase(settings, Wanted(_party(customer), request, reason)))
        answer = {**receipt._asdict(), "erased_at": receipt.erased_at.isoformat()}
        say(as_json_, answer, _sentence(receipt))


def run_verify_erasure(data: Path, *, as_json_: bool) -> None:
    """`rapport verify-erasure`: exit code 1 where a value was found."""
    with operating(data) as settings:
        values = _values()
        searched = asyncio.run(_search(settings, values))
        traces = [trace._asdict() for trace in searched.traces]
        if as_json_:
            print_json({"columns": searched.columns, "records": searched.records, "found": traces})
        else:
            for trace in searched.traces:
                console().print(f"Found in {trace.place}: {trace.times}")
            console().print(
                f"Looked for {len(values)} values in {searched.columns} columns of tables and {searched.records} "
                f"records of the log: {'found as told above' if traces else 'none of them stands anywhere'}."
            )
        if traces:
            raise SystemExit(FAILED)


async def _export(settings: Settings, party_id: str) -> None:
    metrics = Metrics(CollectorRegistry())
    async with (
        open_subject_keys(settings, metrics) as keys,
        operating_connection(settings.database_url.get_secret_value(), "exporting a customer") as connection,
    ):
        read_models = declared_views(rules_of(settings))
        opener = Opener(keys, metrics.personal_data)
        async for line in export_customer(connection, opener, read_models, decoding(), party_id):
            sys.stdout.buffer.write(line + b"\n")
        sys.stdout.flush()


async def _erase(settings: Settings, wanted: Wanted) -> Receipt:
    log = event_log(settings, Metrics(CollectorRegistry()))
    async with (
        log.writer() as writer,
        operating_connection(settings.database_url.get_secret_value(), "erasing a customer") as connection,
    ):
        return await erase(connection, writer, wanted, system_clock, wait_seconds=_WAIT_SECONDS)


async def _search(settings: Settings, values: Collection[str]) -> Searched:
    log = event_log(settings, Metrics(CollectorRegistry()))
    async with (
        log.reader() as reader,
        operating_connection(settings.database_url.get_secret_value(), "verifying an erasure") as connection,
    ):
        partitions = (await reader.identity()).partitions
        return await search(connection, reader, range(partitions), values)


def _party(customer: str) -> str:
    try:
        return party_id_of(customer)
    except ValueError as error:
        raise WrongSettingsError(f"--customer: {error}") from None


def _values() -> list[str]:
    values = [value for line in sys.stdin if (value := line.strip())]
    if not values:
        raise WrongSettingsError("give the values to look for on standard input, one a line")
    if len(values) > _MOST_VALUES or min(map(len, values)) < _FEWEST_CHARACTERS:
        raise WrongSettingsError(
            f"at most {_MOST_VALUES} values, each of at least {_FEWEST_CHARACTERS} characters"
        )
    return values


def _sentence(receipt: Receipt) -> str:
    views = (
        "Views have taken it up."
        if receipt.in_views
        else "Views have not taken it up yet, and do by themselves; `rapport status` shows how far they are."
    )
    return (
        f"Erased {receipt.customer_id} on request {receipt.request} at {receipt.erased_at.isoformat()}: "
        f"{receipt.parties} identifiers, {receipt.cases} complaints and tasks, {receipt.keys_destroyed} keys "
        f"destroyed; in the log up to {receipt.position}. {views}"
    )
