"""Accounts by the end of their number: what people read out from a card."""

from typing import Any, Final, NamedTuple

LEAST_CHARACTERS: Final = 4
"""Fewer would name too many."""
MOST_FOUND: Final = 20


class EndingAccount(NamedTuple):
    """An account, and the party of its number."""

    account_id: str
    party: str


_FOUND: Final = f"""
select account_id, party from live.loyalty_states
where kind = 'account' and party is not null and reverse(account_id) like $1
order by account_id limit {MOST_FOUND + 1}
"""  # noqa: S608 - a fixed number


async def accounts_ending(connection: Any, ending: str) -> list[EndingAccount]:
    """The accounts whose number ends so, by number, one more than `MOST_FOUND` at most; an index finds them.

    `ending` is as member numbers are normalised. Raises asyncpg's errors.
    """
    backwards = ending[::-1].replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    return [EndingAccount(*row) for row in await connection.fetch(_FOUND, backwards)]
