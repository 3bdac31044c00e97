"""A customer of a request: all parties that are one customer, by any id one of them was ever known by."""

from collections.abc import Awaitable, Callable
from typing import Any, Final

from services.api.openapi import path_parameter
from services.api.reads import Snapshot
from services.projections.identity.component import ComponentTooLargeError
from shared.http.problems import Problem
from shared.identifiers import party_id_of

CUSTOMER_ID: Final = path_parameter(
    "id", "a customer or party id", {"type": "string", "pattern": "^(cus|pty)_[a-z2-7]{26}$"}
)
"""The parameter of every path that names a customer, as OpenAPI describes it."""


def party_of(any_id: str) -> str:
    """The party behind an id of the path. Raises the problem 404 `unknown_customer` for what is none."""
    try:
        return party_id_of(any_id)
    except ValueError as error:
        raise Problem(404, "unknown_customer", str(error)) from error


def unknown_customer() -> Problem:
    """The problem of a party that no event names."""
    detail = "no event names this customer yet; check the id, or look the customer up again"
    return Problem(404, "unknown_customer", detail)


def of_whole_customers(query: Callable[[Any], Awaitable[Snapshot]]) -> Callable[[Any], Awaitable[Snapshot]]:
    """The query; a customer of too many parties as the problem 422 `customer_too_large`."""

    async def guarded(connection: Any) -> Snapshot:
        try:
            return await query(connection)
        except ComponentTooLargeError as error:
            return Snapshot(Problem(422, "customer_too_large", str(error)), error.position)

    return guarded
