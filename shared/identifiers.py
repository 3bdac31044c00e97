"""Identifiers as everybody writes them, and the party ids that stand for them in keys and views."""

import hashlib
import unicodedata
from collections.abc import Iterable
from functools import lru_cache

import phonenumbers
from email_validator import EmailNotValidError, validate_email
from msgspec import UNSET

from shared.envelope import RecordedIdentifier
from shared.events.member_number import normalised_member_number
from shared.events.placeholder import is_placeholder
from shared.events.referral import ReferralMade
from shared.events.refusal import BadIdentifierError
from shared.events.vocabulary import IDENTIFIER_STRENGTH, Identifier, IdentifierType

__all__ = [
    "BadIdentifierError",
    "PartyIds",
    "customer_id_of",
    "normalise",
    "party_id_of",
    "recorded_identifiers",
    "recorded_link",
    "recorded_referred",
]

_LINKED = 2
_REMEMBERED_VALUES = 16_384
_STRENGTH = {kind: strength for strength, kind in enumerate(IDENTIFIER_STRENGTH)}


def normalise(identifier: Identifier, phone_region: str) -> Identifier | None:
    """The identifier as everybody is to write it, or None for a placeholder, which identifies nobody.

    `phone_region` is the region of phone numbers without a country code, such as `DE`. Normalising again
    changes nothing. Raises `BadIdentifierError` for what is no phone number or e-mail address.
    """
    value = identifier.value.strip()
    if is_placeholder(value):
        return None
    normalised = _normalised_value(identifier.type, value, phone_region)
    if normalised == identifier.value:
        return identifier
    if is_placeholder(normalised):
        return None
    return Identifier(identifier.type, normalised)


def _normalised_value(kind: IdentifierType, value: str, phone_region: str) -> str:
    if kind == "member":
        return normalised_member_number(value)
    if kind == "email":
        return _normalised_email(value)
    if kind == "phone":
        return _normalised_phone(value, phone_region)
    return value


@lru_cache(maxsize=_REMEMBERED_VALUES)
def _normalised_email(value: str) -> str:
    try:
        # An address identifies here and nobody writes to it, so names kept for tests (`.test`) will do.
        address = validate_email(value, check_deliverability=False, test_environment=True).normalized
    except EmailNotValidError:
        raise BadIdentifierError("not an e-mail address") from None
    return unicodedata.normalize("NFC", address.lower())


@lru_cache(maxsize=_REMEMBERED_VALUES)
def _normalised_phone(value: str, region: str) -> str:
    try:
        number = phonenumbers.parse(value, region)
    except phonenumbers.NumberParseException:
        number = None
    # A number that can be dialled within its own town alone is several people's.
    possible = number and phonenumbers.is_possible_number_with_reason(number)
    if number is None or possible != phonenumbers.ValidationResult.IS_POSSIBLE:
        raise BadIdentifierError(f"not a phone number of {region}; begin others with + and the country code")
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


_BASE32 = "abcdefghijklmnopqrstuvwxyz234567"
_TEN_BITS = [high + low for high in _BASE32 for low in _BASE32]
_BLOCK_BYTES = 64
_ID_CHARACTERS = 26


class PartyIds:
    """Gives party ids: `pty_` and 26 characters that nobody can turn back without the pepper."""

    def __init__(self, pepper: str) -> None:
        """`pepper` is the secret; another one gives other ids, so a deployment keeps its own for ever."""
        key = pepper.encode()
        if len(key) > _BLOCK_BYTES:
            key = hashlib.sha256(key).digest()
        key = key.ljust(_BLOCK_BYTES, b"\0")
        # HMAC-SHA256 by hand (RFC 2104): both hashes start from the padded key, which is hashed only once so.
        self._inner = hashlib.sha256(bytes(byte ^ 0x36 for byte in key))
        self._outer = hashlib.sha256(bytes(byte ^ 0x5C for byte in key))

    def of(self, identifier_type: str, normalised_value: str) -> str:
        """The party id of a normalised identifier."""
        inner = self._inner.copy()
        inner.update(f"{identifier_type}\0{normalised_value}".encode())
        outer = self._outer.copy()
        outer.update(inner.digest())
        bits = int.from_bytes(outer.digest()[:17], "big") >> 6
        of = _TEN_BITS
        return (
            f"pty_{of[bits >> 120]}{of[bits >> 110 & 1023]}{of[bits >> 100 & 1023]}{of[bits >> 90 & 1023]}"
            f"{of[bits >> 80 & 1023]}{of[bits >> 70 & 1023]}{of[bits >> 60 & 1023]}{of[bits >> 50 & 1023]}"
            f"{of[bits >> 40 & 1023]}{of[bits >> 30 & 1023]}{of[bits >> 20 & 1023]}{of[bits >> 10 & 1023]}"
            f"{of[bits & 1023]}"
        )


def recorded_identifiers(
    identifiers: Iterable[Identifier], phone_region: str, party_ids: PartyIds, *, path: str = "data.customer"
) -> tuple[RecordedIdentifier, ...]:
    """What identifies somebody among `identifiers`, normalised, each once, strongest first, with its party
    id.

    Identifiers of equal strength keep the sender's order. Empty where all were placeholders. Raises
    `BadIdentifierError` naming the identifier below `path`.
    """
    recorded: dict[tuple[str, str], RecordedIdentifier] = {}
    for index, identifier in enumerate(identifiers):
        try:
            normal = normalise(identifier, phone_region)
        except BadIdentifierError as refused:
            pointer = f"/{path.replace('.', '/')}/{index}/value"
            raise BadIdentifierError(f"{path}[{index}].value: {refused.detail}", pointer) from None
        if normal is not None and (normal.type, normal.value) not in recorded:
            party_id = party_ids.of(normal.type, normal.value)
            recorded[normal.type, normal.value] = RecordedIdentifier(normal.type, normal.value, party_id)
    if len(recorded) == 1:
        return tuple(recorded.values())
    return tuple(sorted(recorded.values(), key=lambda each: _STRENGTH[each.type]))


def recorded_link(
    identifiers: Iterable[Identifier], phone_region: str, party_ids: PartyIds
) -> tuple[RecordedIdentifier, ...]:
    """The two identifiers that an `identity.linked` joins, as `recorded_identifiers` has them.

    Raises `BadIdentifierError` where they are not two that differ.
    """
    path = "data.identifiers"
    linked = recorded_identifiers(identifiers, phone_region, party_ids, path=path)
    if len(linked) < _LINKED:
        raise BadIdentifierError(f"{path}: a link needs two different identifiers", "/data/identifiers")
    return linked


def recorded_referred(
    data: ReferralMade, phone_region: str, party_ids: PartyIds
) -> tuple[RecordedIdentifier, ...]:
    """Whom a `referral.made` names, as `recorded_identifiers` has them.

    Raises `BadIdentifierError` where nobody is named.
    """
    path = "data.referred"
    named = () if data.referred is UNSET else data.referred
    referred = recorded_identifiers(named, phone_region, party_ids, path=path)
    if not referred:
        raise BadIdentifierError(f"{path}: no identifier names who was referred", "/data/referred")
    return referred


def customer_id_of(party_id: str) -> str:
    """The customer id of who was first seen as this party. Raises `ValueError` for what is no party id."""
    return f"cus_{_characters_of(party_id)}"


def party_id_of(any_id: str) -> str:
    """The party id behind a customer or party id. Raises `ValueError` for anything else."""
    return f"pty_{_characters_of(any_id)}"


def _characters_of(any_id: str) -> str:
    prefix, characters = any_id[:4], any_id[4:]
    if (
        prefix not in ("pty_", "cus_")
        or len(characters) != _ID_CHARACTERS
        or not set(characters) <= set(_BASE32)
    ):
        raise ValueError("not a customer or party id: `cus_` or `pty_` and 26 characters of a-z and 2-7")
    return characters
