"""One account at several times, as the API tells it."""

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, NamedTuple

import httpx

SHOWN_AT: Final = (
    datetime(1997, 4, 1, 12, tzinfo=UTC),
    datetime(1998, 1, 1, 12, tzinfo=UTC),
    datetime(1998, 7, 1, 12, tzinfo=UTC),
)
"""In the middle of the sample's busiest weeks, at the turn of the year, and after its last day.

At noon, when the programme's time zone has the same day.
"""
_PAGE = "200"


class Moment(NamedTuple):
    """An account at a time: what the API answers, None where there was none yet, and its entries until then by kind."""

    at: datetime
    account: dict[str, Any] | None
    sums: Counter[str]


class AccountStory(NamedTuple):
    """An account at the times of `SHOWN_AT`, with the entries it had at the second of them, newest first."""

    account_id: str
    accounts: int
    moments: list[Moment]
    entries: list[dict[str, Any]]


def is_of_account(event: dict[str, Any]) -> bool:
    """Whether the ledger folds an event."""
    return str(event["type"]).startswith(("loyalty.", "purchase."))


def longest_history(events: Sequence[dict[str, Any]]) -> tuple[str, int]:
    """The account of which most events are, the least one of several; and how many accounts there are."""
    of_accounts = [event for event in events if is_of_account(event)]
    counted = Counter(event["data"]["customer"][0]["value"] for event in of_accounts)
    return min(counted, key=lambda account_id: (-counted[account_id], account_id)), len(counted)


async def account_story(client: httpx.AsyncClient, account_id: str, accounts: int) -> AccountStory:
    """Asks for the account at each time. Raises httpx's errors."""
    moments = []
    listed: list[list[dict[str, Any]]] = []
    for at in SHOWN_AT:
        account = await account_at(client, account_id, at)
        entries = [] if account is None else await entries_at(client, account_id, at)
        sums: Counter[str] = Counter()
        for entry in entries:
            sums[entry["kind"]] += entry["points"]
        moments.append(Moment(at, account, sums))
        listed.append(entries)
    return AccountStory(account_id, accounts, moments, listed[1])


async def account_at(client: httpx.AsyncClient, account_id: str, at: datetime) -> dict[str, Any] | None:
    """The account at a time, None where it had no event by then. Raises httpx's errors."""
    answer = await client.get(f"/v1/loyalty/accounts/{account_id}", params={"as_of": text_of(at)})
    if answer.status_code == httpx.codes.NOT_FOUND:
        return None
    account: dict[str, Any] = answer.raise_for_status().json()
    return account


def text_of(at: datetime) -> str:
    """A time as the API takes it."""
    return f"{at:%Y-%m-%dT%H:%M:%SZ}"


async def entries_at(client: httpx.AsyncClient, account_id: str, at: datetime) -> list[dict[str, Any]]:
    """All entries at a time, newest first, expiries included. Raises httpx's errors."""
    entries: list[dict[str, Any]] = []
    parameters = {"as_of": text_of(at), "limit": _PAGE}
    while True:
        answer = await client.get(f"/v1/loyalty/accounts/{account_id}/entries", params=parameters)
        page = answer.raise_for_status().json()
        entries += page["items"]
        if page["next_cursor"] is None:
            return entries
        parameters["cursor"] = page["next_cursor"]
