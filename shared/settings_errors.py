"""Wrong settings, worded for the person who has to put them right."""

import difflib
from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr, ValidationError
from pydantic.fields import FieldInfo

from shared.settings import Settings

_PREFIX = "RAPPORT_"
_SAID_BY_WHAT_IS_ALLOWED = frozenset(
    {"string_pattern_mismatch", "less_than", "less_than_equal", "greater_than", "greater_than_equal"}
)
_NOT_SETTINGS = ("RAPPORT_TEST_", "RAPPORT_REQUIRE_", "RAPPORT_BENCH_")
"""Variables of the project's own tests and benchmarks, which are nobody's misspelling."""


class WrongSettingsError(Exception):
    """One or more settings are missing or wrong; the message names each, its value unless secret, what is allowed."""


def load_settings(**given: Any) -> Settings:
    """The settings from `RAPPORT_*` variables, where `given` does not say otherwise. Raises `WrongSettingsError`."""
    try:
        return Settings(**given)
    except ValidationError as error:
        raise WrongSettingsError(_explained(error)) from None


def unknown_variables(environment: Mapping[str, str]) -> list[str]:
    """One sentence for each `RAPPORT_*` variable that is no setting, with the setting it may have meant."""
    known = {variable_of(name) for name in Settings.model_fields}
    unknown = sorted(
        name
        for name in environment
        if name.startswith(_PREFIX) and not name.startswith(_NOT_SETTINGS) and name.upper() not in known
    )
    return [_unknown(name, known) for name in unknown]


def variable_of(field: str) -> str:
    """The environment variable that sets a field of `Settings`."""
    return _PREFIX + field.upper()


def is_secret(field: FieldInfo) -> bool:
    """Whether a setting's value must not be shown."""
    return field.annotation is SecretStr or SecretStr in getattr(field.annotation, "__args__", ())


def missing(name: str) -> str:
    """What to say where a setting that has no default for all services is missing for one that needs it."""
    return f"a setting is wrong:\n{_missing(name, Settings.model_fields[name])}"


def _missing(name: str, field: FieldInfo) -> str:
    return f"  {variable_of(name)} is not set. {_allowed(field)}"


def _explained(error: ValidationError) -> str:
    lines = [_explained_one(dict(details)) for details in error.errors(include_url=False)]
    head = "a setting is wrong" if len(lines) == 1 else f"{len(lines)} settings are wrong"
    return "\n".join([f"{head}:", *lines])


def _explained_one(details: dict[str, Any]) -> str:
    name = str(details["loc"][0]) if details["loc"] else ""
    field = Settings.model_fields.get(name)
    if field is None:
        return f"  {str(details['msg']).removeprefix('Value error, ')}"
    if details["type"] == "missing":
        return _missing(name, field)
    value = "a secret, not shown" if is_secret(field) else repr(details["input"])
    return f"  {variable_of(name)} ({value}): {_reason(details)}. {_allowed(field)}"


def _reason(details: dict[str, Any]) -> str:
    message = str(details["msg"]).removeprefix("Value error, ")
    if details["type"] in _SAID_BY_WHAT_IS_ALLOWED:
        return "is not allowed"
    return message[:1].lower() + message[1:]


def _allowed(field: FieldInfo) -> str:
    bounds = {
        type(bound).__name__: getattr(bound, type(bound).__name__.lower())
        for bound in field.metadata
        if type(bound).__name__ in {"Ge", "Gt", "Le", "Lt"}
    }
    least = f"at least {bounds['Ge']}" if "Ge" in bounds else f"over {bounds['Gt']}" if "Gt" in bounds else ""
    most = f"at most {bounds['Le']}" if "Le" in bounds else f"under {bounds['Lt']}" if "Lt" in bounds else ""
    pattern = next((each.pattern for each in field.metadata if getattr(each, "pattern", None)), "")
    choices = (
        pattern.strip("^$()").replace("|", ", ") if pattern.startswith("^(") and "[" not in pattern else ""
    )
    limits = " and ".join(limit for limit in (least, most) if limit) or (choices and f"one of {choices}")
    return f"Allowed: {field.description}" + (f" ({limits})." if limits else ".")


def _unknown(name: str, known: set[str]) -> str:
    near = difflib.get_close_matches(name.upper(), sorted(known), n=1)
    return f"{name} is no setting" + (f"; did you mean {near[0]}?" if near else " and changes nothing.")
