"""The page about policies shows a file that is right, and the errors of one that is wrong as they are."""

import re
from pathlib import Path

import pytest

from services.projections.complaints.policy_content import policies_of
from services.projections.complaints.policy_file import parse
from services.projections.rule_file import RuleFileError

WRONG = """[calendar.bkk]
timezone = "Asia/Bangkok"
hours = { mon = "09:00-17:00", tue = "9-17" }
holidays = "TH"

[policy.default]
calendar = "bkk"
[policy.default.normal]
first_response = "4h"
resolution = "1d"
"""


@pytest.fixture
def page(project_root: Path) -> str:
    return (project_root / "services/projections/complaints/README.md").read_text()


def test_the_example_is_a_policy_file(page: str) -> None:
    example = re.findall(r"```toml\n(.*?)```", page, flags=re.DOTALL)
    assert len(example) == 1
    policies = policies_of(parse(example[0], "policies.toml"))
    assert policies.policy_for("hq/europe/bavaria/munich-2").name == "bavaria"
    assert policies.policy_for(None).targets["high"].resolution == 24 * 3600


def test_the_errors_shown_are_those_of_a_wrong_file(page: str) -> None:
    with pytest.raises(RuleFileError) as raised:
        parse(WRONG, "policies.toml")
    assert f"rapport: RAPPORT_COMPLAINT_POLICIES: {raised.value}\n" in page
