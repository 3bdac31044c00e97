"""What the bearers of keys and tokens do for the business, and what that lets them read."""

from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args

from services.api.access.calls import Part
from services.api.access.purposes import Purpose

Role = Literal[
    "front_line",
    "loyalty_desk",
    "case_handler",
    "care",
    "marketing",
    "analyst",
    "operator",
    "privacy_officer",
]


class Rights(NamedTuple):
    """The parts of the API that may be called, and the purposes that reads may name."""

    parts: frozenset[Part]
    purposes: frozenset[Purpose] = frozenset()


ROLES: Final[tuple[Role, ...]] = get_args(Role)

RIGHTS: Final[Mapping[Role, Rights]] = {
    "front_line": Rights(
        frozenset({"look_up", "customers", "loyalty", "tasks", "handling", "scores"}),
        frozenset({"greeting", "ordering"}),
    ),
    "loyalty_desk": Rights(
        frozenset({"look_up", "customers", "loyalty", "redeeming", "scores"}), frozenset({"greeting"})
    ),
    "case_handler": Rights(
        frozenset({"look_up", "customers", "loyalty", "complaints", "tasks", "handling"}),
        frozenset({"greeting", "complaint_handling"}),
    ),
    "care": Rights(frozenset({"look_up", "customers", "tasks", "handling"}), frozenset({"greeting", "care"})),
    "marketing": Rights(
        frozenset({"look_up", "customers", "loyalty", "scores", "analytics", "audiences"}),
        frozenset({"marketing"}),
    ),
    "analyst": Rights(
        frozenset({"settlement", "complaint_report", "scores", "analytics", "audiences"}),
        frozenset({"analysis"}),
    ),
    "operator": Rights(
        frozenset(
            {
                "look_up",
                "customers",
                "loyalty",
                "settlement",
                "complaints",
                "complaint_report",
                "tasks",
                "shared_identifiers",
                "analytics",
                "operations",
            }
        )
    ),
    "privacy_officer": Rights(frozenset({"look_up", "customers", "shared_identifiers", "access_records"})),
}
"""By role; those of several add up. Roles without purposes read no personal data."""


def rights_of(roles: frozenset[str], purposes: frozenset[str] | None) -> Rights:
    """What roles give together, narrowed to `purposes` where these are given. An unknown role gives nothing."""
    known = [RIGHTS[role] for role in ROLES if role in roles]
    parts = frozenset(part for rights in known for part in rights.parts)
    allowed = frozenset(purpose for rights in known for purpose in rights.purposes)
    return Rights(parts, allowed if purposes is None else allowed & purposes)
