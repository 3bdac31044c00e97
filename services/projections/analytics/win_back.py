"""Did a campaign bring lapsed customers back, or would they have come anyway? Pure.

One customer in ten, chosen by a hash of customer and campaign, is the control: whoever sends the campaign leaves them
out, and what they do tells what would have happened without it.
"""

from decimal import Decimal
from hashlib import sha256
from math import sqrt
from typing import Any, Final, NamedTuple

CONTROL_SHARE: Final = 10
"""One customer in so many."""
_HASH_BYTES: Final = 8
LAST_IN_CONTROL: Final = 2 ** (8 * _HASH_BYTES) // CONTROL_SHARE
"""The greatest number that the first eight bytes of the hash may be."""
_CENTS: Final = Decimal("0.01")
_DECIMALS: Final = 6


def in_control(customer: str, campaign: str) -> bool:
    """Whether a customer, by their first party, is in the control of a campaign: always the same answer."""
    digest = sha256(f"{customer}\0{campaign}".encode()).digest()
    return int.from_bytes(digest[:_HASH_BYTES]) <= LAST_IN_CONTROL


class Outcome(NamedTuple):
    """What a customer did in their time: whether they bought, for how much net of refunds, with which discounts.

    Amounts are in the base currency. `is_open` says that their time is not over.
    """

    returned: bool = False
    net: Decimal = Decimal(0)
    discounts: Decimal = Decimal(0)
    is_open: bool = False


class Arm(NamedTuple):
    """The outcomes of the customers who were contacted, or of the control."""

    customers: int
    returned: int
    net: Decimal
    discounts: Decimal
    still_open: int

    @classmethod
    def of(cls, outcomes: list[Outcome]) -> "Arm":
        """Their sums."""
        return cls(
            len(outcomes),
            sum(each.returned for each in outcomes),
            sum((each.net for each in outcomes), Decimal(0)),
            sum((each.discounts for each in outcomes), Decimal(0)),
            sum(each.is_open for each in outcomes),
        )

    @property
    def share(self) -> float | None:
        """Of the customers, those who returned; None of nobody."""
        return self.returned / self.customers if self.customers else None

    def figures(self) -> dict[str, Any]:
        """As the report tells them."""
        return {
            "customers": self.customers,
            "returned": self.returned,
            "share": None if self.share is None else round(self.share, _DECIMALS),
            "net": money(self.net),
            "net_per_customer": money(self.net / self.customers) if self.customers else None,
            "discounts": money(self.discounts),
            "still_open": self.still_open,
        }


class Assumptions(NamedTuple):
    """How many contacts were made, what one costs, and the share of a net amount that is left of it."""

    contacts: int
    cost_per_contact: Decimal
    margin: Decimal


def win_back(contacted: Arm, control: Arm, given: Assumptions) -> dict[str, Any]:
    """What the campaign changed: shares and amounts beyond what the control leads to expect, and what is left of them.

    `result` is the margin of the net amount that came in beyond expectation, less the cost of the contacts; discounts
    are in the net amount already. What cannot be told without a customer on either side is None.
    """
    cost = given.contacts * given.cost_per_contact
    figures: dict[str, Any] = {
        "contact_cost": money(cost),
        "uplift": None,
        "standard_error": None,
        "extra_customers": None,
        "extra_net": None,
        "result": None,
    }
    if contacted.share is None or control.share is None:
        return figures
    uplift = contacted.share - control.share
    extra_net = contacted.net - control.net / control.customers * contacted.customers
    variance = sum(
        each.share * (1 - each.share) / each.customers for each in (contacted, control) if each.share
    )
    return figures | {
        "uplift": round(uplift, _DECIMALS),
        "standard_error": round(sqrt(variance), _DECIMALS),
        "extra_customers": round(uplift * contacted.customers, _DECIMALS),
        "extra_net": money(extra_net),
        "result": money(extra_net * given.margin - cost),
    }


def money(amount: Decimal) -> str:
    """To the cent."""
    return f"{amount.quantize(_CENTS):f}"
