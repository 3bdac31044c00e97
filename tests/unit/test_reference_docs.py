"""The reference tables say what the code says. `RAPPORT_WRITE_GOLDEN=1 pytest tests/unit/test_reference_docs.py` writes
them anew.
"""

import inspect
import os
import re
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import get_args

import msgspec
import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from services.api.access.calls import Part
from services.api.access.purposes import DISCLOSED, NEEDS_CONSENT, OPENED, PURPOSES, Purpose
from services.api.access.roles import RIGHTS, ROLES
from shared.events import EVENT_CLASSES
from shared.events.catalogue import Catalogue
from shared.events.data import EventData
from shared.loop_histogram import LoopHistogram
from shared.metrics import Metrics
from shared.settings import Settings
from shared.settings_errors import is_secret, variable_of

CONTEXT = {field.name for field in msgspec.structs.fields(EventData)}


def test_the_table_of_event_types_is_the_catalogue(project_root: Path) -> None:
    rows = [
        f"| `{event.TYPE}` | {', '.join(_members(event))} | {_first_sentence(event)} |"
        for event in EVENT_CLASSES
    ]

    _holds(
        project_root / "shared/events/README.md", "event types", ["| type | data | what happened |", *rows]
    )


def test_the_table_of_settings_is_the_settings(project_root: Path) -> None:
    rows = []
    for name, field in Settings.model_fields.items():
        if field.is_required():
            default = "required"
        elif field.default is None or is_secret(field):
            default = ""
        else:
            default = f"`{field.default}`"
        rows.append(f"| `{variable_of(name)}` | {default} | {field.description} |")

    _holds(project_root / "services/ops/README.md", "settings", ["| variable | default | meaning |", *rows])


def test_the_tables_of_metrics_are_the_typed_list(project_root: Path) -> None:
    metrics = Metrics(CollectorRegistry())
    page = project_root / "services/ops/README.md"
    head = "| metric | type | labels | meaning |"

    of_one_process = [*_metric_rows(metrics), *_metric_rows(metrics.escalation)]
    of_one_process += _metric_rows(metrics.personal_data)
    _holds(page, "metrics of one process", [head, *of_one_process])
    _holds(page, "metrics of the whole system", [head, *_metric_rows(metrics.watched)])


def test_the_tables_of_roles_and_purposes_are_the_ones_in_force(project_root: Path) -> None:
    page = project_root / "services/api/README.md"
    roles = [
        f"| `{role}` | {_listed(get_args(Part), RIGHTS[role].parts)} | {_listed(PURPOSES, RIGHTS[role].purposes)} |"
        for role in ROLES
    ]
    purposes = [
        f"| `{purpose}` | {_listed(DISCLOSED, OPENED[purpose])}{_condition(purpose)} |"
        for purpose in PURPOSES
    ]

    _holds(page, "roles", ["| role | calls | purposes |", *roles])
    _holds(page, "purposes", ["| purpose | opens |", *purposes])


def _listed(order: Iterable[str], chosen: Collection[str]) -> str:
    return ", ".join(f"`{each}`" for each in order if each in chosen)


def _condition(purpose: Purpose) -> str:
    return ", where the customer consented to it" if purpose in NEEDS_CONSENT else ""


@pytest.mark.parametrize("page", ["README.md", "deploy/RUNBOOK.md"])
def test_every_test_and_file_that_a_page_names_exists(page: str, project_root: Path) -> None:
    for text, target in re.findall(r"\[([^\]]*)\]\(([^)#:]+)\)", (project_root / page).read_text()):
        file = (project_root / page).parent / target
        assert file.exists(), f"{page} links to {target}"
        if text.startswith("`test_"):
            assert f"def {text.strip('`')}(" in file.read_text(), f"{target} has no {text}"


def _metric_rows(metrics: object) -> Iterable[str]:
    for metric in vars(metrics).values():
        if isinstance(metric, Counter | Gauge | Histogram | LoopHistogram):
            [family] = metric.describe()
            name = f"{family.name}_total" if family.type == "counter" else family.name
            labels = ", ".join(f"`{label}`" for label in getattr(metric, "_labelnames", ()))
            yield f"| `{name}` | {family.type} | {labels} | {family.documentation} |"


def _members(event: type[EventData]) -> Iterable[str]:
    schema = Catalogue().schema(event.TYPE, event.VERSION)
    data = schema["$defs"][event.__name__]
    for name, member in data["properties"].items():
        required = name in data["required"]
        if name == "customer":
            if required:
                yield "customer"
        elif required:
            yield f"`{name}`{_mark(member)}"
        elif name not in CONTEXT:
            yield f"*`{name}`*{_mark(member)}"


def _mark(member: object) -> str:
    return " ◆" if "x-personal" in repr(member) else ""


def _first_sentence(event: type[EventData]) -> str:
    text = " ".join((inspect.getdoc(event) or "").split())
    return re.split(r"(?<=[.;:])\s", text, maxsplit=1)[0].rstrip(".;:") + "."


def _holds(page: Path, name: str, table: list[str]) -> None:
    """The table between the page's marks is this one; its second line is drawn here."""
    columns = table[0].count("|") - 1
    wanted = "\n".join([table[0], "|---" * columns + "|", *table[1:]])
    begin, end = f"<!-- table of {name} -->\n", "<!-- end -->"
    text = page.read_text()
    before, _, rest = text.partition(begin)
    found, _, after = rest.partition(end)
    if os.environ.get("RAPPORT_WRITE_GOLDEN"):
        page.write_text(f"{before}{begin}{wanted}\n{end}{after}")
        return
    assert found.strip() == wanted, f"{page.name} is behind the code: see the top of {Path(__file__).name}"
