"""The demo's page of one loyalty account."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.ops.demo.account_story import SHOWN_AT, AccountStory, Moment, text_of

_LISTED = 4
_SUMS = {"earned": "earned", "clawed_back": "taken back", "redeemed": "redeemed", "expired": "expired"}


def show_account(console: Console, story: AccountStory, address: str) -> None:
    """The account through the years, its last entries at the second time, and where to ask for them."""
    console.print(
        f"  [bold]The account with the longest history[/] of {story.accounts:,}, {story.account_id}, as it was:",
        highlight=False,
    )
    console.print()
    console.print(Padding(_figures(story.moments), (0, 2)))
    console.print()
    listed = min(_LISTED, len(story.entries))
    console.print(
        f"  The last {listed} of its {len(story.entries)} entries by {_day(SHOWN_AT[1])}, with the balance after each:",
        highlight=False,
    )
    console.print()
    console.print(Padding(_entries(story.entries[:listed]), (0, 2)))
    console.print()
    console.print("  Ask for it, at any time:")
    console.print()
    for line in (
        f"ACCOUNT={address}/v1/loyalty/accounts/{story.account_id}",
        f"AT=as_of={text_of(SHOWN_AT[1])}",
        'curl -s "$ACCOUNT?$AT"',
        'curl -s "$ACCOUNT/entries?limit=3&$AT"',
    ):
        console.print(Text(f"    {line}", style="green"), soft_wrap=True)
    console.print()


def _figures(moments: Sequence[Moment]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim")
    for _ in moments:
        table.add_column(justify="right")
    table.add_row("", *(Text(_day(each.at), style="dim") for each in moments))
    table.add_row("balance", *(Text(_points(each, "balance"), style="bold cyan") for each in moments))
    table.add_row("tier", *(_member(each, "tier") for each in moments))
    for kind, name in _SUMS.items():
        table.add_row(name, *(f"{each.sums[kind]:,}" for each in moments))
    return table


def _entries(entries: Sequence[dict[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 2))
    table.add_column(style="dim")
    table.add_column()
    table.add_column(justify="right")
    table.add_column(justify="right", style="bold")
    table.add_column(no_wrap=True, overflow="ellipsis")
    for entry in entries:
        points = f"{entry['points']:+,}" if entry["points"] else "0"
        why = entry["order_id"] or entry["reason"] or ""
        kind = entry["kind"].replace("_", " ")
        table.add_row(entry["time"][:10], kind, points, f"{entry['balance_after']:,}", why)
    return table


def _points(moment: Moment, name: str) -> str:
    return "" if moment.account is None else f"{moment.account[name]:,}"


def _member(moment: Moment, name: str) -> str:
    return "" if moment.account is None else str(moment.account[name])


def _day(at: datetime) -> str:
    return f"{at.day} {at:%B %Y}"
