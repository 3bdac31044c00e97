"""The file of analytics settings (TOML): the zone of days, currencies and their rates, and what money is worth."""

from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Final, NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter

from services.projections.rule_file import RuleFile

PERIOD_WEEKS: Final = 4
"""Forecasts are discounted by periods of so many weeks."""

_CURRENCY: Final = r"^[A-Z]{3}$"


class AnalyticsSettings(NamedTuple):
    """How customers are valued. `rates` are to the base currency, which has none; `rates_version` names the table."""

    zone: str
    base_currency: str
    margin: float
    discount_rate: float
    horizon_weeks: int
    rates: dict[str, Decimal]
    rates_version: str

    def told(self) -> dict[str, Any]:
        """As a scoring run keeps them."""
        rates = {currency: str(self.rates[currency]) for currency in sorted(self.rates)}
        return {**self._asdict(), "rates": rates, "period_weeks": PERIOD_WEEKS}


def _known_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError("no such zone") from None
    return name


def _exact(value: Any) -> Any:
    """A rate as it is written: a float of TOML stands for the decimal that it is the nearest to."""
    return Decimal(repr(value)) if isinstance(value, float) else value


Rate = Annotated[
    Decimal, BeforeValidator(_exact), Field(gt=0, le=1_000_000_000, max_digits=18, decimal_places=9)
]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Rates(BaseModel):
    model_config = ConfigDict(extra="allow", frozen=True)
    __pydantic_extra__: dict[Annotated[str, Field(pattern=_CURRENCY)], Rate] = Field(init=False)

    version: Annotated[str, Field(min_length=1, max_length=64)]


class _Settings(_Strict):
    zone: Annotated[str, AfterValidator(_known_zone)]
    base_currency: Annotated[str, Field(pattern=_CURRENCY)]
    margin: Annotated[float, Field(gt=0, le=1, strict=True)]
    discount_rate: Annotated[float, Field(ge=0, le=1, strict=True)]
    horizon_weeks: Annotated[int, Field(ge=1, le=520, strict=True)]
    rates: _Rates


_FILE: Final = RuleFile(
    "the file of analytics settings",
    TypeAdapter(_Settings),
    {
        "zone": 'a time zone, such as "Europe/Berlin"',
        "base_currency": 'a currency by its three letters, such as "EUR"',
        "margin": "a number above 0, at most 1",
        "discount_rate": "a number from 0 to 1",
        "horizon_weeks": "a whole number from 1 to 520",
        "version": "1 to 64 characters",
        "rates": "`version`, and by currencies of three letters what one unit is worth, above 0",
        "rates.*": "what one unit of a currency of three letters is worth: a number above 0, of up to 9 decimals",
    },
)


def parse(text: str, name: str) -> AnalyticsSettings:
    """The settings of a file's text; `name` is what errors call it. Raises `RuleFileError`."""
    found = _FILE.tables(text, name)
    rates = dict(found.rates.__pydantic_extra__ or {})
    if rates.pop(found.base_currency, Decimal(1)) != 1:
        place = ("rates", found.base_currency)
        raise _FILE.refused(
            name, text, [(place, "is the base currency, of which one unit is worth 1: leave it out")]
        )
    return AnalyticsSettings(
        found.zone,
        found.base_currency,
        found.margin,
        found.discount_rate,
        found.horizon_weeks,
        rates,
        found.rates.version,
    )


def analytics_settings(path: Path | None) -> AnalyticsSettings:
    """The settings of a file, of the one that comes with Rapport for None. Raises `RuleFileError`. Blocks."""
    if path is None:
        own = files("services.projections.analytics").joinpath("settings.toml")
        return parse(own.read_text(encoding="utf-8"), "settings.toml")
    return parse(_FILE.text(path), str(path))
