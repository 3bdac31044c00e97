"""Where the live set stands, for answers about what is beside the views."""

from typing import Any

from services.projections.sight.positions import live_positions
from shared.position import Position


async def live_position(connection: Any) -> Position:
    """What the live views include. Raises asyncpg's errors."""
    live = await live_positions(connection)
    return Position({partition: offset for partition, offset in live.items() if offset})
