"""Numbers and symbols as sentences say them."""

from shared.events.vocabulary import Amount, NotNegativeAmount, PositiveAmount


def money(amount: Amount | NotNegativeAmount | PositiveAmount) -> str:
    """An amount after its currency."""
    return f"{amount.currency} {amount.amount}"


def points(number: int) -> str:
    """So many points."""
    return counted(number, "point")


def counted(number: int, thing: str) -> str:
    """So many things."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def words(symbol: str) -> str:
    """A symbol of a fixed list without its underscores."""
    return symbol.replace("_", " ")
