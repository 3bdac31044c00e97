"""The demo's last page: a guest who stayed away for years, as staff see them for two purposes."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from services.ops.demo.complaint_events import NOW

_NOT_OPENED: Final = "not opened"
_CATEGORY_OF: Final = {
    "name": "identity",
    "birthday": "identity",
    "preferences": "preference",
    "address": "contact",
    "health": "health",
    "tasks": "free_text",
}
PURPOSES: Final = ("greeting", "ordering")


def show_card(console: Console, cards: Mapping[str, dict[str, Any]], address: str) -> None:
    """The cards of one guest by purpose, beside each other, and how to ask for one. `cards` has both `PURPOSES`."""
    console.print(
        f"  [bold]A guest walks in[/] on {NOW.day} {NOW:%B %Y}, the demo's today. Their card, for two purposes:",
        highlight=False,
    )
    console.print()
    console.print(Padding(_table([cards[purpose] for purpose in PURPOSES]), (0, 2)))
    console.print()
    console.print("  Ask for it:")
    console.print()
    customer_id = cards[PURPOSES[0]]["customer_id"]
    for line in (
        f"CARD={address}/v1/customers/{customer_id}/card",
        f'curl -s "$CARD?purpose={PURPOSES[0]}"',
    ):
        console.print(Text(f"    {line}", style="green"), soft_wrap=True)
    console.print()


def _table(cards: Sequence[dict[str, Any]]) -> Table:
    table = Table.grid(padding=(0, 3))
    table.add_column(style="dim", no_wrap=True)
    for _ in cards:
        table.add_column(max_width=34)
    table.add_row("", *(Text(card["purpose"], style="bold") for card in cards))
    columns = [_lines(card) for card in cards]
    for label in columns[0]:
        first, *others = (column[label] for column in columns)
        said = [
            _cell(first),
            *(Text("the same", style="dim") if each == first else _cell(each) for each in others),
        ]
        table.add_row(label, *said)
    return table


def _cell(text: str) -> Text:
    return Text(text, style="dim" if text in (_NOT_OPENED, "") else "bold cyan")


def _lines(card: dict[str, Any]) -> dict[str, str]:
    """What a card says, by label."""
    withheld = card["withheld"]

    def personal(what: str, text: str) -> str:
        return _NOT_OPENED if _CATEGORY_OF[what] in withheld else text

    visit = card["last_visit"]
    details = visit["details"] or {}
    birthday, likes = card["birthday"], card["preferences"] or {}
    return {
        "who": personal("name", " ".join(filter(None, (card["salutation"], card["name"])))),
        "last here": f"{visit['time'][:10]}, {_ago(visit['ago'])} ago",
        "where": ", ".join([visit["location"], *(f"{name} {value}" for name, value in details.items())]),
        "away for": f"{card['lapsed_years']} years" if card["lapsed_years"] else "",
        "birthday": personal("birthday", "" if birthday is None else _in(birthday["in_days"])),
        "likes": personal("preferences", ", ".join(f"{name}: {_said(value)}" for name, value in likes.items())),
        "bought most": ", ".join(f"{each['quantity']} x {each['description']}" for each in card["favourites"]),
        "points, tier": f"{card['available_points']:,}, {card['tier']}",
        "price promised": {True: "kept", False: "not kept", None: ""}[card["price_kept"]],
        "marketing": _marketing(card),
        "to do": ", ".join(personal("tasks", each["title"] or "") for each in card["tasks_due"]),
        "address": personal("address", card["address"] or ""),
        "health": personal("health", card["dietary"] or ""),
        "withheld": ", ".join(withheld),
    }  # fmt: skip


def _ago(ago: dict[str, int]) -> str:
    return f"{ago['years']} years and {ago['days']} days"


def _in(days: int) -> str:
    return "today" if days == 0 else f"in {days} days"


def _said(value: Any) -> str:
    return ("no", "yes")[value] if isinstance(value, bool) else str(value)


def _marketing(card: dict[str, Any]) -> str:
    said = {True: "yes", False: "no", None: ""}[card["consents"].get("marketing")]
    channels = card["consents_by_channel"].get("marketing", {})
    return ", ".join(
        [said, *(f"{'yes' if granted else 'no'} by {name}" for name, granted in channels.items())]
    )
