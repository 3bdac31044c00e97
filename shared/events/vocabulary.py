"""Words that several event families share: channels, identifiers, bounded texts, amounts, points, times."""

from datetime import UTC, datetime
from typing import Annotated, Literal

from msgspec import Meta, Struct

Channel = Literal[
    "web", "phone", "store", "app", "email", "sms", "chat", "mail", "fax", "social", "event", "partner"
]

IdentifierType = Literal["member", "account", "email", "phone", "external", "device", "cookie"]

IDENTIFIER_STRENGTH: tuple[IdentifierType, ...] = (
    "member",
    "account",
    "email",
    "phone",
    "external",
    "device",
    "cookie",
)
"""Identifier types, strongest first; the strongest one of an event gives its party and its log key."""

PersonalCategory = Literal["identity", "contact", "preference", "health", "free_text"]

END = r"$(?!\n)"
"""The end of a text in a pattern: Python's own `$` also matches before a last newline, other dialects' does
not.
"""

AwareDatetime = Annotated[datetime, Meta(tz=True)]
"""A time with an offset, from `EARLIEST` to `LATEST`; what holds one checks that with `outside_history`."""

Reference = Annotated[str, Meta(min_length=1, max_length=128)]
"""An id given by another system: an order, a complaint, a reward, a member of staff."""
Word = Annotated[str, Meta(min_length=1, max_length=64)]
FOR_PEOPLE = {"for_people": True}
"""Marks what people write and read, as against ids, codes and forms; see `shared.events.texts`."""
Label = Annotated[str, Meta(min_length=1, max_length=64, extra=FOR_PEOPLE)]
ShortText = Annotated[str, Meta(min_length=1, max_length=512, extra=FOR_PEOPLE)]
LongText = Annotated[str, Meta(min_length=1, max_length=16_000, extra=FOR_PEOPLE)]
Points = Annotated[int, Meta(ge=1, le=1_000_000_000)]

DECIMAL_PATTERN = r"^-?(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?" + END
NOT_NEGATIVE_PATTERN = r"^(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?" + END
POSITIVE_PATTERN = r"^(?=.*[1-9])(0|[1-9][0-9]{0,14})(\.[0-9]{1,4})?" + END
CURRENCY_PATTERN = r"^[A-Z]{3}" + END


def of_form(pattern: str, otherwise: str, max_length: int | None = None) -> Meta:
    """Bounds a text by a pattern; `otherwise` is what the sender of another text reads after the field's
    path.
    """
    return Meta(pattern=pattern, max_length=max_length, extra={"otherwise": otherwise})


DecimalString = Annotated[str, of_form(DECIMAL_PATTERN, "not a decimal")]
NotNegativeDecimal = Annotated[str, of_form(NOT_NEGATIVE_PATTERN, "not a decimal")]
PositiveDecimal = Annotated[str, of_form(POSITIVE_PATTERN, "not a decimal")]
Currency = Annotated[str, of_form(CURRENCY_PATTERN, "not a currency code of three capital letters")]

FlatMap = Annotated[
    dict[
        Word,
        Annotated[str, Meta(max_length=512)] | Annotated[int, Meta(ge=-(2**53) + 1, le=2**53 - 1)] | bool,
    ],
    Meta(max_length=50, extra=FOR_PEOPLE),
]
"""At most 50 named texts, whole numbers or truths; nothing nested, and no floats."""

EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
LATEST = datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)


def outside_history(time: datetime) -> bool:
    """Whether a time lies before 1900, or beyond what its conversion to UTC can hold."""
    if EARLIEST.year < time.year < LATEST.year:  # no time zone moves a time out of such a year
        return False
    return not EARLIEST <= time <= LATEST


class Identifier(Struct, forbid_unknown_fields=True, frozen=True):
    """One way a channel system knows a customer by, such as a member number or a phone number."""

    type: IdentifierType
    value: Annotated[str, Meta(max_length=512, extra_json_schema={"x-personal": "contact"})]


class Amount(Struct, forbid_unknown_fields=True, frozen=True):
    """Money of either sign, as a decimal string, so that no float ever touches it."""

    amount: DecimalString
    currency: Currency


class NotNegativeAmount(Struct, forbid_unknown_fields=True, frozen=True):
    """Money of 0 or more, as a decimal string."""

    amount: NotNegativeDecimal
    currency: Currency


class PositiveAmount(Struct, forbid_unknown_fields=True, frozen=True):
    """Money of more than 0, as a decimal string."""

    amount: PositiveDecimal
    currency: Currency
