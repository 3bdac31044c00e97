"""The demo's page of complaints: which to look at, and what the report tells of all."""

from collections.abc import Sequence

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.ops.demo.account_story import text_of
from services.ops.demo.check_complaints import by_story
from services.ops.demo.complaint_events import NOW, Complaint, Story

_STORIES: dict[Story, str] = {
    "answered": "answered in time",
    "compensated": "answered, with points for the trouble",
    "lied_to": "reopened after a lie, then made good",
    "forgotten": "forgotten: its clock broke, and it was escalated",
}


def show_complaints(console: Console, complaints: Sequence[Complaint], address: str) -> None:
    """One complaint of each story, and how to ask for the forgotten one and for the report."""
    console.print(
        f"  [bold]Complaints[/], {len(complaints)} of four kinds, and one of each:", highlight=False
    )
    console.print()
    table = Table.grid(padding=(0, 3))
    table.add_column(justify="right")
    table.add_column()
    table.add_column(style="bold cyan")
    first = {each.story: each for each in reversed(complaints)}
    ways = by_story(complaints)
    for story, what in _STORIES.items():
        if story in first:
            table.add_row(f"{ways[story]}", what, first[story].complaint_id)
    console.print(Padding(table, (0, 2)))
    console.print()
    console.print(f"  Ask for one as of {NOW.day} {NOW:%B %Y}, and which faults the answers had:")
    console.print()
    for line in (
        f'curl -s "{address}/v1/complaints/{complaints[-1].complaint_id}?as_of={text_of(NOW)}"',
        f'REPORT="{address}/v1/complaints/report?from=1997-01-01T00:00:00Z&to={text_of(NOW)}"',
        'curl -s "$REPORT&by=handling_fault"',
    ):
        console.print(Text(f"    {line}", style="green"), soft_wrap=True)
    console.print()
