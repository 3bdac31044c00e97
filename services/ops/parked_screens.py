"""What the commands on parked events show."""

import json
from collections.abc import Mapping
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from services.ops.parked_answers import UNDECODABLE, said_name, said_place
from services.projections.engine.parked_discarding import Discarded
from services.projections.engine.parked_redrive import Redriven
from services.projections.sight.parked_listing import Page

_ABOUT_THE_RECORD = ("event", "record", "undecodable")


def show_page(console: Console, page: Page, *, discarded: bool) -> None:
    """Groups, then events, then how to go on."""
    state = "discarded" if discarded else "parked"
    if not page.groups:
        console.print(f"Nothing is {state}.")
        return
    groups = Table("view", "error", "keys", "events", "oldest", box=None)
    for group in page.groups:
        groups.add_row(
            said_name(group.view), _safe(group.error), f"{group.keys:,}", f"{group.events:,}", _minute(group.oldest)
        )  # fmt: skip
    console.print(groups)
    console.print()
    events = Table("view", "partition", "offset", "key", "event", "error", "attempts", box=None)
    for each in page.events:
        events.add_row(
            said_name(each.place.view), str(each.place.partition), str(each.place.offset),
            _safe(each.stream_key or ""), _safe(each.event_id or ""), _safe(each.error), str(each.attempts),
        )  # fmt: skip
    console.print(events)
    console.print()
    if page.next is not None:
        console.print(f"More: --after {_safe(said_place(page.next) or '')}", style="dim")
    if not discarded:
        console.print(
            "`rapport parked show VIEW PARTITION OFFSET` shows one; `redrive` gives a view its events again, "
            "`discard` leaves them out for good.",
            style="dim",
        )


def show_record(console: Console, answer: Mapping[str, Any]) -> None:
    """One parked event: the facts, then the event or what there is of it."""
    facts = Table.grid(padding=(0, 2))
    facts.add_column(style="dim")
    facts.add_column(overflow="fold")
    for name, value in answer.items():
        if name not in _ABOUT_THE_RECORD and value is not None:
            facts.add_row(name.replace("_", " "), _safe(str(value)))
    if "undecodable" in answer:
        facts.add_row("now", _safe(f"still undecodable: {answer['undecodable']}"))
    console.print(facts)
    about = answer.get("event") or answer["record"]
    console.print(json.dumps(about, indent=2), markup=False)
    console.print()


def show_redriven(console: Console, done: Redriven) -> None:
    """What a redrive came to, and what to do about the rest."""
    view = said_name(done.view)
    console.print(
        f"[bold]{view}[/]: {done.applied:,} applied, {done.failed:,} failed again, {done.waiting:,} still parked."
    )
    if done.repeated:
        console.print(f"{done.repeated:,} were repeats of applied events and changed nothing.")
    if done.parked:
        console.print(
            f"{done.parked:,} events are parked for single views now; `rapport parked list` names them."
        )
    if done.left_out:
        console.print(
            f"{done.left_out:,} were not tried: redriving them ended the process twice. Mend the cause, then "
            f"`rapport parked redrive {view} --again`."
        )
    if done.failed:
        mend = "the producer, or run a program that knows them" if view == UNDECODABLE else "the read model"
        console.print(
            f"`rapport parked list {view}` says why. Mend {mend} and redrive again, or discard them."
        )


def show_discarded(console: Console, view: str, done: Discarded) -> None:
    """What a discard came to, and the next step."""
    console.print(
        f"Discarded {done.events:,} events of {_safe(view)}; they stay on record: `rapport parked list --discarded`."
    )
    if done.waiting:
        key = f" --key {done.keys[0]}" if len(done.keys) == 1 else ""
        console.print(
            f"{done.waiting:,} wait behind them; `rapport parked redrive {view}{key}` applies them.",
            markup=False,
        )


def _minute(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M} UTC"


def _safe(text: str) -> str:
    """Without mark-up, and without control characters, which a terminal would obey."""
    return escape("".join(each if each.isprintable() else "\N{REPLACEMENT CHARACTER}" for each in text))
