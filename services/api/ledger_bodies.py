"""The bodies of requests for points, as strict as the events that are made of them, and the reading of bodies."""

from typing import Any, Final, TypeVar

import msgspec
from msgspec import Struct

from shared.events.data import Location
from shared.events.refusal import EventRefusedError
from shared.events.text_safety import refusal_of_malformed
from shared.events.violation import refusal_of
from shared.events.vocabulary import AwareDatetime, Channel, Points, Reference, ShortText
from shared.http.problems import Problem
from shared.refusal import Refusal

BodyType = TypeVar("BodyType", bound=Struct)
_REFERENCES: Final = "#/components/schemas/{name}"


class Body(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """What may be said of every request: by which channel, by whom and where it was made."""

    channel: Channel = "app"
    staff: Reference | None = None
    location: Location | None = None


class RedemptionBody(Body, frozen=True, kw_only=True):
    """Points for a reward, redeemed at a partner where the coalition has several. An id is made where none is given."""

    points: Points
    reward: ShortText
    partner: Reference | None = None
    redemption_id: Reference | None = None


class HoldBody(Body, frozen=True, kw_only=True):
    """Points to be set aside until a time. An id is made where none is given."""

    points: Points
    expires_at: AwareDatetime
    hold_id: Reference | None = None


class CaptureBody(Body, frozen=True, kw_only=True):
    """Points of a hold for a reward; the rest of the hold goes back."""

    points: Points
    reward: ShortText


class ReleaseBody(Body, frozen=True, kw_only=True):
    """All points of a hold go back. The body may be left out."""


def read_body(body_type: type[BodyType], content_type: str, text: bytes) -> BodyType:
    """The body of a request; no bytes at all are an empty object.

    Raises the problems 400 `invalid_json`, 415 `unsupported_media_type` and 422 `schema_violation`.
    """
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type != "application/json" and not media_type.endswith("+json"):
        raise Problem(415, "unsupported_media_type", "send the request as application/json")
    try:
        return msgspec.json.decode(text or b"{}", type=body_type)
    except msgspec.ValidationError as error:
        raise violation(refusal_of(error, body_type, "", text)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        reason = refusal_of_malformed(text, "").detail
        raise Problem(400, "invalid_json", reason.replace("event: ", "body: ", 1)) from None


def violation(refused: EventRefusedError | Refusal) -> Problem:
    """What is wrong with a member of the body, or with the account, as the problem 422 of the refusal's code."""
    detail = refused.detail.removeprefix("data.").replace("event: ", "body: ", 1)
    return Problem(422, refused.code, detail, pointer=refused.pointer.removeprefix("/data"))


def body_schema(body_type: type[Struct]) -> dict[str, Any]:
    """JSON Schema of a body."""
    _, components = msgspec.json.schema_components([body_type], ref_template=_REFERENCES)
    schema: dict[str, Any] = components[body_type.__name__]
    return schema
