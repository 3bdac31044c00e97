"""Segments of customers, as rules that are evaluated when they are read."""

import re
from collections.abc import Iterator
from typing import Annotated, Any, Final

from msgspec import Meta

from shared.events.data import BrokenRuleError, EventData, KeyedBy
from shared.events.vocabulary import Reference
from shared.segment_rules.reading import rule_of
from shared.segment_rules.refusal import Path, RuleRefusedError

SegmentVersion = Annotated[int, Meta(ge=1, le=2**31 - 1)]

_PLAIN_NAME: Final = re.compile(r"\w{1,64}")


class SegmentDefined(EventData, frozen=True, kw_only=True):
    """Somebody defined a segment, or changed it under a new `version`; the highest version is the one in force."""

    TYPE = "segment.defined"
    SCHEMA_RULES = ({"properties": {"rule": {"minProperties": 1}}},)
    CUSTOMER_REQUIRED = False
    CUSTOMER_ALLOWED = False

    segment_id: Reference
    version: SegmentVersion
    rule: dict[str, Any]

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` for a rule that cannot be read, at the place where it cannot."""
        try:
            rule_of(self.rule)
        except RuleRefusedError as refused:
            raise BrokenRuleError(".".join(_steps(refused.path)), refused.reason) from None

    def keyed_by(self) -> KeyedBy:
        """The segment."""
        return KeyedBy("segment", self.segment_id)


def _steps(path: Path) -> Iterator[str]:
    """The path below the event's data; it ends before a name of the sender's that is no plain one."""
    yield "rule"
    for step in path:
        if not _PLAIN_NAME.fullmatch(str(step)):
            return
        yield str(step)
