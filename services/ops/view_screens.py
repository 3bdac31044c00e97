"""What the commands on views show: a rebuild's progress, comparisons, and the status."""

import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table

from services.projections.engine.comparison import Comparison
from services.projections.engine.rebuild import Progress, Rebuilt
from services.projections.sight.status import Status, ViewStatus


class RebuildScreen:
    """Bars for all events and for each partition, with rate and time left, while a rebuild runs."""

    def __init__(self, console: Console, *, shown: bool, clock: Callable[[], float] = time.monotonic) -> None:
        self.events = 0
        self.steps: dict[str, float] = {}
        """How many seconds each step took, in their order; the last one's until this was left."""
        self._clock = clock
        self._step: tuple[str, float] | None = None
        self._resumed: int | None = None
        self._bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("{task.fields[rate]}"),
            TimeRemainingColumn(),
            console=console,
            disable=not shown,
        )
        self._tasks: dict[int | None, TaskID] = {}

    def __enter__(self) -> Self:
        self._bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bars.stop()
        if self._step is not None:
            self._note(self._step[0])

    def report(self, progress: Progress) -> None:
        """Shows how far it is; views of one rebuild go together, so the one farthest behind speaks for all."""
        self._note(progress.doing)
        views = [partitions for partitions in progress.views.values() if partitions]
        if not views:
            return
        behind = min(views, key=lambda partitions: sum(each.done for each in partitions))
        self._show(
            None, progress.doing, sum(each.done for each in behind), sum(each.total for each in behind)
        )
        for each in behind:
            self._show(each.partition, f"  partition {each.partition}", each.done, each.total)
        done = sum(each.done for each in behind)
        self._resumed = done if self._resumed is None else self._resumed
        self.events = done - self._resumed

    def _note(self, doing: str) -> None:
        now = self._clock()
        before, since = self._step or (doing, now)
        self.steps[before] = self.steps.get(before, 0.0) + now - since
        self.steps.setdefault(doing, 0.0)
        self._step = doing, now

    def _show(self, partition: int | None, description: str, done: int, total: int) -> None:
        task = self._tasks.get(partition)
        if task is None:
            task = self._tasks[partition] = self._bars.add_task(description, total=total, rate="")
        speed = self._bars.tasks[self._bars.task_ids.index(task)].speed
        rate = f"{speed:,.0f}/s" if speed else ""
        self._bars.update(task, description=description, completed=done, total=total, rate=rate)


def show_rebuilt(
    console: Console, rebuilt: Sequence[Rebuilt], events: int, seconds: float, steps: Mapping[str, float]
) -> None:
    """What a rebuild came to, and how long each of its steps took."""
    console.print(
        f"{events:,} events in {seconds:.1f} s, {events / max(seconds, 0.001):,.0f} a second: "
        + ", ".join(f"{took:.1f} s {doing}" for doing, took in steps.items()),
        style="dim",
    )
    for each in rebuilt:
        later = f"is ready: `rapport switch {each.view} {each.generation}`"
        does = "is what readers see now" if each.switched else later
        console.print(f"[bold]{each.view}[/] generation {each.generation} {does}.")
        if each.comparison is not None:
            _show_comparison(console, each.comparison)


def show_comparisons(console: Console, compared: Sequence[Comparison]) -> None:
    """What a verification came to."""
    for each in compared:
        console.print(f"[bold]{each.view}[/]")
        _show_comparison(console, each)


def _show_comparison(console: Console, compared: Comparison) -> None:
    if not compared.differing:
        console.print(f"  [green]✓[/] {compared.rows:,} rows, each equal to the one readers saw.")
        return
    console.print(
        f"  [red]✗[/] {compared.differing:,} of {compared.rows:,} rows differ from what readers saw:"
    )
    for difference in compared.keys:
        key = ", ".join(f"{name}={value}" for name, value in difference.key.items())
        console.print(f"    {difference.how} in {difference.table}: {key}", markup=False)
    if compared.differing > len(compared.keys):
        console.print(f"    … and {compared.differing - len(compared.keys):,} more")


def show_status(console: Console, status: Status) -> None:
    """Views with their lag, rebuilds under way, generations kept."""
    if status.log_error:
        console.print(f"[red]The log does not answer:[/] {status.log_error}")
    table = Table("view", "gen.", "version", "state", "behind", "for", "events/s", "parked", box=None)
    for view in status.views:
        table.add_row(
            view.name, str(view.generation), str(view.version), view.state,
            "?" if view.lag_events is None else f"{view.lag_events:,}",
            "?" if view.lag_seconds is None else f"{view.lag_seconds:.1f} s",
            f"{view.rate:,.0f}", str(view.parked_keys),
        )  # fmt: skip
    console.print(table)
    for view in status.views:
        _show_verification(console, view)
    for each in status.building:
        eta = f", {each.eta_seconds:,.0f} s left" if each.eta_seconds else ""
        pace = (
            f"{each.rate:,.0f}/s{eta}" if each.rate else f"no progress for {each.standstill_seconds:,.0f} s"
        )
        console.print(
            f"{each.view} generation {each.generation}: {each.done:,} of {each.total:,} events, {pace}"
        )
        for part in each.partitions:
            console.print(f"  partition {part.partition}: {part.done:,} of {part.total:,}", style="dim")
    for kept in status.kept:
        console.print(f"{kept.view} generation {kept.generation} is {kept.state}, kept.", style="dim")
    if status.undecodable:
        console.print(f"{status.undecodable} records could not be decoded; `rapport parked list` shows them.")


def _show_verification(console: Console, view: ViewStatus) -> None:
    found = view.verification
    if found is None or found.ended_at is None:
        return
    older = "" if found.generation == view.generation else f", which was generation {found.generation} then"
    when = f"{found.ended_at:%Y-%m-%d %H:%M} UTC{older}"
    if found.state == "equal":
        console.print(f"{view.name}: {found.rows:,} rows equalled the log's on {when}.", style="dim")
    else:
        console.print(
            f"[red]✗[/] {view.name}: {found.differing:,} of {found.rows:,} rows differed from the log's on {when}."
        )
