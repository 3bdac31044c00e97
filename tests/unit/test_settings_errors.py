"""A wrong setting stops the start with its name, its value unless secret, and what is allowed."""

import pytest

from shared.settings import Settings
from shared.settings_errors import WrongSettingsError, load_settings, unknown_variables

RIGHT = {"database_url": "postgresql://localhost/rapport", "identifier_pepper": "a-pepper-for-tests-only"}


@pytest.fixture(autouse=True)
def without_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(f"RAPPORT_{name.upper()}", raising=False)


def test_settings_come_from_variables_and_arguments_win(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RAPPORT_PORT", "9000")
    monkeypatch.setenv("RAPPORT_PARTITIONS", "24")

    settings = load_settings(**RIGHT, port=0)

    assert (settings.port, settings.partitions) == (0, 24)


def test_a_missing_setting_is_named_with_what_is_allowed() -> None:
    with pytest.raises(WrongSettingsError, match=r"RAPPORT_DATABASE_URL is not set.*postgresql://USER"):
        load_settings(identifier_pepper=RIGHT["identifier_pepper"])


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("RAPPORT_PORT", "99999", r"RAPPORT_PORT \('99999'\).*at least 0 and at most 65535"),
        ("RAPPORT_PORT", "eighty", r"RAPPORT_PORT \('eighty'\).*integer"),
        ("RAPPORT_LOG", "kafka:localhost", r"RAPPORT_LOG \('kafka:localhost'\).*kafka://HOST:PORT"),
        ("RAPPORT_LOG_LEVEL", "loud", r"RAPPORT_LOG_LEVEL \('loud'\).*one of debug, info, warning, error"),
        ("RAPPORT_APPEND_TIMEOUT_SECONDS", "0", r"RAPPORT_APPEND_TIMEOUT_SECONDS \('0'\).*over 0"),
    ],
)
def test_a_wrong_setting_is_named_with_its_value_and_what_is_allowed(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, told: str
) -> None:
    monkeypatch.setenv(name, value)

    with pytest.raises(WrongSettingsError, match=told):
        load_settings(**RIGHT)


@pytest.mark.parametrize("name", ["RAPPORT_IDENTIFIER_PEPPER", "RAPPORT_DATABASE_URL"])
def test_a_wrong_secret_is_named_and_never_shown(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "hush")
    others = {field: value for field, value in RIGHT.items() if f"RAPPORT_{field.upper()}" != name}

    with pytest.raises(WrongSettingsError) as told:
        load_settings(**others)

    assert name in str(told.value)
    assert "hush" not in str(told.value)


def test_all_wrong_settings_are_told_at_once() -> None:
    with pytest.raises(WrongSettingsError) as told:
        load_settings(**RIGHT, port=-1, partitions=0)

    assert "2 settings are wrong" in str(told.value)


def test_a_misspelt_variable_is_told_with_the_setting_it_resembles() -> None:
    told = unknown_variables(
        {"RAPPORT_PARTITION": "3", "RAPPORT_PORT": "1", "RAPPORT_TEST_KAFKA": "k", "HOME": "/"}
    )

    assert told == ["RAPPORT_PARTITION is no setting; did you mean RAPPORT_PARTITIONS?"]
