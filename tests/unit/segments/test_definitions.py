"""A segment's definition is taken or refused on arrival, with the place of the fault in the event."""

from typing import Any

import msgspec
import pytest

from shared.events.refusal import SchemaViolationError
from shared.events.segment import SegmentDefined
from tests.strategies import CATALOGUE


def decoded(rule: Any) -> Any:
    data = {"segment_id": "regulars", "version": 1, "rule": rule}
    return CATALOGUE.decode("segment.defined", None, msgspec.json.encode(data))


def test_a_definition_with_a_readable_rule_is_taken() -> None:
    assert isinstance(decoded({"not": {"score": "tier", "is": "C"}}), SegmentDefined)


@pytest.mark.parametrize(
    ("rule", "detail", "pointer"),
    [
        ({"score": "teir", "is": "A"}, "data.rule.score: 'teir' is no score", "/data/rule/score"),
        (
            {"all": [{"score": "r", "is": 1}, {"any": [{"score": "tier", "is": "D"}]}]},
            "data.rule.all[1].any[0].is: not one of VIP, A, B, C",
            "/data/rule/all/1/any/0/is",
        ),
        ({"not": {"a.b/c": 1}}, "data.rule.not: 'a.b/c' is neither", "/data/rule/not"),
        ({"segment": "regulars"}, "data.rule.segment: a rule names no other segment", "/data/rule/segment"),
        ({}, "data.rule: empty", "/data/rule"),
    ],
)
def test_a_definition_with_a_wrong_rule_is_refused_at_the_fault(rule: Any, detail: str, pointer: str) -> None:
    with pytest.raises(SchemaViolationError) as refused:
        decoded(rule)
    assert refused.value.detail.startswith(detail)
    assert refused.value.pointer == pointer
