"""`deploy/prometheus/alerts.yml` against the typed list of metrics and the runbook's sections."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client import CollectorRegistry

from shared.metrics import Metrics

SYMPTOMS = [
    "Lag grows",
    "A view stands still",
    "A parked event",
    "Complaints are not escalated",
    "A policy was changed",
    "A wrong view",
    "A new view",
    "A changed view",
    "A disk fills",
]
SUFFIXES = {"histogram": ["_bucket", "_sum", "_count"], "counter": ["_total"], "gauge": [""]}
FUNCTIONS_OF_COUNTERS = ("increase", "rate")


@pytest.fixture(scope="module")
def rules(project_root: Path) -> list[dict[str, Any]]:
    loaded = yaml.safe_load((project_root / "deploy/prometheus/alerts.yml").read_text())
    return [rule for group in loaded["groups"] for rule in group["rules"]]


@pytest.fixture(scope="module")
def sections(project_root: Path) -> list[str]:
    return re.findall(r"^## (.+)$", (project_root / "deploy/RUNBOOK.md").read_text(), flags=re.MULTILINE)


def series() -> dict[str, tuple[str, frozenset[str]]]:
    """Every series that the typed list can make: its type, and its labels beside those that scraping adds."""
    registry = CollectorRegistry()
    metrics = Metrics(registry)
    found: dict[str, tuple[str, frozenset[str]]] = {}
    groups = (metrics, metrics.escalation, metrics.scoring, metrics.personal_data, metrics.watched)
    for metric in [each for group in groups for each in vars(group).values()]:
        for family in getattr(metric, "describe", list)():
            labels = frozenset(getattr(metric, "_labelnames", ()))
            for suffix in SUFFIXES[family.type]:
                found[family.name + suffix] = family.type, labels
    return found


def anchor(section: str) -> str:
    """As Markdown renderers make it of a heading."""
    return re.sub(r"[^\w\- ]", "", section.lower()).replace(" ", "-")


def test_every_series_that_an_alert_asks_for_is_one(rules: list[dict[str, Any]]) -> None:
    known = series()
    for rule in rules:
        named = set(re.findall(r"rapport_\w+", rule["expr"]))
        assert named, f"{rule['alert']} asks for nothing of ours"
        assert named <= known.keys(), f"{rule['alert']}: {named - known.keys()}"


def test_every_label_that_an_alert_asks_for_is_one_of_its_series(rules: list[dict[str, Any]]) -> None:
    known = series()
    for rule in rules:
        labels = {"instance"}.union(*(known[name][1] for name in re.findall(r"rapport_\w+", rule["expr"])))
        asked = {
            label.strip()
            for listed in re.findall(r"(?:by|on) \(([^)]*)\)", rule["expr"])
            for label in listed.split(",")
        }
        asked |= set(re.findall(r"[{,]\s*(\w+)\s*(?:=~|!~|!=|=)", rule["expr"]))
        asked |= set(re.findall(r"\$labels\.(\w+)", str(rule["annotations"])))
        assert asked <= labels, f"{rule['alert']}: {asked - labels}"


def test_rates_are_taken_of_counters_and_of_nothing_else(rules: list[dict[str, Any]]) -> None:
    known = series()
    for rule in rules:
        for function, name in re.findall(r"(\w+)\((rapport_\w+)\[", rule["expr"]):
            of_counter = known[name][0] == "counter"
            assert (function in FUNCTIONS_OF_COUNTERS) is of_counter, f"{rule['alert']}: {function}({name})"


def test_parentheses_quotes_and_braces_of_every_expression_close(rules: list[dict[str, Any]]) -> None:
    for rule in rules:
        for opening, closing in ("()", "{}", "[]"):
            assert rule["expr"].count(opening) == rule["expr"].count(closing), rule["alert"]
        assert rule["expr"].count('"') % 2 == 0, rule["alert"]


def test_what_every_worker_tells_alike_is_never_added_up(rules: list[dict[str, Any]]) -> None:
    alike = {metric._name for metric in vars(Metrics(CollectorRegistry()).watched).values()}
    for rule in rules:
        summed = re.findall(r"sum(?: by \([^)]*\))? \((?:\w+\()?(rapport_\w+)", rule["expr"])
        assert not alike & set(summed), rule["alert"]


def test_each_alert_has_its_own_name_a_severity_and_sentences_and_leads_to_a_section(
    rules: list[dict[str, Any]], sections: list[str]
) -> None:
    anchors = {f"deploy/RUNBOOK.md#{anchor(section)}" for section in sections}
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical"), rule["alert"]
        assert rule["annotations"].keys() == {"summary", "description", "runbook"}, rule["alert"]
        assert rule["annotations"]["runbook"] in anchors, f"{rule['alert']}: {rule['annotations']['runbook']}"


def test_the_runbook_has_a_section_for_each_symptom_of_views(sections: list[str]) -> None:
    assert [symptom for symptom in SYMPTOMS if symptom not in sections] == []
    assert len(set(sections)) == len(sections)


def test_each_alert_is_named_in_the_section_it_leads_to(
    rules: list[dict[str, Any]], project_root: Path
) -> None:
    text = (project_root / "deploy/RUNBOOK.md").read_text()
    bodies = {anchor(part.partition("\n")[0]): part for part in text.split("\n## ")[1:]}
    for rule in rules:
        section = bodies[rule["annotations"]["runbook"].partition("#")[2]]
        assert f"`{rule['alert']}`" in section, f"{rule['alert']} is not told in its section"
