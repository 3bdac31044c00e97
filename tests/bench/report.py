"""The report of a run: a table for people, JSON for comparing runs."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from tests.bench.measurement import Figures, Left, Outcome, Row


@dataclass(frozen=True, slots=True)
class Report:
    """One run: the machine, how it was measured, and what each scenario found."""

    machine: Mapping[str, Any]
    measured: Mapping[str, Any]
    outcomes: Sequence[Outcome]

    @property
    def rows(self) -> list[Row]:
        """All lines, in the order of the scenarios."""
        return [row for outcome in self.outcomes for row in outcome.rows]

    @property
    def left(self) -> list[Left]:
        """All that was not measured."""
        return [left for outcome in self.outcomes for left in outcome.left]


def print_report(report: Report, console: Console) -> None:
    """Prints the machine, the table, and what was left out."""
    console.print(", ".join(f"{name} {value}" for name, value in report.machine.items()), style="dim")
    table = Table(title="Rapport beside its yardsticks: medians of one interleaved run")
    for heading in ("scenario", "yardstick"):
        table.add_column(heading, overflow="fold")
    for heading in ("ours", "yardstick's", "ratio", "wanted", "met?"):
        table.add_column(heading, justify="right", overflow="fold")
    for row in report.rows:
        table.add_row(*_cells(row))
    console.print(table)
    for row in report.rows:
        if row.note:
            console.print(f"{row.scenario}: {row.note}", style="dim")
    for left in report.left:
        console.print(
            f"{left.what}: {'failed' if left.failed else 'not measured'}: {left.why}",
            style="red" if left.failed else "yellow",
            markup=False,
        )


def write_report(report: Report, file: Path) -> None:
    """Writes the run as JSON, with every round's figure; makes the folder where it is missing."""
    file.parent.mkdir(parents=True, exist_ok=True)
    content = {
        "machine": dict(report.machine),
        "measured": dict(report.measured),
        "rows": [_as_json(row) for row in report.rows],
        "left": [{"what": left.what, "why": left.why, "failed": left.failed} for left in report.left],
    }
    file.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")


def _cells(row: Row) -> tuple[str, ...]:
    verdict = {None: "", True: "[green]yes[/]", False: "[red]no[/]"}[row.met]
    return (
        row.scenario,
        row.yardstick.contender if row.yardstick else "",
        f"{_number(row.ours.median)} {row.unit}",
        f"{_number(row.yardstick.median)} {row.unit}" if row.yardstick else "",
        f"{row.ratio:.2f}" if row.ratio is not None else "",
        str(row.wanted or ""),
        verdict,
    )


def _number(value: float) -> str:
    return f"{value:,.0f}" if value >= 100 else f"{value:.1f}"


def _as_json(row: Row) -> dict[str, Any]:
    return {
        "scenario": row.scenario,
        "unit": row.unit,
        "ours": _figures(row.ours),
        "yardstick": _figures(row.yardstick) if row.yardstick else None,
        "ratio": row.ratio,
        "wanted": str(row.wanted) if row.wanted else None,
        "met": row.met,
        "note": row.note,
    }


def _figures(figures: Figures) -> dict[str, Any]:
    return {"contender": figures.contender, "median": figures.median, "rounds": list(figures.rounds)}
