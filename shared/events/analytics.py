"""What a scoring run found: all that scores of single customers are computed with."""

from typing import Annotated, Any, ClassVar, Final

from msgspec import Meta

from shared.events.data import EventData, KeyedBy, Part, refuse_time_outside_history
from shared.events.vocabulary import AwareDatetime, Reference, ShortText

ANALYTICS: Final = "/rapport/analytics"
"""The source of scoring runs, which is Rapport's own."""

Count = Annotated[int, Meta(ge=0, le=2**53 - 1)]
Cuts = Annotated[tuple[float, ...], Meta(max_length=100)]


class FittedPurchases(Part, frozen=True, kw_only=True):
    """Parameters of a model of how often customers buy until they leave (BG/NBD or MBG/NBD), and how well it fits."""

    r: float
    alpha: float
    a: float
    b: float
    log_likelihood: float


class FittedSpend(Part, frozen=True, kw_only=True):
    """Parameters of the Gamma-Gamma model of what they spend each time, and how well it fits."""

    p: float
    q: float
    v: float
    log_likelihood: float


class RunParameters(Part, frozen=True, kw_only=True):
    """What was fitted; a model that could not be is null, and a note says why."""

    bg_nbd: FittedPurchases | None = None
    mbg_nbd: FittedPurchases | None = None
    gamma_gamma: FittedSpend | None = None


class ScoreCuts(Part, frozen=True, kw_only=True):
    """The values between two scores, ascending."""

    recency: Cuts
    frequency: Cuts
    monetary: Cuts


class RuleOutcome(Part, frozen=True, kw_only=True):
    """How often a rule about who is leaving was right in the past; a share is null where nobody was flagged or gone."""

    rule: Reference
    customers: Count
    gone: Count
    flagged: Count
    right: Count
    precision: float | None = None
    recall: float | None = None


class Backtest(Part, frozen=True, kw_only=True):
    """What the run would have said in the past against what happened since, and one sentence about it."""

    sentence: ShortText
    rules: Annotated[tuple[RuleOutcome, ...], Meta(max_length=20)] = ()


class AnalyticsRunCompleted(EventData, frozen=True, kw_only=True):
    """A scoring run read all customers at `position`, and found cuts, parameters and how right they would have been.

    Only events up to `as_of` counted. `settings` are those it ran under, `figures` what else scores depend on, `notes`
    say in words what could not be computed.
    """

    TYPE: ClassVar[str] = "analytics.run_completed"
    CUSTOMER_REQUIRED: ClassVar[bool] = False
    CUSTOMER_ALLOWED: ClassVar[bool] = False
    SOURCE: ClassVar[str | None] = ANALYTICS

    run_id: Reference
    as_of: AwareDatetime
    position: ShortText
    customers: Count
    parameters: RunParameters
    cuts: ScoreCuts | None = None
    backtest: Backtest | None = None
    settings: dict[str, Any] | None = None
    figures: dict[str, Any] | None = None
    notes: Annotated[tuple[ShortText, ...], Meta(max_length=100)] = ()

    def __post_init__(self) -> None:
        """Raises `BrokenRuleError` for a time outside history."""
        refuse_time_outside_history("as_of", self.as_of)

    def keyed_by(self) -> KeyedBy:
        """The run."""
        return KeyedBy("run", self.run_id)
