"""What the commands on parked events do: list, show, redrive, discard."""

import getpass
import sys
from dataclasses import dataclass
from pathlib import Path

import asyncpg

from services.ops.operations import connected, console, decoding, operating, print_json
from services.ops.parked_answers import (
    UNDECODABLE,
    discarded_json,
    page_json,
    record_json,
    redriven_json,
    stored_name,
)
from services.ops.parked_screens import show_discarded, show_page, show_record, show_redriven
from services.ops.told import FAILED
from services.projections.control import EVERY_VIEW
from services.projections.declared_views import declared_views
from services.projections.engine.parked_discarding import (
    Chosen,
    Discarded,
    Reason,
    count_chosen,
    discard_parked,
)
from services.projections.engine.parked_redrive import Redriven, Wanted, redrive
from services.projections.engine.parked_undecoded import redrive_undecoded
from services.projections.rules import rules_of
from services.projections.sight.parked_listing import (
    Filter,
    Place,
    parked_page,
    parked_records,
)
from shared.clock import system_clock
from shared.settings import Settings
from shared.settings_errors import WrongSettingsError

_MOST_SHOWN = 20
_LONGEST_TEXT = 500


@dataclass(frozen=True, slots=True)
class Discarding:
    """What was asked for on the command line; `chosen` is view, partition, offset, key, error."""

    chosen: tuple[str, int | None, int | None, str | None, str | None]
    reason: str
    by: str | None
    every: bool
    redrive: bool
    yes: bool


def run_list(
    data: Path,
    wanted: tuple[str | None, str | None, str | None],
    limit: int,
    after: str | None,
    *,
    discarded: bool,
    as_json_: bool,
) -> None:
    """`rapport parked list`."""
    with operating(data) as settings:
        view, key, error = wanted
        filtered = Filter(stored_name(view), key, error, discarded)
        place = _place(after)
        page = connected(settings, "parked list", lambda it: parked_page(it, filtered, limit, place))
        if as_json_:
            print_json(page_json(page))
        else:
            show_page(console(), page, discarded=discarded)


def run_show(
    data: Path, place: tuple[str | None, int | None, int | None], event_id: str | None, *, as_json_: bool
) -> None:
    """`rapport parked show`."""
    with operating(data) as settings:
        view, partition, offset = place
        wanted = None
        if view is not None and partition is not None and offset is not None:
            wanted = Place(stored_name(view) or "", partition, offset)
        if (wanted is None) == (event_id is None) or (event_id is not None and view is not None):
            raise WrongSettingsError("name one event: VIEW PARTITION OFFSET, or --event ID")
        found = connected(
            settings, "parked show", lambda it: parked_records(it, wanted, event_id, _MOST_SHOWN)
        )
        if not found:
            what = f"event {event_id}" if event_id else f"{view} {partition} {offset}"
            raise SystemExit(_told(f"{what} is not parked; `rapport parked list` shows what is"))
        answers = [record_json(each, decoding()) for each in found]
        if as_json_:
            print_json({"events": answers})
        else:
            for answer in answers:
                show_record(console(), answer)


def run_redrive(
    data: Path, view: str, key: str | None, error: str | None, *, again: bool, as_json_: bool
) -> None:
    """`rapport parked redrive`; exit code 1 where something of what was asked for stays parked."""
    with operating(data) as settings:
        done = _redriven(settings, view, Wanted(key, error, again))
        if as_json_:
            print_json(redriven_json(done))
        else:
            show_redriven(console(), done)
        if done.failed or done.left_out or done.parked:
            raise SystemExit(FAILED)


def run_discard(data: Path, wishes: Discarding, *, as_json_: bool) -> None:
    """`rapport parked discard`."""
    with operating(data) as settings:
        chosen = _chosen(wishes)
        reason = Reason(_who(wishes.by), system_clock(), _reason(wishes.reason))
        count = connected(settings, "parked discard", lambda it: count_chosen(it, chosen))
        if not count:
            raise SystemExit(
                _told("nothing that waits was chosen; `rapport parked list` shows what is parked")
            )
        if not wishes.yes:
            _confirm(count, wishes.chosen[0])
        done = connected(settings, "parked discard", lambda it: _discard(it, chosen, reason))
        redriven = None
        if wishes.redrive and done.waiting:
            key = done.keys[0] if len(done.keys) == 1 else None
            redriven = _redriven(settings, wishes.chosen[0], Wanted(key))
        if as_json_:
            print_json(discarded_json(chosen, reason, done, redriven))
        else:
            show_discarded(console(), wishes.chosen[0], done)
            if redriven is not None:
                show_redriven(console(), redriven)


async def _discard(connection: asyncpg.Connection, chosen: Chosen, reason: Reason) -> Discarded:
    # Unlike rows of views, who discarded what cannot be made again from the log.
    await connection.execute("set synchronous_commit to on")
    return await discard_parked(connection, chosen, reason)


def _redriven(settings: Settings, view: str, wanted: Wanted) -> Redriven:
    name = stored_name(view) or ""
    doing = f"parked redrive {view}"
    read_models = declared_views(rules_of(settings))
    if name == EVERY_VIEW:
        return connected(settings, doing, lambda it: redrive_undecoded(it, read_models, decoding(), wanted))
    read_model = next((each for each in read_models if each.name == name), None)
    if read_model is None:
        known = ", ".join((*(each.name for each in read_models), UNDECODABLE))
        raise WrongSettingsError(f"there is no view {view}; there are {known}")
    return connected(settings, doing, lambda it: redrive(it, read_model, decoding(), wanted))


def _chosen(wishes: Discarding) -> Chosen:
    view, partition, offset, key, error = wishes.chosen
    one = partition is not None
    if one and offset is None:
        raise WrongSettingsError("an event is named by PARTITION and OFFSET; the offset is missing")
    if sum((one, key is not None or error is not None, wishes.every)) != 1:
        raise WrongSettingsError(
            "choose what to discard: one event by PARTITION and OFFSET, some by --key or --error, or --all"
        )
    return Chosen(stored_name(view) or "", partition, offset, key, error)


def _reason(text: str) -> str:
    if not text.strip():
        raise WrongSettingsError("say why with --reason; it is kept with each discarded event")
    return text.strip()[:_LONGEST_TEXT].replace("\0", "")


def _who(by: str | None) -> str:
    try:
        return (by or getpass.getuser())[:_LONGEST_TEXT]
    except (KeyError, OSError):
        raise WrongSettingsError("say who discards with --by; this system does not know your name") from None


def _confirm(count: int, view: str) -> None:
    if not sys.stdin.isatty():
        raise WrongSettingsError(f"{count} parked events of {view} would be discarded for good: say --yes")
    answer = input(f"Discard {count} parked events of {view} for good? [y/N] ")
    if answer.strip().lower() not in ("y", "yes"):
        raise SystemExit(_told("nothing was discarded"))


def _told(message: str) -> int:
    sys.stderr.write(f"rapport: {message}\n")
    return FAILED


def _place(after: str | None) -> Place | None:
    if after is None:
        return None
    view, _, rest = after.partition(":")
    partition, _, offset = rest.partition(":")
    if not (partition.isdecimal() and offset.isdecimal()):
        raise WrongSettingsError("--after takes what the page before names as next: VIEW:PARTITION:OFFSET")
    return Place(stored_name(view) or "", int(partition), int(offset))
