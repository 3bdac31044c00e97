"""Who is in a segment: how many, and one after the other, by what is known of them as of a time.

As of the time of the run in force, stored scores tell who may be in it; as of any other, everybody's scores are
computed anew, which is bounded. Counts take customers as the run found them, and their consents and profiles as they
are; who is named is looked at once more, as the customer they are now. Nothing is opened of whom the list may not name.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from services.projections.analytics.terms import Terms
from services.projections.audiences.known import consents_of_each, profiles_of_each
from services.projections.audiences.live_scores import live_scores
from services.projections.audiences.segment_rows import (
    FIRST_ARGUMENT,
    Count,
    counted_rows,
    parties_with_rows,
    row_batches,
)
from services.projections.identity.component import Component
from services.projections.read_models.consents import Consent, is_granted_anywhere
from services.projections.read_models.profile import CATEGORIES, Told
from services.projections.segments.evaluation import CLOSED, Facts, judged
from services.projections.segments.moments import AsOf
from services.projections.segments.prefilter import Prefilter, prefilter_of
from shared.events.consent import ConsentPurpose
from shared.segment_rules.rule import Rule, conditions_of

MOST_RECOMPUTED: Final = 20_000
"""Customers whose scores are computed anew for one count."""
MOST_OPENED: Final = 2_000
"""Customers whose personal data are opened for one count."""

Open = Callable[[Sequence[Mapping[str, Told]]], Awaitable[list[dict[str, Any]]]]
"""Opens attributes: of each of some customers, those that a purpose opens and that are there."""


class SegmentTooLargeError(Exception):
    """More customers would have to be looked at than one request may; the message says what would do."""


class Question(NamedTuple):
    """What is asked: a rule, as of a time, by the parameters of a run, of customers who consented to some purposes.

    `stored` is whether the time is the run's own.
    """

    rule: Rule
    as_of: AsOf
    terms: Terms
    customers: int
    purposes: tuple[ConsentPurpose, ...]
    stored: bool

    @property
    def prefilter(self) -> Prefilter:
        """Which stored rows may be in it."""
        if self.stored:
            return prefilter_of(self.rule, self.as_of, FIRST_ARGUMENT)
        return Prefilter("true", (), exact=False)

    @property
    def attributes(self) -> frozenset[str]:
        """The attributes of the profile that the rule looks at."""
        return frozenset(each.name for each in conditions_of(self.rule) if each.about == "profile")


async def count_of(connection: Any, question: Question, open_attributes: Open) -> Count:
    """How many are in the segment. Raises `SegmentTooLargeError`, what opening raises, and asyncpg's errors."""
    prefilter = question.prefilter
    if prefilter.exact:
        return await counted_rows(connection, prefilter, question.purposes)
    if not question.stored and question.customers > MOST_RECOMPUTED:
        raise SegmentTooLargeError(
            f"as of another time than the latest scoring run's, the scores of {question.customers:,} customers would "
            f"have to be computed anew, and {MOST_RECOMPUTED:,} are the most; ask without as_of, or score as of then"
        )
    judge = _Judge(question, open_attributes)
    customers = left_out = 0
    async for rows in row_batches(connection, prefilter):
        parties = [row["parties"] for row in rows]
        stored = [dict(row) for row in rows] if question.stored else None
        for verdict in await judge.verdicts(connection, parties, stored):
            customers += verdict.holds and verdict.allowed
            left_out += verdict.holds and not verdict.allowed
    return Count(customers, left_out)


async def members_among(
    connection: Any, question: Question, components: Sequence[Component], open_attributes: Open
) -> list[Mapping[str, Any] | None]:
    """The scores of those customers that are in the segment as they are now, None for the others.

    Raises `SegmentTooLargeError`, what opening raises, and asyncpg's errors.
    """
    judge = _Judge(question, open_attributes)
    verdicts = await judge.verdicts(connection, [each.parties for each in components], None)
    return [each.scores if each.holds and each.allowed else None for each in verdicts]


async def siblings_in_segment(connection: Any, question: Question, parties: Sequence[str]) -> Sequence[str]:
    """Those of some parties that have a row in the list, in its order. Raises asyncpg's errors."""
    return await parties_with_rows(connection, question.prefilter, parties)


class _Verdict(NamedTuple):
    holds: bool
    allowed: bool
    scores: Mapping[str, Any]


class _Judge:
    """Judges customers for one question. Counts those of whom something was opened."""

    def __init__(self, question: Question, open_attributes: Open) -> None:
        self._question = question
        self._open = open_attributes
        self._looks_at = question.attributes
        self._opened = 0

    async def verdicts(
        self, connection: Any, customers: Sequence[Sequence[str]], stored: Sequence[Mapping[str, Any]] | None
    ) -> list[_Verdict]:
        """Of each customer, by their parties; scores are computed anew where they are not stored."""
        question = self._question
        scores = stored
        if scores is None:
            live = await live_scores(connection, customers, question.terms, question.as_of.time)
            scores = [each._asdict() for each in live]
        words = await consents_of_each(connection, customers)
        told = await self._profiles(connection, customers)
        facts = [
            Facts(score, _closed(profile), said)
            for score, profile, said in zip(scores, told, words, strict=True)
        ]
        holds = [judged(question.rule, each, question.as_of) for each in facts]
        allowed = [self._is_allowed(said) for said in words]
        undecided = [place for place, each in enumerate(holds) if each is None and allowed[place]]
        for place, opened in zip(
            undecided, await self._opened_of([told[each] for each in undecided]), strict=True
        ):
            known = facts[place]._replace(profile=opened)
            holds[place] = judged(question.rule, known, question.as_of)
        return [
            _Verdict(bool(held), may, score) for held, may, score in zip(holds, allowed, scores, strict=True)
        ]

    async def _profiles(
        self, connection: Any, customers: Sequence[Sequence[str]]
    ) -> Sequence[Mapping[str, Told]]:
        if not self._looks_at:
            return [{} for _ in customers]
        profiles = await profiles_of_each(connection, customers)
        return [{name: told for name, told in each.items() if name in self._looks_at} for each in profiles]

    async def _opened_of(self, profiles: Sequence[Mapping[str, Told]]) -> list[dict[str, Any]]:
        self._opened += len(profiles)
        if self._opened > MOST_OPENED:
            raise SegmentTooLargeError(
                f"the rule looks at personal data of more than {MOST_OPENED:,} customers; let it ask for scores first, "
                "so that fewer are left to look at"
            )
        return await self._open(profiles) if profiles else []

    def _is_allowed(self, words: Sequence[Consent]) -> bool:
        return all(is_granted_anywhere(words, each) for each in self._question.purposes)


def _closed(profile: Mapping[str, Told]) -> dict[str, Any]:
    return {name: CLOSED if name in CATEGORIES else told["value"] for name, told in profile.items()}
