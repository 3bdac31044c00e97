"""Reads programmes from their TOML file, strictly, and says of what is wrong where it stands and what is allowed."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from importlib import resources
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter

from services.projections.loyalty.programme import BASE_TIER, Clawback, Programme, Programmes, Terms, Tier
from services.projections.rule_file import RuleFile
from services.projections.toml_places import Place

DEFAULT_FILE = "default_programmes.toml"
"""The programmes of a deployment that names no file, beside this module."""

_HIGHEST_THRESHOLD = 10**12

_Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]
_DecimalText = Annotated[str, Field(pattern=r"^(0|[1-9][0-9]{0,5})(\.[0-9]{1,6})?$")]


class _Table(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class _TierTable(_Table):
    name: _Name
    threshold: Annotated[int, Field(ge=1, le=_HIGHEST_THRESHOLD)]
    multiplier: _DecimalText


class _TermsTable(_Table):
    effective_from: date
    points_per_unit: _DecimalText
    validity_months: Annotated[int, Field(ge=0, le=1200)]
    clawback: Clawback
    tiers: Annotated[list[_TierTable], Field(max_length=20)] = []


class _ProgrammeTable(_Table):
    timezone: str
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    terms: Annotated[list[_TermsTable], Field(min_length=1, max_length=1000)]


class _File(_Table):
    default_programme: str
    programme: Annotated[dict[_Name, _ProgrammeTable], Field(min_length=1, max_length=1000)]


_ALLOWED = {
    "default_programme": "the name of a programme of this file",
    "programme": "tables [programme.NAME], each NAME of 1 to 128 letters, digits, dots, dashes or underscores",
    "timezone": "the name of an IANA time zone, such as Europe/Berlin",
    "currency": "an ISO 4217 code of three capital letters, such as EUR",
    "terms": "1 to 1000 tables [[programme.NAME.terms]], their effective_from ascending",
    "effective_from": "a date without a time, such as 2024-01-01, later than that of the terms before",
    "points_per_unit": 'a decimal string of at most 6 digits and 6 decimals, such as "0.5"',
    "validity_months": "a whole number from 0, for points that never expire, to 1200",
    "clawback": '"clamp" or "allow_negative"',
    "tiers": "at most 20 tiers, { name, threshold, multiplier } each, their thresholds ascending",
    "name": f"1 to 128 letters, digits, dots, dashes or underscores, once in its terms, and not {BASE_TIER}",
    "threshold": f"a whole number from 1 to {_HIGHEST_THRESHOLD}, greater than that of the tier before",
    "multiplier": 'a decimal string such as "1.25", at least 1 and at least that of the tier before',
}
_FILE = RuleFile("the programme file", TypeAdapter(_File), _ALLOWED)


def load(path: Path) -> Programmes:
    """The programmes of a file. Raises `RuleFileError`, also where the file cannot be read. Blocks."""
    return parse(_FILE.text(path), str(path))


def default_text() -> str:
    """The programme file that comes with the service."""
    return resources.files(__package__).joinpath(DEFAULT_FILE).read_text(encoding="utf-8")


def default_programmes() -> Programmes:
    """The programmes that come with the service."""
    return parse(default_text(), DEFAULT_FILE)


def parse(text: str, name: str) -> Programmes:
    """The programmes of a file's text; `name` is what errors call it. Raises `RuleFileError`."""
    file = _FILE.tables(text, name)
    if broken := [(place, _FILE.not_allowed(place, value)) for place, value in _broken_rules(file)]:
        raise _FILE.refused(name, text, broken)
    programmes = {key: _programme(key, table) for key, table in file.programme.items()}
    return Programmes(programmes[file.default_programme], programmes)


def _programme(name: str, table: _ProgrammeTable) -> Programme:
    terms = [
        Terms(
            each.effective_from,
            Decimal(each.points_per_unit),
            each.validity_months,
            each.clawback,
            tuple(Tier(tier.name, tier.threshold, Decimal(tier.multiplier)) for tier in each.tiers),
        )
        for each in table.terms
    ]
    return Programme(name, ZoneInfo(table.timezone), table.currency, terms)


def _broken_rules(file: _File) -> Iterator[tuple[Place, Any]]:
    """Values that are well formed and do not go with the others."""
    if file.default_programme not in file.programme:
        yield ("default_programme",), file.default_programme
    for name, programme in file.programme.items():
        place = ("programme", name)
        if not _is_time_zone(programme.timezone):
            yield (*place, "timezone"), programme.timezone
        before = None
        for number, terms in enumerate(programme.terms):
            if before is not None and terms.effective_from <= before:
                yield (*place, "terms", number, "effective_from"), terms.effective_from
            before = terms.effective_from
            yield from _broken_rules_of_tiers((*place, "terms", number, "tiers"), terms.tiers)


def _broken_rules_of_tiers(place: Place, tiers: list[_TierTable]) -> Iterator[tuple[Place, Any]]:
    names = {BASE_TIER}
    threshold, multiplier = 0, Decimal(1)
    for number, tier in enumerate(tiers):
        if tier.name in names:
            yield (*place, number, "name"), tier.name
        if tier.threshold <= threshold:
            yield (*place, number, "threshold"), tier.threshold
        if Decimal(tier.multiplier) < multiplier:
            yield (*place, number, "multiplier"), tier.multiplier
        names.add(tier.name)
        threshold, multiplier = tier.threshold, Decimal(tier.multiplier)


def _is_time_zone(name: str) -> bool:
    try:
        ZoneInfo(name)
    except (OSError, ValueError, KeyError):  # a folder, no name at all, or unknown
        return False
    return True
