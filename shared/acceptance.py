"""The pipeline of one event: from JSON text as sent to a record for the log, or the reason why not."""

from datetime import datetime, timedelta
from functools import lru_cache
from typing import Final, NamedTuple

import msgspec
from msgspec import UNSET, Raw, Struct
from msgspec.structs import replace

from shared.codec import encode_value, stream_key, subjects_to_seal
from shared.data_schema import version_named_by
from shared.envelope import PostedEvent, RecordedIdentifier
from shared.events.card_numbers import may_hold_card_number
from shared.events.catalogue import Catalogue
from shared.events.data import EventData
from shared.events.identity import IdentityLinked
from shared.events.referral import ReferralMade
from shared.events.refusal import BadIdentifierError, EventRefusedError, SchemaViolationError
from shared.events.text_safety import refusal_of_malformed, refuse_nul
from shared.events.texts import with_masked_cards
from shared.events.violation import refusal_of
from shared.events.vocabulary import Channel, Identifier
from shared.field_cipher import FieldCipher, KeyMissingError
from shared.http.problems import Problem
from shared.identifiers import PartyIds, recorded_identifiers, recorded_referred
from shared.log.port import NewRecord
from shared.refusal import Refusal, refused
from shared.senders import Sender, SourceRegistration

_FURTHEST_AHEAD: Final = timedelta(hours=24)
_LINKED_IDENTIFIERS: Final = 2
KEY_STORE_UNAVAILABLE: Final = "key_store_unavailable"
"""The code of events that cannot be sealed now, and may be sent again."""
_REMEMBERED_CUSTOMERS: Final = 16_384  # whose events come in bursts


class AcceptableEvent(Struct, frozen=True):
    """An event that passed every check, ready for the log."""

    event_id: str
    source: str
    sent_at: datetime | None
    record: NewRecord


class AwaitingKeys:
    """An event that passed every check and can be written once its personal data can be sealed."""

    def __init__(self, checked: "_Checked") -> None:
        self._checked = checked

    @property
    def subjects(self) -> set[str]:
        """Whose keys it takes."""
        return subjects_to_seal(self._checked.data, self._checked.customer, self._checked.linked)

    def sealed(self, cipher: FieldCipher) -> AcceptableEvent:
        """The event, ready for the log. Raises `KeyMissingError`."""
        return self._checked.acceptable(cipher)

    def refused(self, reason: str) -> Refusal:
        """The refusal of an event whose keys cannot be had now."""
        posted = self._checked.posted
        detail = f"its personal data cannot be encrypted now: {reason}; send it again"
        return Refusal(KEY_STORE_UNAVAILABLE, detail, "", True, posted.id, posted.source)


class _Checked(NamedTuple):
    posted: PostedEvent
    data: EventData
    channel: Channel
    customer: tuple[RecordedIdentifier, ...]
    linked: tuple[RecordedIdentifier, ...]
    recorded_time: datetime
    key: str

    def acceptable(self, cipher: FieldCipher) -> AcceptableEvent:
        """Raises `KeyMissingError`."""
        posted, data = self.posted, self.data
        value = encode_value(
            posted,
            data,
            version=data.VERSION,
            channel=self.channel,
            customer=self.customer,
            linked=self.linked,
            recorded_time=self.recorded_time,
            cipher=cipher,
        )
        return AcceptableEvent(posted.id, posted.source, posted.sentat, NewRecord(self.key.encode(), value))


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
        """As `take`, for events whose keys are at hand or that need none: others are refused."""
        taken = self.take(sent, sender, now, traceparent)
        return taken.refused("no key is at hand") if isinstance(taken, AwaitingKeys) else taken

    def take(
        self, sent: Raw | Refusal, sender: Sender, now: datetime, traceparent: str | None = None
    ) -> AcceptableEvent | AwaitingKeys | Refusal:
        """The record of one event, or what waits for keys that are not at hand to become one, or its refusal.

        `traceparent` is the request's, for events without one. Payment card numbers in texts are masked. Raises
        `Problem` 403 `forbidden_source`, which concerns the whole request.
        """
        if isinstance(sent, Refusal):
            return sent
        text = bytes(sent)
        try:
            if len(text) > self._event_bytes:
                raise EventTooLargeError(
                    f"the event has {len(text)} bytes; at most {self._event_bytes} are allowed"
                )
            checked = self._checked(text, sender, now, traceparent)
        except EventRefusedError as error:
            return refused(text, error)
        try:
            return checked.acceptable(self._cipher)
        except KeyMissingError:
            return AwaitingKeys(checked)

    def _checked(self, text: bytes, sender: Sender, now: datetime, traceparent: str | None) -> _Checked:
        posted = self._posted(text)
        registration = _registration(posted, sender)
        channel = _channel(posted, registration)
        region = registration.phone_region or self._phone_region
        if posted.time > now + _FURTHEST_AHEAD:
            detail = f"time: more than 24 hours ahead of this service's {now.isoformat()}"
            raise TimeInFutureError(detail, "/time")
        version = version_named_by(posted.dataschema, posted.type)
        data = self._catalogue.decode(posted.type, version, posted.data)
        if data.SOURCE is not None and posted.source != data.SOURCE:
            raise SchemaViolationError(f"source: only {data.SOURCE} sends events of this type", "/source")
        refuse_nul(text, "")
        customer = self._customer(data, region)
        if may_hold_card_number(bytes(posted.data)):
            data = with_masked_cards(data)
        if traceparent is not None and posted.traceparent is None:
            posted = replace(posted, traceparent=traceparent)
        key = stream_key(data, customer, self._party_ids)
        return _Checked(posted, data, channel, customer, self._linked(data, region), now, key)

    def _posted(self, text: bytes) -> PostedEvent:
        try:
            return self._decode_posted(text)
        except msgspec.ValidationError as error:
            raise refusal_of(error, PostedEvent, "", text) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise refusal_of_malformed(text, "") from None

    def _customer(self, data: EventData, region: str) -> tuple[RecordedIdentifier, ...]:
        customer: tuple[RecordedIdentifier, ...] = ()
        if data.customer is not UNSET:
            customer = self._recorded(data.customer, region)
        if not customer and data.CUSTOMER_REQUIRED:
            detail = (
                "data.customer: no identifier names a customer; empty and placeholder values do not count"
            )
            raise BadIdentifierError(detail, "/data/customer")
        return customer

    def _recorded_identifiers(
        self, customer: tuple[Identifier, ...], region: str
    ) -> tuple[RecordedIdentifier, ...]:
        return recorded_identifiers(customer, region, self._party_ids)

    def _linked(self, data: EventData, region: str) -> tuple[RecordedIdentifier, ...]:
        if isinstance(data, ReferralMade):
            return recorded_referred(data, region, self._party_ids)
        if not isinstance(data, IdentityLinked) or data.identifiers is UNSET:
            return ()
        linked = recorded_identifiers(data.identifiers, region, self._party_ids, path="data.identifiers")
        if len(linked) != _LINKED_IDENTIFIERS:
            detail = "data.identifiers: two different identifiers are needed; placeholders do not count"
            raise BadIdentifierError(detail, "/data/identifiers")
        return linked


def _registration(posted: PostedEvent, sender: Sender) -> SourceRegistration:
    registration = sender.registration(posted.source)
    if registration is None:
        detail = f"these credentials may not send for source {posted.source!r}; nothing was accepted"
        raise Problem(403, "forbidden_source", detail)
    return registration


def _channel(posted: PostedEvent, registration: SourceRegistration) -> Channel:
    channel = posted.channel or registration.channel
    if channel is None:
        raise SchemaViolationError("channel: required, for nothing is registered for this source", "/channel")
    return channel
