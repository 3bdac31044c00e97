"""What the ledger decided, as HTTP: 201 done, 409 refused for good, 202 not decided yet."""

from typing import Any, Final
from urllib.parse import quote

import msgspec

from services.api.ledger_requests import SOURCE, LedgerRequest, Operation
from services.api.ledger_writes import Decided, Pending
from services.api.reads import Answer
from services.projections.loyalty.outcome_views import (
    Anomaly,
    View,
    anomaly_of,
    closed_hold,
    decided_hold,
    decided_redemption,
    rejection_of,
)
from shared.http.problems import Problem

ACCOUNTS: Final = "/v1/loyalty/accounts"

_NOT_FOUND: Final = frozenset({"unknown_hold"})
_RETRY_AFTER: Final = (b"retry-after", b"1")
_PARTS: Final[dict[Operation, tuple[str, ...]]] = {
    "redemption": ("points", "reward", "partner"),
    "hold": ("points", "expires_at"),
    "capture": (),
    "release": (),
}
"""What two requests for the same redemption or hold must have in common."""
_WHAT_TO_DO: Final = {
    "redemption_conflict": "leave redemption_id out, or choose another, for another redemption",
    "hold_conflict": "leave hold_id out, or choose another, for another hold",
    "unknown_hold": "check its id; only a hold that was placed and not rejected can be captured or released",
    "hold_closed": "it was captured or released before; read it to see how",
    "hold_expired": "its points are available again; place another hold",
    "hold_exceeded": "capture at most what it holds",
}


def answer_of(outcome: Decided | Pending, applied: str | None) -> Answer:
    """The answer. `applied` is the preference to confirm.

    Raises the problems 404 `unknown_hold`, and 409 for what else the ledger refused.
    """
    headers = [(b"cache-control", b"no-store"), (b"content-type", b"application/json")]
    if applied is not None:
        headers.append((b"preference-applied", applied.encode()))
    place = location_of(outcome.request)
    token = outcome.position.token()
    if isinstance(outcome, Pending):
        request = outcome.request
        pending = {
            f"{request.sought.kind}_id": request.sought.reference,
            "status": "pending",
            "detail": f"{outcome.reason}; poll the Location, or send the request again with the same Idempotency-Key",
        }
        headers.append(_RETRY_AFTER)
        return _answer(202, pending, headers, f"{place}?position={token}", token)
    try:
        view = _done(outcome)
    except Problem as problem:
        problem.headers.update({"rapport-position": token, "cache-control": "no-store"})
        raise
    return _answer(201, view, headers, place, token)


def location_of(request: LedgerRequest) -> str:
    """Where the redemption or hold of a request is read."""
    sought = request.sought
    account_id, reference = quote(sought.account_id, safe=""), quote(sought.reference, safe="")
    return f"{ACCOUNTS}/{account_id}/{sought.kind}s/{reference}"


def _answer(
    status: int, document: Any, headers: list[tuple[bytes, bytes]], location: str, token: str
) -> Answer:
    body = msgspec.json.encode(document)
    further = [
        (b"location", location.encode()),
        (b"rapport-position", token.encode()),
        (b"content-length", b"%d" % len(body)),
    ]
    return Answer(status, [*headers, *further], body)


def _done(decided: Decided) -> View:
    """What was done. Raises the problem for what was not."""
    request, found, told = decided.request, decided.found, decided.told
    if told.parked == "discarded":
        detail = (
            "operators discarded this request because the ledger could not take it up, and it never will; send it "
            "with another Idempotency-Key"
        )
        raise Problem(409, "request_discarded", detail)
    anomaly = anomaly_of(told, request.event_id, SOURCE) or _conflict(decided)
    if anomaly is not None:
        what_to_do = _WHAT_TO_DO.get(anomaly.code, "nothing was changed")
        status = 404 if anomaly.code in _NOT_FOUND else 409
        raise Problem(status, anomaly.code, f"{anomaly.detail}; {what_to_do}")
    reference = request.sought.reference
    if request.operation == "redemption":
        view = decided_redemption(reference, found)
    elif request.operation == "hold":
        view = decided_hold(reference, found)
    else:
        view = closed_hold(reference, found, told)
    if view is None:
        raise LookupError(f"the ledger has taken up {request.event_id} and tells nothing of it")
    if view["status"] == "rejected":
        raise _rejected(view, rejection_of(found))
    return view


def _conflict(decided: Decided) -> Anomaly | None:
    """The redemption or hold was asked for first by a request with other contents."""
    request, asked = decided.request, decided.found.asked
    parts = _PARTS[request.operation]
    if not parts or asked is None:
        return None
    first = request.wish_in(asked)
    differing = [name for name in parts if getattr(first, name, None) != getattr(request.wish, name)]
    if not differing:
        return None
    kind = request.sought.kind
    detail = f"{kind} {request.sought.reference} was asked for before with other {' and '.join(differing)}"
    return Anomaly(f"{kind}_conflict", detail)


def _rejected(view: View, reason: str | None) -> Problem:
    if reason == "hold_expired":
        detail = "expires_at is not after the time of the request, so nothing was held; choose a later time"
        return Problem(409, "hold_expired", detail, **_members(view))
    detail = (
        f"{view['points']} points were asked for and {view['available']} were available, so none were taken; this is "
        "final for this Idempotency-Key, a new request needs another one"
    )
    return Problem(409, "insufficient_points", detail, **_members(view))


def _members(view: View) -> View:
    """The outcome's members, but for `status`, which in a problem document is the HTTP status."""
    return {name: value for name, value in view.items() if name != "status"} | {"outcome": view["status"]}
