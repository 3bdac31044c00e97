"""Reads `data` by the type and version it claims, strictly, and always returns the newest version of the
type.
"""

from collections.abc import Iterable
from typing import Any, TypeVar

import msgspec
from msgspec import UNSET, Struct

from shared.events import EVENT_CLASSES
from shared.events.data import EventData
from shared.events.json_schema import schema_of_posted
from shared.events.personal_fields import as_declared, personal_fields, sealable
from shared.events.refusal import (
    EventRefusedError,
    SchemaViolationError,
    UnknownTypeError,
    UnknownVersionError,
)
from shared.events.sealed import SEALED_PREFIX
from shared.events.text_safety import refusal_of_malformed, refuse_nul
from shared.events.violation import refusal_of, violation_at
from shared.upcasters import UPCASTERS, Upcaster

__all__ = [
    "Catalogue",
    "EventRefusedError",
    "SchemaViolationError",
    "UnknownTypeError",
    "UnknownVersionError",
]

_Data = TypeVar("_Data", bound=Struct)
_SEALED_MARK = f'"{SEALED_PREFIX}'.encode()


class Catalogue:
    """The event types of one deployment. Never changes once made, and safe to share between tasks and
    threads.
    """

    def __init__(
        self,
        classes: Iterable[type[EventData]] = EVENT_CLASSES,
        upcasters: Iterable[Upcaster] = UPCASTERS,
    ) -> None:
        """`classes` are the newest versions. Raises `ValueError` unless upcasters lead there from every older
        one.
        """
        self._newest = {each.TYPE: each for each in classes}
        self._upcasters = {(each.older.TYPE, each.older.VERSION): each for each in upcasters}
        for kind, newest in self._newest.items():
            versions = sorted(version for name, version in self._upcasters if name == kind)
            if versions != list(range(1, newest.VERSION)):
                raise ValueError(
                    f"{kind} {newest.VERSION} needs an upcaster from each older version, not {versions}"
                )
        if unknown := {name for name, _ in self._upcasters} - self._newest.keys():
            raise ValueError(f"upcasters of types that are not in the catalogue: {sorted(unknown)}")
        self._decoders = {
            (kind, version): msgspec.json.Decoder(self._class(kind, version))
            for kind, newest in self._newest.items()
            for version in range(1, newest.VERSION + 1)
        }

    def types(self) -> list[tuple[str, int]]:
        """Every type with its newest version, by name."""
        return sorted((kind, newest.VERSION) for kind, newest in self._newest.items())

    def newest(self, event_type: str) -> int:
        """The newest version of a type. Raises `UnknownTypeError`."""
        try:
            return self._newest[event_type].VERSION
        except KeyError:
            raise UnknownTypeError(
                "type: no event type of this name; GET /v1/events/schemas lists them", "/type"
            ) from None

    def decode(self, event_type: str, version: int | None, data: bytes | msgspec.Raw) -> EventData:
        """Reads the `data` of a posted event; without a version it is taken for the newest one.

        Raises `UnknownTypeError`, `UnknownVersionError`, or `SchemaViolationError` and `BadIdentifierError`
        with pointers rooted at the event. Identifiers are not normalised yet, save the account of loyalty
        events.
        """
        newest = self.newest(event_type)
        data = bytes(data)
        posted = self._strictly(event_type, newest if version is None else version, data)
        if not posted.CUSTOMER_ALLOWED and posted.customer is not UNSET:
            raise violation_at("data", ("customer",), "events of this type are about nobody; leave it out")
        for name in posted.LIFTED:
            if name != "customer" or posted.CUSTOMER_REQUIRED:
                lifted = getattr(posted, name)
                if lifted is UNSET or not lifted:
                    raise violation_at("data", (name,), "required")
        return self._upcast(posted, data)

    def decode_recorded(self, event_type: str, version: int, data: bytes | msgspec.Raw) -> EventData:
        """Reads the `data` of a log record: as `decode`, but personal fields may be sealed, and nobody be
        named.
        """
        self.newest(event_type)
        data = bytes(data)
        return self._upcast(self._leniently(event_type, version, data), data)

    def schema(self, event_type: str, version: int) -> dict[str, Any]:
        """The JSON Schema (2020-12) of a whole posted event. Raises `UnknownTypeError`,
        `UnknownVersionError`.
        """
        self.newest(event_type)
        return schema_of_posted(self._class(event_type, version))

    def _class(self, kind: str, version: int) -> type[EventData]:
        if version == self._newest[kind].VERSION:
            return self._newest[kind]
        try:
            return self._upcasters[kind, version].older
        except KeyError:
            newest = self._newest[kind].VERSION
            raise UnknownVersionError(
                f"dataschema: {kind} has no version {version}; the newest is {newest}", "/dataschema"
            ) from None

    def _strictly(self, kind: str, version: int, data: bytes) -> EventData:
        decoder = self._decoders.get((kind, version))
        return _decoded(decoder or msgspec.json.Decoder(self._class(kind, version)), data)

    def _leniently(self, kind: str, version: int, data: bytes) -> EventData:
        """As `_strictly`, with sealed values where the class has personal fields."""
        declared = self._class(kind, version)
        if _SEALED_MARK not in data or not personal_fields(declared):
            return self._strictly(kind, version, data)
        return as_declared(_decoded(msgspec.json.Decoder(sealable(declared)), data), declared)

    def _upcast(self, value: EventData, data: bytes) -> EventData:
        kind, version, newest = value.TYPE, value.VERSION, self._newest[value.TYPE]
        if version == newest.VERSION:
            return value
        fields: dict[str, Any] = msgspec.json.decode(data)
        for older in range(version, newest.VERSION):
            fields = self._upcasters[kind, older].upcast(fields)
        return self._leniently(kind, newest.VERSION, msgspec.json.encode(fields))


def _decoded(decoder: msgspec.json.Decoder[_Data], data: bytes) -> _Data:
    try:
        value = decoder.decode(data)
    except msgspec.ValidationError as error:
        raise refusal_of(error, decoder.type, "data", data) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise refusal_of_malformed(data, "data") from None
    refuse_nul(data, "data")
    return value
