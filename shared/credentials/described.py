"""How OpenAPI documents tell which operations need a credential."""

from collections.abc import Callable
from typing import Any, Final

SCHEME: Final = "bearer"
_DESCRIPTION: Final = (
    "A key of `rapport keys create`, or a token of the configured issuer. On a machine where no key was made yet "
    "and no issuer is set, nobody is asked for one."
)


def with_bearers(document: dict[str, Any], needs_one: Callable[[str], bool]) -> dict[str, Any]:
    """The document, changed so that the operations of paths that need a credential say so."""
    schemes = document.setdefault("components", {}).setdefault("securitySchemes", {})
    schemes[SCHEME] = {"type": "http", "scheme": "bearer", "description": _DESCRIPTION}
    for path, operations in document["paths"].items():
        if needs_one(path):
            for operation in operations.values():
                operation["security"] = [{SCHEME: []}]
    return document
