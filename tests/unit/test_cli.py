"""The command line explains itself at once, and tells wrong usage from failure."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from services.ops.main import app
from shared.settings import Settings

COMMANDS = ("demo", "up", "ingest", "project", "api", "escalate", "migrate", "topics")


def test_help_names_every_command_and_every_setting() -> None:
    outcome = CliRunner(env={"COLUMNS": "100"}).invoke(app, ["--help"])

    assert outcome.exit_code == 0
    for command in COMMANDS:
        assert f" {command} " in outcome.output
    for setting in Settings.model_fields:
        assert f"RAPPORT_{setting.upper()}" in outcome.output


@pytest.mark.parametrize("command", [*COMMANDS[:-1], "topics create"])
def test_every_command_explains_itself(command: str) -> None:
    outcome = CliRunner().invoke(app, [*command.split(), "--help"])

    assert outcome.exit_code == 0
    assert "Usage" in outcome.output


@pytest.mark.parametrize("usage", ["frobnicate", "up --port 70000", "demo --twice", "topics"])
def test_wrong_usage_is_exit_code_2(usage: str) -> None:
    assert CliRunner().invoke(app, usage.split()).exit_code == 2


@pytest.mark.parametrize(
    ("usage", "told"),
    [
        (["api", "--port", "1"], "RAPPORT_DATABASE_URL"),
        (["escalate", "--once"], "RAPPORT_DATABASE_URL"),
        (["topics", "create"], "RAPPORT_LOG"),
        (["migrate", "--data", "/nonexistent/rapport"], "RAPPORT_DATABASE_URL"),
    ],
)
def test_missing_settings_are_exit_code_2_and_named(
    usage: list[str], told: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for setting in Settings.model_fields:
        monkeypatch.delenv(f"RAPPORT_{setting.upper()}", raising=False)

    outcome = CliRunner().invoke(app, usage)

    assert outcome.exit_code == 2
    assert told in outcome.stderr + capsys.readouterr().err


def test_the_help_loads_no_service() -> None:
    heavy = "import sys, services.ops.main; print({'fastapi', 'asyncpg', 'aiokafka'} & sys.modules.keys())"

    outcome = subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True)

    assert outcome.stdout.strip() == "set()"
