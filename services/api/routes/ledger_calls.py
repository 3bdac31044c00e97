"""What the routes of redemptions and holds have in common: a request asked of the ledger, and one read of it."""

import re
from collections.abc import Callable
from typing import Any, Final

import msgspec
from fastapi import Request, Response

from services.api.ledger_answers import answer_of
from services.api.ledger_bodies import Body, read_body
from services.api.ledger_openapi import IDEMPOTENCY_KEY_PATTERN
from services.api.ledger_requests import Asked, Operation
from services.api.ledger_writes import LedgerWrites
from services.api.parameters import invalid_parameter, query_parameters
from services.api.preferences import wait_of
from services.api.reads import Reads, Snapshot
from services.projections.loyalty.outcome_views import View
from services.projections.loyalty.outcomes import Found, Kind, Sought, outcome
from shared.events.member_number import normalised_member_number
from shared.http.problems import Problem
from shared.identifiers import PartyIds
from shared.position import InvalidPositionError, Position

_IDEMPOTENCY_KEY: Final = re.compile(IDEMPOTENCY_KEY_PATTERN.encode())


async def ask(
    writes: LedgerWrites,
    request: Request,
    operation: Operation,
    body_type: type[Body],
    name: str | None = None,
) -> Response:
    """Answers a request that asks the ledger for something.

    `name` is the member of the body that names the redemption or hold; where it is None the path does. Raises problems.
    """
    scope = request.scope
    query_parameters(scope["query_string"], ())
    key = _idempotency_key(scope["headers"])
    content_type = request.headers.get("content-type", "application/json")
    body = read_body(body_type, content_type, await request.body())
    seconds, applied = wait_of(scope["headers"])
    asked = Asked(
        operation=operation,
        account=request.path_params["account_id"],
        reference=request.path_params["hold_id"] if name is None else getattr(body, name),
        body=body,
        idempotency_key=key,
        traceparent=request.headers.get("traceparent"),
    )
    return answer_of(await writes.decide(asked, seconds), applied).response()


async def read(
    reads: Reads,
    party_ids: PartyIds,
    request: Request,
    kind: Kind,
    view_of: Callable[[str, Found], View | None],
) -> Response:
    """Answers a request to read a redemption or hold. Raises problems."""
    requested_at = _position(query_parameters(request.scope["query_string"], ("position",)).get("position"))
    account_id = normalised_member_number(request.path_params["account_id"])
    reference = request.path_params[f"{kind}_id"]
    if "\0" in account_id or "\0" in reference:
        raise _unknown(kind)
    sought = Sought(account_id, party_ids.of("member", account_id), kind, reference)

    async def query(connection: Any) -> Snapshot:
        found, position = await outcome(connection, sought)
        document = view_of(reference, found)
        if not position.includes(requested_at):
            document = _pending(sought, "the ledger has not reached it yet; ask again")
        elif document is None and found.waiting:
            document = _pending(sought, "the ledger could not take it up yet; operators have to redrive it")
        return Snapshot(_unknown(kind) if document is None else msgspec.json.encode(document), position)

    return (await reads.answer(request.scope, query)).response()


def _idempotency_key(headers: list[tuple[bytes, bytes]]) -> str:
    keys = [value for name, value in headers if name == b"idempotency-key"]
    if len(keys) != 1 or not _IDEMPOTENCY_KEY.fullmatch(keys[0]):
        detail = (
            "send one Idempotency-Key of 1 to 200 visible ASCII characters, new for each request and the same for its "
            "retries"
        )
        raise Problem(400, "idempotency_key_required", detail)
    return keys[0].decode()


def _position(token: str | None) -> Position:
    try:
        return Position.parse("0" if token is None else token)
    except InvalidPositionError as error:
        raise invalid_parameter("position", str(error)) from error


def _pending(sought: Sought, detail: str) -> View:
    return {f"{sought.kind}_id": sought.reference, "status": "pending", "detail": detail}


def _unknown(kind: Kind) -> Problem:
    detail = (
        f"the ledger knows no {kind} of this id in this account; check both, or ask with the position that the request "
        "was answered with"
    )
    return Problem(404, f"unknown_{kind}", detail)
