"""A score in words: why somebody is where they are, for people who act on it."""

from collections.abc import Iterator
from datetime import datetime
from zoneinfo import ZoneInfo

from services.projections.analytics.measures import RHYTHM_DAYS
from services.projections.analytics.score import Score
from services.projections.analytics.scores import GONE
from services.projections.analytics.terms import Terms
from services.projections.analytics.values import AT_RISK


def why_of(score: Score, terms: Terms, as_of: datetime) -> list[str]:
    """Sentences, what matters most first."""
    return list(_sentences(score, terms, as_of))


def silence_of(score: Score) -> str | None:
    """The silence of somebody who has been silent for longer than usual, in a sentence; None of others.

    Of those with less than 3 purchase days nothing is said, for there is too little to tell; nor of who left aloud.
    """
    if score.purchase_days < RHYTHM_DAYS or score.ended_on is not None or score.has_open_complaint:
        return None
    leaving = score.p_alive is not None and score.p_alive < AT_RISK
    if not (leaving or score.is_out_of_rhythm):
        return None
    usual = (
        f"usually comes every {_days(score.usual_gap_days)}" if score.usual_gap_days else "came often before"
    )
    return f"Has not bought for {_days(score.silence_days)}, and {usual}."


def _sentences(score: Score, terms: Terms, as_of: datetime) -> Iterator[str]:
    if score.ended_on is not None:
        yield f"Ended the relationship on {score.ended_on:%d %B %Y}."
    if score.purchase_days == 0:
        yield "Has not bought anything yet."
        return
    silence = silence_of(score)
    if silence is not None:
        yield silence
    elif score.has_open_complaint:
        yield "Has a complaint that is open, so a silence would say nothing."
    yield _likelihood(score)
    if score.silent_from is not None and score.silent_from >= as_of:
        day = score.silent_from.astimezone(ZoneInfo(terms.zone))
        yield f"Would be silent from {day:%d %B %Y} without another purchase."
    currency = terms.base_currency
    if score.clv is not None and score.margin_12m is not None:
        yield (
            f"Is expected to be worth {currency} {score.clv:,.2f} within {terms.horizon_weeks} weeks, after {currency} "
            f"{score.margin_12m:,.2f} in the last 12 months."
        )
    if score.currency_mixed:
        yield f"Bought in currencies without a rate to {currency} as well, which do not count."


def _likelihood(score: Score) -> str:
    days = "1 purchase day" if score.purchase_days == 1 else f"{score.purchase_days:,} purchase days"
    bought = f"{days}, the last one {_days(score.recency_days)} ago"
    if score.p_alive is None:
        return f"Has {bought}; how likely a return is could not be computed."
    word = (
        "probably gone"
        if score.p_alive < GONE
        else "leaving"
        if score.p_alive < AT_RISK
        else "a customer still"
    )
    return f"Is {word}: {score.p_alive:.0%} likely to be a customer, after {bought}."


def _days(days: float | None) -> str:
    count = days or 0
    return "1 day" if count == 1 else f"{count:,.10g} days"
