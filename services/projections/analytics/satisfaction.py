"""How satisfied customers are, by what they answered. Pure: floats begin at the last division.

NPS takes the latest answer of each customer, so that nobody votes twice; CSAT and service quality are about contacts,
and take every answer.
"""

from collections.abc import Callable, Iterable
from datetime import datetime
from math import sqrt
from typing import Any, Final, Literal, NamedTuple

PROMOTER_FROM: Final = 9
DETRACTOR_TO: Final = 6
SATISFIED_FROM: Final = 4
DIMENSIONS: Final = ("reliability", "tangibles", "responsiveness", "assurance", "empathy")
_DECIMALS: Final = 6

Group = str | None
"""What answers have in common; None for those that do not say."""


class NpsAnswer(NamedTuple):
    """An answer to the question whether one would recommend, 0 to 10."""

    party: str
    time: datetime
    event_id: str
    score: int
    group: Group


class Nps(NamedTuple):
    """Customers by what they answered."""

    promoters: int
    passives: int
    detractors: int

    def figures(self) -> dict[str, Any]:
        """The score, 100 times the promoters' share less the detractors', and its standard error; null of nobody."""
        customers = sum(self)
        score = error = None
        if customers:
            balance = (self.promoters - self.detractors) / customers
            extremes = (self.promoters + self.detractors) / customers
            score = round(100 * balance, _DECIMALS)
            error = round(100 * sqrt(max(0.0, extremes - balance * balance) / customers), _DECIMALS)
        return {"customers": customers, **self._asdict(), "score": score, "standard_error": error}


def nps_of(scores: Iterable[int]) -> Nps:
    """Scores of 0 to 10, one a customer."""
    promoters = passives = detractors = 0
    for score in scores:
        promoters += score >= PROMOTER_FROM
        detractors += score <= DETRACTOR_TO
        passives += DETRACTOR_TO < score < PROMOTER_FROM
    return Nps(promoters, passives, detractors)


def nps_by_group(answers: Iterable[NpsAnswer], customer_of: Callable[[str], str]) -> dict[Group, Nps]:
    """The latest answer of each customer, counted in its own group; `customer_of` tells the customer of a party.

    Of two of one time that of the greater event id is the latest.
    """
    latest: dict[str, NpsAnswer] = {}
    for answer in answers:
        customer = customer_of(answer.party)
        before = latest.get(customer)
        if before is None or _when(answer) > _when(before):
            latest[customer] = answer
    scores: dict[Group, list[int]] = {}
    for answer in latest.values():
        scores.setdefault(answer.group, []).append(answer.score)
    return {group: nps_of(of_group) for group, of_group in scores.items()}


def _when(answer: NpsAnswer) -> tuple[Any, ...]:
    return answer.time, answer.event_id, answer.score, answer.group or "", answer.party


class Csat(NamedTuple):
    """Answers of 1 to 5: how many, how many of them 4 or 5, and their sum."""

    answers: int = 0
    satisfied: int = 0
    total: int = 0

    def figures(self) -> dict[str, Any]:
        """The share of 4 and 5, and the mean; null where nobody answered."""
        share = round(self.satisfied / self.answers, _DECIMALS) if self.answers else None
        mean = round(self.total / self.answers, _DECIMALS) if self.answers else None
        return {"answers": self.answers, "satisfied": self.satisfied, "share": share, "mean": mean}


class ServiceQuality(NamedTuple):
    """Answers on the five dimensions: sums of what was perceived and, where asked too, of what was expected."""

    answers: int
    perceived: tuple[int, ...]
    expected: tuple[int, ...] | None

    @property
    def label(self) -> Literal["SERVQUAL", "SERVPERF"]:
        """SERVQUAL measures gaps; what was asked without expectations is performance alone."""
        return "SERVPERF" if self.expected is None else "SERVQUAL"

    def figures(self) -> dict[str, Any]:
        """Means by dimension and, of SERVQUAL, gaps: perception less expectation; and the mean of the dimensions."""
        perceived = [each / self.answers for each in self.perceived]
        dimensions = []
        gaps = []
        for place, name in enumerate(DIMENSIONS):
            expectation = gap = None
            if self.expected is not None:
                expectation = self.expected[place] / self.answers
                gap = (self.perceived[place] - self.expected[place]) / self.answers
                gaps.append(gap)
            dimensions.append(
                {
                    "dimension": name,
                    "perception": round(perceived[place], _DECIMALS),
                    "expectation": _rounded(expectation),
                    "gap": _rounded(gap),
                }
            )
        return {
            "label": self.label,
            "answers": self.answers,
            "perception": round(sum(perceived) / len(perceived), _DECIMALS),
            "gap": _rounded(sum(gaps) / len(gaps) if gaps else None),
            "dimensions": dimensions,
        }


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, _DECIMALS)


class Satisfaction(NamedTuple):
    """What the answers of one group come to."""

    nps: Nps = Nps(0, 0, 0)
    csat: Csat = Csat()
    quality: tuple[ServiceQuality, ...] = ()

    @property
    def answers(self) -> int:
        """What groups are ordered by."""
        return sum(self.nps) + self.csat.answers + sum(each.answers for each in self.quality)

    def figures(self) -> dict[str, Any]:
        """All figures; `service_quality` has one entry for answers with expectations, one for those without."""
        return {
            "nps": self.nps.figures(),
            "csat": self.csat.figures(),
            "service_quality": [each.figures() for each in self.quality],
        }
