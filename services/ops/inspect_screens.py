"""What `rapport inspect` shows: events with what became of them, and each view's states, for people and as JSON."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from services.projections.engine.history import InspectedEvent, Inspection, Subject
from services.projections.engine.history_view import ViewHistory
from services.projections.history.folding import Failed
from services.projections.history.reading import EVERYTHING, Horizon
from services.projections.read_models.timeline_summary import sentence_of
from shared.identifiers import customer_id_of

_MOST_KEYS_SHOWN = 6


def as_json(found: Inspection, subject: Subject, horizon: Horizon) -> dict[str, Any]:
    """The answer of `--json`: times in UTC, events newest first, rows as the view's columns."""
    answer = {
        "customer_id": customer_id_of(subject.parties[0]) if subject.parties else None,
        "parties": list(subject.parties),
        "stream_keys": found.stream_keys,
        "as_of": horizon.as_of,
        "known_at": horizon.known_at,
        "position": found.position.token(),
        "event_count": found.event_count,
        "events": [_event_json(each) for each in found.events],
        "undecodable": [each._asdict() for each in found.undecodable],
        "views": [_view_json(each) for each in found.views],
    }
    plain: dict[str, Any] = msgspec.to_builtins(answer)
    return plain


def _event_json(inspected: InspectedEvent) -> dict[str, Any]:
    event = inspected.event
    return {
        "event_id": event.id,
        "source": event.source,
        "type": event.type,
        "time": event.time,
        "recorded_time": event.recorded_time,
        "channel": event.channel,
        "stream_key": event.stream_key,
        "partition": event.partition,
        "offset": event.offset,
        "summary": sentence_of(event),
        "views": inspected.views,
    }


def _view_json(view: ViewHistory) -> dict[str, Any]:
    agreement = view.agreement
    return {
        "name": view.view,
        "version": view.version,
        "generation": view.generation,
        "state": view.state,
        "rows": [{"key": key, "row": row} for key, row in view.rows],
        "row_count": view.row_count,
        "entries": view.entries,
        "entry_count": view.entry_count,
        "live": None
        if agreement is None
        else {
            "compared": agreement.compared,
            "differing": agreement.differing,
            "keys": [{"table": each.table, "key": each.key, "how": each.how} for each in agreement.keys],
            "shared": agreement.shared,
        },
        "note": view.note,
        "failed": [
            {
                "event_id": each.event.id,
                "partition": each.event.partition,
                "offset": each.event.offset,
                "error": _named(each),
            }
            for each in view.failed
        ],
    }


def show_inspection(console: Console, found: Inspection, subject: Subject, horizon: Horizon) -> None:
    """The events as a table, oldest first so that the newest stand nearest, then the views."""
    name = f"{subject.name[:1].upper()}{subject.name[1:]}"
    console.print(Text.assemble((name, "bold"), _at(horizon)), soft_wrap=True)
    if len(subject.parties) > 1:
        told = f"{customer_id_of(subject.parties[0])}, of {len(subject.parties):,} parties: {_several(subject.parties)}"
        console.print(told, style="dim", soft_wrap=True, markup=False)
    others = [key for key in found.stream_keys if key not in subject.parties and key != subject.stream_key]
    if others:
        console.print(f"with {_several(others)}", style="dim", soft_wrap=True, markup=False)
    console.print()
    if not found.events:
        console.print("No event by then.")
    for inspected in reversed(found.events):
        _show_event(console, inspected)
    if found.event_count > len(found.events) > 0:
        oldest = found.events[-1].event.time
        console.print(
            f"{len(found.events):,} of {found.event_count:,} events; `--limit` shows more, "
            f"`--as-of {_time(oldest)}` goes on from there.",
            style="dim",
            soft_wrap=True,
        )
    for record in found.undecodable:
        console.print(
            f"[red]✗[/] {record.partition}/{record.log_offset} could not be decoded: "
            f"{record.error}; `rapport parked list` has it."
        )
    for view in found.views:
        _show_view(console, view)


def _show_event(console: Console, inspected: InspectedEvent) -> None:
    event = inspected.event
    line = Text.assemble((_time(event.time), "bold"), "  ", (event.type, "cyan"), "  ", sentence_of(event))
    console.print(line, soft_wrap=True)
    console.print(
        f"  {event.source} {event.id}, recorded {_time(event.recorded_time)}, {event.partition}/{event.offset}",
        style="dim",
        markup=False,
        soft_wrap=True,
    )
    unapplied = {name: how for name, how in inspected.views.items() if how != "applied"}
    applied = [name for name in inspected.views if name not in unapplied]
    told = [f"in {', '.join(applied)}"] if applied else []
    told += [f"{how} in {name}" for name, how in unapplied.items()]
    console.print(
        f"  {'; '.join(told) or 'in no view'}", style="yellow" if unapplied else "dim", markup=False
    )


def _show_view(console: Console, view: ViewHistory) -> None:
    console.print()
    generation = f"generation {view.generation}, " if view.generation is not None else ""
    console.print(f"[bold]{view.view}[/]  {generation}{view.state}", soft_wrap=True)
    for key, row in view.rows:
        console.print(_row_table(key, row))
    if view.row_count > len(view.rows):
        console.print(f"  … and {view.row_count - len(view.rows):,} more rows")
    for entry in view.entries:
        console.print(f"  {_in_line(entry)}", markup=False, soft_wrap=True)
    if view.entry_count > len(view.entries):
        others = " more" if view.entries else ""
        console.print(f"  {view.entry_count - len(view.entries):,}{others} entries")
    for failed in view.failed:
        console.print(
            f"  cannot take {failed.event.partition}/{failed.event.offset} ({failed.event.id}), nor what follows "
            f"under {failed.event.stream_key}: {_named(failed)}",
            style="red",
            markup=False,
            soft_wrap=True,
        )
    _show_agreement(console, view)


def _show_agreement(console: Console, view: ViewHistory) -> None:
    agreement = view.agreement
    if agreement is None:
        console.print(f"  Not compared: {view.note}.", style="dim", markup=False, soft_wrap=True)
        return
    if agreement.differing:
        console.print(
            f"  [red]✗[/] {agreement.differing:,} of {agreement.compared:,} rows are not what readers see; "
            f"`rapport verify {view.view}` compares every row:",
            soft_wrap=True,
        )
        for difference in agreement.keys:
            where = f"{difference.how} in {difference.table}: {_in_line(difference.key)}"
            console.print(f"    {where}", markup=False, soft_wrap=True)
    else:
        console.print(f"  [green]✓[/] The live view agrees: {agreement.compared:,} rows.")
    if agreement.shared:
        console.print(
            f"  {agreement.shared:,} rows belong to others as well: above is this history's part of them.",
            style="dim",
        )


def _row_table(key: Mapping[str, Any], row: Mapping[str, Any]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for names, values in ((key, "bold"), (row, "")):
        for name, value in names.items():
            table.add_row(f"  {name}", Text(_value(value), style=values))
    table.add_row("", "")
    return table


def _in_line(values: Mapping[str, Any]) -> str:
    return ", ".join(f"{name}={_value(value)}" for name, value in values.items())


def _value(value: Any) -> str:
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, str):
        return value
    return msgspec.json.encode(value).decode()


def _time(time: datetime) -> str:
    return time.isoformat().replace("+00:00", "Z")


def _at(horizon: Horizon) -> str:
    if horizon == EVERYTHING:
        return ""
    told = []
    if horizon.as_of is not None:
        told.append(f"as of {_time(horizon.as_of)}")
    if horizon.known_at is not None:
        told.append(f"as known at {_time(horizon.known_at)}")
    return f" {', '.join(told)}"


def _several(keys: Sequence[str]) -> str:
    shown = ", ".join(keys[:_MOST_KEYS_SHOWN])
    return f"{shown} and {len(keys) - _MOST_KEYS_SHOWN} more" if len(keys) > _MOST_KEYS_SHOWN else shown


def _named(failed: Failed) -> str:
    return f"{type(failed.error).__name__}: {failed.error}"
