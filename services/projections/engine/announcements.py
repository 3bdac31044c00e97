"""How readers learn that views advanced: NOTIFY in the batch's own transaction, so never before the rows are there."""

import asyncpg

from shared.position import Position

CHANNEL = "rapport_positions"
_LONGEST_PAYLOAD_BYTES = 7999


async def announce(connection: asyncpg.Connection, reached: Position) -> None:
    """Sends the token of the partitions that advanced, or an empty payload where it is too long: then read them."""
    token = reached.token()
    payload = token if len(token) <= _LONGEST_PAYLOAD_BYTES else ""
    await connection.execute("select pg_notify($1, $2)", CHANNEL, payload)
