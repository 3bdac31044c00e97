"""`deploy/compose.yaml` and `deploy/Dockerfile` against the command line and the settings they rely on.

That the image's install line works is shown by `.ci/run`, which installs the project into a new environment.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
import yaml

from services.ops.main import app
from shared.settings_errors import unknown_variables

ROOT_USERS = {"0", "root"}
OUR_IMAGE = "rapport:"
VARIABLE = re.compile(r"\$\{(\w+)(:?[-?][^}]*)?\}")


@pytest.fixture(scope="module")
def compose(project_root: Path) -> dict[str, Any]:
    loaded: dict[str, Any] = yaml.safe_load((project_root / "deploy" / "compose.yaml").read_text())
    return loaded


@pytest.fixture(scope="module")
def dockerfile(project_root: Path) -> list[list[str]]:
    """The last stage's instructions, each as its words."""
    text = (project_root / "deploy" / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line.split() for line in text.splitlines() if line and not line.startswith("#")]
    last_stage = max(number for number, words in enumerate(lines) if words[0] == "FROM")
    return lines[last_stage:]


def ours(compose: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """The services that run our image."""
    return {name: each for name, each in compose["services"].items() if each["image"].startswith(OUR_IMAGE)}


def commands() -> Iterator[tuple[str, ...]]:
    """Every command of the command line, in words."""

    def below(command: Any, words: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
        children = getattr(command, "commands", {})
        if not children:
            yield words
        for name, child in children.items():
            yield from below(child, (*words, name))

    yield from below(typer.main.get_command(app), ())


def test_every_service_of_ours_runs_a_command_that_there_is(compose: dict[str, Any]) -> None:
    services = ours(compose)
    assert {tuple(each["command"]) for each in services.values()} <= set(commands())
    assert {"ingest", "project", "api", "escalate", "migrate", "topics"} == {
        each["command"][0] for each in services.values()
    }


def test_every_setting_that_is_given_is_one(compose: dict[str, Any], dockerfile: list[list[str]]) -> None:
    given = [name for each in ours(compose).values() for name in each["environment"]]
    given += [word.partition("=")[0] for words in dockerfile if words[0] == "ENV" for word in words[1:]]
    assert {"RAPPORT_DATABASE_URL", "RAPPORT_LOG", "RAPPORT_HOST"} <= set(given)
    assert unknown_variables(dict.fromkeys(given, "")) == []


def test_secrets_are_demanded_and_never_written_down(compose: dict[str, Any], project_root: Path) -> None:
    text = (project_root / "deploy" / "compose.yaml").read_text()
    endings = ("PASSWORD", "PEPPER", "T_MASTER_KEY")
    secrets = {name: rest for name, rest in VARIABLE.findall(text) if name.endswith(endings)}
    assert secrets.keys() == {"RAPPORT_POSTGRES_PASSWORD", "RAPPORT_IDENTIFIER_PEPPER", "RAPPORT_MASTER_KEY"}
    assert all(rest.startswith(":?") for rest in secrets.values())
    for each in ours(compose).values():
        assert each["environment"]["RAPPORT_IDENTIFIER_PEPPER"].startswith("${RAPPORT_IDENTIFIER_PEPPER:?")


def test_those_alone_who_seal_or_open_personal_data_get_the_master_key(compose: dict[str, Any]) -> None:
    given = {name for name, each in ours(compose).items() if "RAPPORT_MASTER_KEY" in each["environment"]}
    assert given == {"ingest", "api"}


def test_every_service_has_a_health_check_or_says_that_it_has_none(
    compose: dict[str, Any], dockerfile: list[list[str]]
) -> None:
    [check] = [words for words in dockerfile if words[0] == "HEALTHCHECK"]
    assert "/healthz" in " ".join(check)
    for name, each in compose["services"].items():
        runs_to_its_end = each.get("restart", "").startswith("on-failure")
        if name in ours(compose):
            assert each.get("healthcheck", {}).get("disable", False) is runs_to_its_end
        else:
            assert each["healthcheck"]["test"][0] == "CMD"


def test_nothing_runs_as_root(compose: dict[str, Any], dockerfile: list[list[str]]) -> None:
    [user] = [words[1] for words in dockerfile if words[0] == "USER"]
    users = [each.get("user", user) for each in compose["services"].values()]
    assert all(each.split(":")[0] not in ROOT_USERS for each in users)
    for each in ours(compose).values():
        assert each["cap_drop"] == ["ALL"]
        assert each["read_only"] is True


def test_what_has_to_last_is_in_named_volumes(compose: dict[str, Any]) -> None:
    mounted = {
        volume.partition(":")[0]: name
        for name, each in compose["services"].items()
        for volume in each.get("volumes", [])
    }
    assert mounted == {"kafka": "kafka", "postgres": "postgres"}
    assert compose["volumes"].keys() == mounted.keys()
    kafka = compose["services"]["kafka"]
    assert kafka["volumes"] == [f"kafka:{kafka['environment']['KAFKA_LOG_DIRS']}"]


def test_services_lean_on_services_that_there_are_and_wait_for_what_those_can_be(
    compose: dict[str, Any],
) -> None:
    services = compose["services"]
    for each in services.values():
        for name, wanted in each.get("depends_on", {}).items():
            ends = services[name].get("restart", "").startswith("on-failure")
            assert wanted["condition"] == ("service_completed_successfully" if ends else "service_healthy")


def test_the_addresses_given_are_those_of_the_services(compose: dict[str, Any]) -> None:
    services = compose["services"]
    advertised = services["kafka"]["environment"]["KAFKA_ADVERTISED_LISTENERS"].removeprefix("PLAINTEXT://")
    for each in ours(compose).values():
        assert each["environment"]["RAPPORT_LOG"].startswith(f"kafka://{advertised}/")
        assert "@postgres:5432/rapport" in each["environment"]["RAPPORT_DATABASE_URL"]
    assert advertised == "kafka:9092"
    assert services["postgres"]["environment"]["POSTGRES_DB"] == "rapport"
    assert services["projections"]["deploy"]["replicas"] == 2


def test_the_image_holds_what_the_package_is_built_from(
    dockerfile: list[list[str]], project_root: Path
) -> None:
    text = (project_root / "deploy" / "Dockerfile").read_text()
    copied = [words[1:-1] for words in map(str.split, text.splitlines()) if words[:1] == ["COPY"]]
    sources = {source for each in copied for source in each if not source.startswith(("--", "/"))}
    assert {"pyproject.toml", "README.md", "LICENSE", "services", "shared", "deploy/migrations"} == sources
    assert all((project_root / source).exists() for source in sources)
    assert ["ENTRYPOINT", '["rapport"]'] in dockerfile
    assert ["STOPSIGNAL", "SIGTERM"] in dockerfile
