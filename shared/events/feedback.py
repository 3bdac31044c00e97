"""What customers say when asked how it was."""

from typing import Annotated, Literal

from msgspec import Meta

from shared.events.data import BrokenRuleError, EventData, Part, personal
from shared.events.vocabulary import LongText, Reference

Instrument = Literal["nps", "csat", "servqual"]
ServqualScore = Annotated[int, Meta(ge=1, le=7)]

SCORE_RANGES: dict[Instrument, tuple[int, int]] = {"nps": (0, 10), "csat": (1, 5)}
"""The least and the greatest `score` of the instruments that ask one question."""


class ServqualScores(Part, frozen=True, kw_only=True):
    """One score from 1 to 7 for each dimension of service quality."""

    reliability: ServqualScore
    tangibles: ServqualScore
    responsiveness: ServqualScore
    assurance: ServqualScore
    empathy: ServqualScore


def _one_question(instrument: Instrument) -> dict[str, object]:
    least, greatest = SCORE_RANGES[instrument]
    return {
        "if": {"properties": {"instrument": {"const": instrument}}},
        "then": {
            "required": ["score"],
            "properties": {
                "score": {"type": "integer", "minimum": least, "maximum": greatest},
                "scores": {"type": "null"},
                "expectations": {"type": "null"},
            },
        },
    }


class FeedbackRecorded(EventData, frozen=True, kw_only=True):
    """A customer answered a survey: `score` for `nps` (0 to 10) and `csat` (1 to 5), `scores` for `servqual`.

    `expectations` are what the customer expected of each dimension, where a `servqual` survey asked for that too.
    `about` is the id of the complaint, the order or the member of staff that was asked about.
    """

    TYPE = "feedback.recorded"
    SCHEMA_RULES = (
        _one_question("nps"),
        _one_question("csat"),
        {
            "if": {"properties": {"instrument": {"const": "servqual"}}},
            "then": {
                "required": ["scores"],
                "properties": {"scores": {"type": "object"}, "score": {"type": "null"}},
            },
        },
    )

    instrument: Instrument
    score: Annotated[int, Meta(ge=0, le=10)] | None = None
    scores: ServqualScores | None = None
    expectations: ServqualScores | None = None
    comment: Annotated[LongText, personal("free_text")] | None = None
    about: Reference | None = None

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` when the answer is not of the instrument's shape or range."""
        if self.instrument == "servqual":
            if self.score is not None:
                raise BrokenRuleError(
                    "score", "`servqual` takes `scores`, one for each dimension, not `score`"
                )
            if self.scores is None:
                raise BrokenRuleError("scores", "required for `servqual`")
            return
        if self.scores is not None:
            raise BrokenRuleError("scores", f"`{self.instrument}` takes one `score`, not `scores`")
        if self.expectations is not None:
            raise BrokenRuleError("expectations", f"only `servqual` has them, not `{self.instrument}`")
        if self.score is None:
            raise BrokenRuleError("score", f"required for `{self.instrument}`")
        least, greatest = SCORE_RANGES[self.instrument]
        if not least <= self.score <= greatest:
            raise BrokenRuleError("score", f"`{self.instrument}` goes from {least} to {greatest}")
