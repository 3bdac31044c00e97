"""A file of analytics settings is read exactly, and every fault is told with its line and what is allowed there."""

from decimal import Decimal
from pathlib import Path

import pytest

from services.projections.analytics.settings_file import analytics_settings, parse
from services.projections.rule_file import RuleFileError

FILE = """\
zone = "Europe/Berlin"
base_currency = "EUR"
margin = 0.3
discount_rate = 0.1
horizon_weeks = 39

[rates]
version = "2026-01"
USD = 0.8523
JPY = "0.005432109"
"""
RATE = "what one unit of a currency of three letters is worth: a number above 0, of up to 9 decimals"


def test_rates_are_the_decimals_that_stand_there() -> None:
    found = parse(FILE, "a.toml")
    assert found.rates == {"USD": Decimal("0.8523"), "JPY": Decimal("0.005432109")}
    assert (found.zone, found.base_currency, found.rates_version) == ("Europe/Berlin", "EUR", "2026-01")
    assert (found.margin, found.discount_rate, found.horizon_weeks) == (0.3, 0.1, 39)
    assert found.told()["rates"] == {"JPY": "0.005432109", "USD": "0.8523"}


def test_a_deployment_without_a_file_has_settings() -> None:
    assert analytics_settings(None).rates == {}


def test_a_file_is_read_from_its_place(tmp_path: Path) -> None:
    path = tmp_path / "analytics.toml"
    path.write_text(FILE, encoding="utf-8")
    assert analytics_settings(path) == parse(FILE, "a.toml")


@pytest.mark.parametrize(
    ("there", "instead", "told"),
    [
        ("Europe/Berlin", "Mars/Base", "line 1: zone: 'Mars/Base' is not allowed. Allowed: a time zone"),
        ('"EUR"', '"euro"', "line 2: base_currency: 'euro' is not allowed. Allowed: a currency by its three"),
        ("margin = 0.3", "margin = 1.5", "line 3: margin: 1.5 is not allowed. Allowed: a number above 0"),
        ("margin = 0.3", 'margin = "0.3"', "line 3: margin: '0.3' is not allowed."),
        ("margin = 0.3\n", "", "margin: is missing. Allowed: a number above 0, at most 1"),
        ("margin", "margins", "line 3: margins: is not known"),
        ("39", "0", "line 5: horizon_weeks: 0 is not allowed. Allowed: a whole number from 1 to 520"),
        ("39", "39.0", "line 5: horizon_weeks: 39.0 is not allowed."),
        ('version = "2026-01"\n', "", "line 7: rates.version: is missing. Allowed: 1 to 64 characters"),
        ("0.8523", "0", f"line 9: rates.USD: 0 is not allowed. Allowed: {RATE}"),
        ("0.8523", "nan", f"line 9: rates.USD: NaN is not allowed. Allowed: {RATE}"),
        ("0.8523", "true", f"line 9: rates.USD: True is not allowed. Allowed: {RATE}"),
        ("0.8523", "0.85230000001", f"line 9: rates.USD: 0.85230000001 is not allowed. Allowed: {RATE}"),
        ("USD", "usd", f"line 9: rates.usd: 'usd' is not allowed. Allowed: {RATE}"),
        ("USD", "EUR", "line 9: rates.EUR: is the base currency, of which one unit is worth 1: leave it out"),
        ("USD = 0.8523", "USD =", "a.toml is no TOML:"),
    ],
)
def test_a_fault_is_told_with_its_line_and_what_is_allowed(there: str, instead: str, told: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        parse(FILE.replace(there, instead, 1), "a.toml")
    assert told in str(refused.value)


def test_a_file_that_is_not_there_is_told_by_its_path(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"absent\.toml cannot be read: No such file"):
        analytics_settings(tmp_path / "absent.toml")
