"""The pipeline of one event: from JSON text as sent to a record for the log, or the reason why not."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from shared.codec import encode_value, stream_key
from shared.data_schema import version_named_by
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.events.catalogue import Catalogue
from shared.events.data import EventData
from shared.events.identity import IdentityLinked
from shared.events.refusal import BadIdentifierError, EventRefusedError, SchemaViolationError
from shared.events.text_safety import refusal_of_malformed, refuse_nul
from shared.events.violation import refusal_of
from shared.events.vocabulary import Channel, Identifier
from shared.field_cipher import FieldCipher
from shared.http.problems import Problem
from shared.identifiers import PartyIds, recorded_identifiers
from shared.log.port import NewRecord
from shared.refusal import Refusal, refused
from shared.senders import Sender

_FURTHEST_AHEAD: Final = timedelta(hours=24)
_LINKED_IDENTIFIERS: Final = 2
_REMEMBERED_CUSTOMERS: Final = 16_384  # whose events come in bursts


class AcceptableEvent(Struct, frozen=True):
    """An event that passed every check, ready for the log."""

    event_id: str
    source: str
    sent_at: datetime | None
    record: NewRecord


class TimeInFutureError(EventRefusedError):
    """The event says that it happens more than 24 hours from now."""

    code = "time_in_future"


class EventTooLargeError(EventRefusedError):
    """The event is over the bound on one event."""

    code = "event_too_large"


class Acceptance:
    """Checks, normalises, keys and encodes events. Does no I/O and reads no clock."""

    def __init__(
        self,
        catalogue: Catalogue,
        party_ids: PartyIds,
        cipher: FieldCipher,
        phone_region: str,
        event_bytes: int,
    ) -> None:
        """`event_bytes` bounds one event; `phone_region` is that of numbers without a country code."""
        self._catalogue = catalogue
        self._party_ids = party_ids
        self._cipher = cipher
        self._phone_region = phone_region
        self._event_bytes = event_bytes
        self._recorded = lru_cache(maxsize=_REMEMBERED_CUSTOMERS)(self._recorded_identifiers)
        self._decode_posted = msgspec.json.Decoder(PostedEvent).decode

    def of(
        self, sent: Raw | Refusal, sender: Sender, now: datetime, traceparent: str | None = None
    ) -> AcceptableEvent | Refusal:
        """The record of one event, or its refusal; `traceparent` is the request's, for events without one.

        Raises `Problem` 403 `forbidden_source`, which concerns the whole request.
        """
        if isinstance(sent, Refusal):
            return sent
        text = bytes(sent)
        try:
            if len(text) > self._event_bytes:
                raise EventTooLargeError(
                    f"the event has {len(text)} bytes; at most {self._event_bytes} are allowed"
                )
            return self._acceptable(text, sender, now, traceparent)
        except EventRefusedError as error:
            return refused(text, error)

    def _acceptable(
        self, text: bytes, sender: Sender, now: datetime, traceparent: str | None
    ) -> AcceptableEvent:
        posted = self._posted(text)
        channel = _channel(posted, sender)
        if posted.time > now + _FURTHEST_AHEAD:
            detail = f"time: more than 24 hours ahead of this service's {now.isoformat()}"
            raise TimeInFutureError(detail, "/time")
        version = version_named_by(posted.dataschema, posted.type)
        data = self._catalogue.decode(posted.type, version, posted.data)
        refuse_nul(text, "")
        customer = self._customer(data)
        if traceparent is not None and posted.traceparent is None:
            posted = replace(posted, traceparent=traceparent)
        value = encode_value(
            posted,
            data,
            version=data.VERSION,
            channel=channel,
            customer=customer,
            linked=self._linked(data),
            recorded_time=now,
            cipher=self._cipher,
        )
        key = stream_key(data, customer, self._party_ids).encode()
        return AcceptableEvent(posted.id, posted.source, posted.sentat, NewRecord(key, value))

    def _posted(self, text: bytes) -> PostedEvent:
        try:
            return self._decode_posted(text)
        except msgspec.ValidationError as error:
            raise refusal_of(error, PostedEvent, "", text) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise refusal_of_malformed(text, "") from None

    def _customer(self, data: EventData) -> tuple[RecordedIdentifier, ...]:
        customer: tuple[RecordedIdentifier, ...] = ()
        if data.customer is not UNSET:
            customer = self._recorded(data.customer)
        if not customer and data.CUSTOMER_REQUIRED:
            detail = (
                "data.customer: no identifier names a customer; empty and placeholder values do not count"
            )
            raise BadIdentifierError(detail, "/data/customer")
        return customer

    def _recorded_identifiers(self, customer: tuple[Identifier, ...]) -> tuple[RecordedIdentifier, ...]:
        return recorded_identifiers(customer, self._phone_region, self._party_ids)

    def _linked(self, data: EventData) -> tuple[RecordedIdentifier, ...]:
        if not isinstance(data, IdentityLinked) or data.identifiers is UNSET:
            return ()
        linked = recorded_identifiers(
            data.identifiers, self._phone_region, self._party_ids, path="data.identifiers"
        )
        if len(linked) != _LINKED_IDENTIFIERS:
            detail = "data.identifiers: two different identifiers are needed; placeholders do not count"
            raise BadIdentifierError(detail, "/data/identifiers")
        return linked


def _channel(posted: PostedEvent, sender: Sender) -> Channel:
    registration = sender.registration(posted.source)
    if registration is None:
        detail = f"these credentials may not send for source {posted.source!r}; nothing was accepted"
        raise Problem(403, "forbidden_source", detail)
    channel = posted.channel or registration.channel
    if channel is None:
        raise SchemaViolationError("channel: required, for nothing is registered for this source", "/channel")
    return channel
