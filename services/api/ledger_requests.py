"""From a request for points to the event that asks the ledger, with ids that are the same for every retry."""

import base64
import hmac
import re
from datetime import datetime
from typing import Any, Final, Literal, NamedTuple

import msgspec
from msgspec import Raw
from msgspec.structs import asdict

from services.api.ledger_bodies import Body, violation
from services.projections.loyalty.outcomes import Kind, Sought
from shared.acceptance import Acceptance
from shared.events.loyalty import (
    LoyaltyHoldCaptured,
    LoyaltyHoldPlaced,
    LoyaltyHoldReleased,
    LoyaltyRedemptionRequested,
)
from shared.events.member_number import normalised_member_number
from shared.events.violation import refusal_of
from shared.log.port import NewRecord
from shared.refusal import Refusal
from shared.senders import SourceRegistration

SOURCE: Final = "/rapport/api"
"""The source of all events that the API appends."""

_KEY_LABEL: Final = b"rapport ledger request 1"
_ID_CHARACTERS: Final = 26
_TRACEPARENT: Final = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")

Operation = Literal["redemption", "hold", "capture", "release"]
Wish = LoyaltyRedemptionRequested | LoyaltyHoldPlaced | LoyaltyHoldCaptured | LoyaltyHoldReleased
"""The data of an event that the API appends."""

_WISHES: Final[dict[Operation, type[Wish]]] = {
    "redemption": LoyaltyRedemptionRequested,
    "hold": LoyaltyHoldPlaced,
    "capture": LoyaltyHoldCaptured,
    "release": LoyaltyHoldReleased,
}


class Asked(NamedTuple):
    """A request as it came: `reference` is the redemption or hold it names, None where one is to be made for it."""

    operation: Operation
    account: str
    reference: str | None
    body: Body
    idempotency_key: str
    traceparent: str | None = None


class LedgerRequest(NamedTuple):
    """A request as the log gets it: an event whose id follows from the account, the operation and the key.

    A retry, by whichever process, makes an event of the same id, of which the first counts.
    """

    operation: Operation
    sought: Sought
    event_id: str
    wish: Wish
    record: NewRecord

    def wish_in(self, data: bytes) -> Wish | None:
        """The wish in the recorded data of an event like this one, None where the data are of another shape."""
        try:
            return msgspec.json.decode(data, type=type(self.wish))
        except msgspec.ValidationError:
            return None


class LedgerRequests:
    """Makes events of requests. Does no I/O and reads no clock.

    `secret` is the deployment's: ids made with it tell nothing of the Idempotency-Key they were made from.
    """

    def __init__(self, acceptance: Acceptance, secret: str) -> None:
        self._acceptance = acceptance
        self._key = hmac.digest(secret.encode(), _KEY_LABEL, "sha256")

    def of(self, asked: Asked, now: datetime) -> LedgerRequest:
        """The event of a request made at a time.

        Raises the problem 422, for the body or the account, with the code and pointer of what is wrong.
        """
        kind: Kind = "redemption" if asked.operation == "redemption" else "hold"
        digest = self._digest(asked)
        reference = f"{kind}-{digest}" if asked.reference is None else asked.reference
        wish = _wish(asked, {f"{kind}_id": reference})
        event_id = f"{asked.operation}-{digest}"
        posted = {
            "specversion": "1.0",
            "id": event_id,
            "source": SOURCE,
            "type": wish.TYPE,
            "time": now,
            "channel": asked.body.channel,
            "data": wish,
        }
        traceparent = asked.traceparent
        if traceparent is not None and not _TRACEPARENT.fullmatch(traceparent):
            traceparent = None
        accepted = self._acceptance.of(Raw(msgspec.json.encode(posted)), _OWN, now, traceparent)
        if isinstance(accepted, Refusal):
            raise violation(accepted)
        sought = Sought(wish.account_id, accepted.record.key.decode(), kind, reference)
        return LedgerRequest(asked.operation, sought, event_id, wish, accepted.record)

    def _digest(self, asked: Asked) -> str:
        named = (normalised_member_number(asked.account), asked.operation, asked.idempotency_key)
        digest = hmac.digest(self._key, repr(named).encode("utf-8", "backslashreplace"), "sha256")
        return base64.b32encode(digest).decode().lower()[:_ID_CHARACTERS]


def _wish(asked: Asked, reference: dict[str, str]) -> Wish:
    wish_type = _WISHES[asked.operation]
    members: dict[str, Any] = {**asdict(asked.body), **reference, "account_id": asked.account}
    given = {name: value for name, value in members.items() if value is not None and name != "channel"}
    try:
        return msgspec.convert(given, wish_type)
    except msgspec.ValidationError as error:
        raise violation(refusal_of(error, wish_type, "", msgspec.json.encode(given))) from None


class _Own:
    """The API itself, as a sender of events."""

    def registration(self, source: str) -> SourceRegistration | None:
        return _REGISTERED if source == SOURCE else None


_REGISTERED: Final = SourceRegistration()
_OWN: Final = _Own()
