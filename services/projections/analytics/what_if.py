"""What keeping customers comes to: arithmetic for a conversation, exact as long as it can be. Pure."""

from decimal import ROUND_HALF_EVEN, Context, Decimal
from fractions import Fraction
from typing import Any, Final, NamedTuple

WEEKS_A_YEAR: Final = 52
_CENTS: Final = Decimal("0.01")
_EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)
_SIGNIFICANT_DIGITS: Final = 6


class LostCustomers(NamedTuple):
    """So many customers who would each have spent so much a week, for so many years."""

    lost: int
    weekly_spend: Decimal
    years: int

    def figures(self) -> dict[str, Any]:
        """What they would have spent a year, and in all the years: customers x spend x 52 x years."""
        a_year = _EXACT.multiply(Decimal(self.lost * WEEKS_A_YEAR), self.weekly_spend)
        return {
            "revenue_a_year": _money(a_year),
            "revenue": _money(_EXACT.multiply(a_year, Decimal(self.years))),
        }


class Growth(NamedTuple):
    """A number of customers of whom a share stays each year, and to whom a share of new ones is added."""

    customers: int
    retention: Decimal
    gain: Decimal
    years: int

    def figures(self) -> dict[str, Any]:
        """How many there are after each year, N(t+1) = N(t) (retention + gain), and the factor altogether."""
        yearly = Fraction(self.retention) + Fraction(self.gain)
        factors = [yearly**year for year in range(self.years + 1)]
        return {
            "factor": _shown(factors[-1]),
            "by_year": [
                {"year": year, "customers": _shown(self.customers * factor)}
                for year, factor in enumerate(factors)
            ],
        }


class Rivals(NamedTuple):
    """Two shops with equally many customers, of which one loses some to the other."""

    customers: int
    lost: int

    def figures(self) -> dict[str, Any]:
        """What both are left with, and how many times as much the rival earns; null where the loser has none left."""
        left, rival = self.customers - self.lost, self.customers + self.lost
        return {"left": left, "rival": rival, "profit_ratio": _shown(Fraction(rival, left)) if left else None}


def _money(amount: Decimal) -> str:
    return f"{amount.quantize(_CENTS, context=_EXACT):f}"


def _shown(number: Fraction) -> float:
    """To six significant digits."""
    return float(f"{float(number):.{_SIGNIFICANT_DIGITS}g}")
