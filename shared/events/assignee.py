"""Who is to do something: a person, a department, or a person of a department."""

from collections.abc import Mapping
from typing import Any

from shared.events.data import BrokenRuleError, Part
from shared.events.vocabulary import Reference


class Assignee(Part, frozen=True, kw_only=True):
    """A member of staff, a department, or both; at least one is named."""

    person: Reference | None = None
    department: Reference | None = None

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` when nobody is named."""
        if self.person is None and self.department is None:
            raise BrokenRuleError("", "names neither a `person` nor a `department`")


ASSIGNEE_SCHEMA: Mapping[str, Any] = {
    "anyOf": [
        {"type": "null"},
        {"required": ["person"], "properties": {"person": {"type": "string"}}},
        {"required": ["department"], "properties": {"department": {"type": "string"}}},
    ]
}
"""The same rule in JSON Schema; null passes where an assignee is optional."""
