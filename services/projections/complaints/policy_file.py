"""Reads complaint policies from their TOML file, strictly; says where what is wrong stands, and what is allowed."""

from importlib import resources
from pathlib import Path

from pydantic import TypeAdapter

from services.projections.complaints.policy_content import text_of
from services.projections.complaints.policy_rules import broken_rules, content_of
from services.projections.complaints.policy_tables import ALLOWED, File
from services.projections.rule_file import RuleFile, written

DEFAULT_FILE = "default_policies.toml"
"""The policies of a deployment that names no file, beside this module."""

_FILE = RuleFile("the complaint policy file", TypeAdapter(File), ALLOWED)


def load(path: Path) -> str:
    """The content of a file, as it is registered. Raises `RuleFileError`, also where it cannot be read. Blocks."""
    return parse(_FILE.text(path), str(path))


def default_text() -> str:
    """The policy file that comes with the service."""
    return resources.files(__package__).joinpath(DEFAULT_FILE).read_text(encoding="utf-8")


def parse(text: str, name: str) -> str:
    """The content of a file's text (`policy_content`); `name` is what errors call it. Raises `RuleFileError`."""
    file = _FILE.tables(text, name)
    if broken := [(place, f"{written(value)} {why}") for place, value, why in broken_rules(file)]:
        raise _FILE.refused(name, text, broken)
    return text_of(content_of(file))
