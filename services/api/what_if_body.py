"""What POST /v1/analytics/what-if is asked: one or more questions, each with its assumptions."""

from decimal import Decimal
from typing import Annotated, Any

from msgspec import Meta, Struct, json, to_builtins

from services.projections.analytics.what_if import Growth, LostCustomers, Rivals
from shared.events.data import BrokenRuleError
from shared.events.vocabulary import NotNegativeAmount, NotNegativeDecimal

_MOST_GAIN = 10
Customers = Annotated[int, Meta(ge=1, le=1_000_000_000)]
Years = Annotated[int, Meta(ge=1, le=100)]


class _Question(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """One question."""


class LostCustomersBody(_Question, frozen=True, kw_only=True):
    """Customers who left, what each spent a week, and for how many years they would have stayed."""

    weekly_spend: NotNegativeAmount
    years: Years
    lost: Customers = 1

    def answered(self) -> dict[str, Any]:
        """The question with its answer, amounts in its currency."""
        figures = LostCustomers(self.lost, Decimal(self.weekly_spend.amount), self.years).figures()
        currency = self.weekly_spend.currency
        return {
            **to_builtins(self),
            **{name: {"amount": amount, "currency": currency} for name, amount in figures.items()},
        }


class GrowthBody(_Question, frozen=True, kw_only=True):
    """Customers, the share that stays each year (0 to 1), the share of new ones (0 to 10), and for how many years."""

    customers: Customers
    retention: NotNegativeDecimal
    gain: NotNegativeDecimal
    years: Years

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` for shares that are none."""
        if Decimal(self.retention) > 1:
            raise BrokenRuleError("retention", "more than 1; the share of the customers that stays")
        if Decimal(self.gain) > _MOST_GAIN:
            raise BrokenRuleError("gain", f"more than {_MOST_GAIN}")

    def answered(self) -> dict[str, Any]:
        """The question with its answer."""
        growth = Growth(self.customers, Decimal(self.retention), Decimal(self.gain), self.years)
        return {**to_builtins(self), **growth.figures()}


class RivalsBody(_Question, frozen=True, kw_only=True):
    """The customers that two shops have each, and how many of them one loses to the other."""

    customers: Customers
    lost: Customers

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` where more are lost than there are."""
        if self.lost > self.customers:
            raise BrokenRuleError("lost", "more than there are `customers`")

    def answered(self) -> dict[str, Any]:
        """The question with its answer."""
        return {**to_builtins(self), **Rivals(self.customers, self.lost).figures()}


class WhatIfBody(Struct, forbid_unknown_fields=True, frozen=True, kw_only=True):
    """Any of the questions."""

    lost_customers: LostCustomersBody | None = None
    growth: GrowthBody | None = None
    rivals: RivalsBody | None = None

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` where nothing is asked."""
        if not any(self._asked().values()):
            raise BrokenRuleError(
                "lost_customers", "asks nothing; give `lost_customers`, `growth` or `rivals`"
            )

    def _asked(self) -> dict[str, LostCustomersBody | GrowthBody | RivalsBody | None]:
        return {"lost_customers": self.lost_customers, "growth": self.growth, "rivals": self.rivals}

    def answered(self) -> dict[str, Any]:
        """The answers by question; null for what was not asked."""
        return {name: asked and asked.answered() for name, asked in self._asked().items()}


def what_if_schema() -> dict[str, Any]:
    """JSON Schema of the body, without references."""
    schema = json.schema(WhatIfBody)
    parts: dict[str, Any] = schema["$defs"]

    def whole(value: Any) -> Any:
        if isinstance(value, list):
            return [whole(each) for each in value]
        if not isinstance(value, dict):
            return value
        if "$ref" in value:
            return whole(parts[value["$ref"].rpartition("/")[2]])
        return {name: whole(each) for name, each in value.items()}

    found: dict[str, Any] = whole({"$ref": schema["$ref"]})
    return found
