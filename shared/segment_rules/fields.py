"""What the conditions of a segment's rule may name: scores, attributes of the profile, consents."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Final, Literal, NamedTuple, get_args

from shared.events.consent import ConsentPurpose
from shared.events.customer import CustomerAttributes
from shared.events.personal_fields import personal_fields
from shared.events.vocabulary import Channel, PersonalCategory

Kind = Literal["number", "whole", "word", "text", "texts", "entry", "date", "time", "flag"]
"""What can be said of a field. `word` is one of a few, `text` any, `texts` several, `entry` one of a map's values."""
About = Literal["score", "profile", "consent"]

Tier = Literal["VIP", "A", "B", "C"]
Lifecycle = Literal["ended", "prospect", "lapsed", "declining", "new", "growing", "mature"]
Quadrant = Literal["VIP", "improve", "maintain", "abandon"]
LoyaltyType = Literal["loyalist", "apostle", "mercenary", "hostage", "defector", "terrorist", "unknown"]


class Field(NamedTuple):
    """A field that a condition may name. `least` and `most` are what its numbers lie between, `words` its words.

    `category` is that of personal data, which take a purpose to be looked at.
    """

    kind: Kind
    least: Decimal | None = None
    most: Decimal | None = None
    words: tuple[str, ...] = ()
    category: PersonalCategory | None = None


_NONE: Final = Decimal(0)
_SCORE_OF_FIVE: Final = Field("whole", Decimal(1), Decimal(5))
_SHARE: Final = Field("number", _NONE, Decimal(1))

SCORES: Final[Mapping[str, Field]] = {
    "purchase_days": Field("whole", _NONE),
    "first_purchase": Field("date"),
    "last_purchase": Field("date"),
    "recency_days": Field("whole", _NONE),
    "monetary": Field("number"),
    "r": _SCORE_OF_FIVE,
    "f": _SCORE_OF_FIVE,
    "m": _SCORE_OF_FIVE,
    "p_alive": _SHARE,
    "silent_from": Field("time"),
    "silence_days": Field("whole", _NONE),
    "usual_gap_days": Field("number", _NONE),
    "clv": Field("number"),
    "value_at_stake": Field("number"),
    "margin_12m": Field("number"),
    "tier": Field("word", words=get_args(Tier)),
    "lifecycle": Field("word", words=get_args(Lifecycle)),
    "quadrant": Field("word", words=get_args(Quadrant)),
    "loyalty_type": Field("word", words=get_args(LoyaltyType)),
    "coupon_dependence": _SHARE,
    "dominant_category": Field("text"),
}
"""By the names that scores have everywhere."""

_CATEGORIES: Final = personal_fields(CustomerAttributes)
_KINDS: Final[Mapping[str, Kind]] = {"tags": "texts", "preferences": "entry"}
MAP: Final = "preferences"
"""The attribute that is a map; a rule names an entry of it, as in `preferences.newspaper`."""


def _attribute(name: str) -> Field:
    category = _CATEGORIES.get(name)
    return Field(_KINDS.get(name, "text"), category=category if isinstance(category, str) else None)


PROFILE: Final[Mapping[str, Field]] = {
    name: _attribute(name) for name in CustomerAttributes.__struct_fields__
}
"""By the names of `customer.described`."""

CONSENTS: Final[Mapping[str, Field]] = {name: Field("flag") for name in get_args(ConsentPurpose)}

FIELDS: Final[Mapping[About, Mapping[str, Field]]] = {
    "score": SCORES,
    "profile": PROFILE,
    "consent": CONSENTS,
}
CHANNELS: Final[tuple[str, ...]] = get_args(Channel)
