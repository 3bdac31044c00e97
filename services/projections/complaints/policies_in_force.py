"""The policies that came into force, as the database has them, for folds and for readers of complaints."""

from collections.abc import Sequence
from typing import Any

from msgspec import json

from services.projections.complaints.policy_history import PolicyHistory, Registration


class PoliciesInForce:
    """What `control.complaint_policies` held when it was last read; before that, and where it is empty, one content.

    A case names the version it was opened under, so whoever meets an unknown one refreshes and looks again.
    """

    def __init__(self, content: str) -> None:
        self.content = content
        """The content of this process's own file, which comes into force where a worker registers it."""
        self.history = PolicyHistory([Registration(content, {})])

    async def refresh(self, connection: Any) -> None:
        """Reads what came into force. Raises asyncpg's errors."""
        rows = await connection.fetch(
            "select content, first_offsets from control.complaint_policies order by number"
        )
        self.history = PolicyHistory([_registration(row) for row in rows] or [Registration(self.content, {})])


def _registration(row: Sequence[str]) -> Registration:
    content, first_offsets = row
    return Registration(content, json.decode(first_offsets, type=dict[int, int], strict=False))
