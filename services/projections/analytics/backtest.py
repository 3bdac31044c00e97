"""What rules about who is leaving would have said on a day in the past, against what happened in the weeks after."""

from datetime import date
from typing import Final

import numpy as np
from numpy.typing import NDArray

from services.projections.analytics.fits import mbg_nbd
from services.projections.analytics.measures import RHYTHM_DAYS, Measures
from shared.events.analytics import Backtest, FittedPurchases, RuleOutcome

_THRESHOLDS: Final = {"mbg_0.5": 0.5, "mbg_0.3": 0.3}
_RHYTHM: Final = "rhythm"
_DIGITS: Final = 6


def backtest(
    then: Measures,
    bought_after: NDArray[np.bool_],
    fitted: FittedPurchases | None,
    day: date,
    horizon_weeks: int,
) -> Backtest:
    """How often each rule was right about customers with 3 purchase days or more on a `day`.

    `then` are their measures on it, `bought_after` says who bought within the horizon after it, and `fitted` is what
    was fitted to what was known on it. Gone are those who did not buy. Pure.
    """
    judged = then.days >= RHYTHM_DAYS
    gone = judged & ~bought_after
    rules = {_RHYTHM: then.rhythmless}
    if fitted is not None:
        alive = mbg_nbd.p_alive(fitted, then.x, then.t_x, then.t)
        rules = {**{name: alive < below for name, below in _THRESHOLDS.items()}, **rules}
    outcomes = tuple(_outcome(name, judged, gone, flags) for name, flags in rules.items())
    return Backtest(sentence=_sentence(outcomes, day, horizon_weeks), rules=outcomes)


def _outcome(
    name: str, judged: NDArray[np.bool_], gone: NDArray[np.bool_], flags: NDArray[np.bool_]
) -> RuleOutcome:
    flagged = judged & flags
    counts = [int(each.sum()) for each in (judged, gone, flagged, flagged & gone)]
    customers, left, said, right = counts
    return RuleOutcome(
        rule=name,
        customers=customers,
        gone=left,
        flagged=said,
        right=right,
        precision=round(right / said, _DIGITS) if said else None,
        recall=round(right / left, _DIGITS) if left else None,
    )


def _sentence(outcomes: tuple[RuleOutcome, ...], day: date, horizon_weeks: int) -> str:
    """What the first rule came to, in words."""
    first = outcomes[0]
    rule = "P(alive) below 0.5" if first.rule in _THRESHOLDS else "silence of over three usual gaps"
    if not first.customers:
        return (
            f"Nothing to look back at: on {day} no customer had 3 purchase days or more, so how right these scores "
            "are is not known yet."
        )
    said = (
        f"Of {first.customers:,} customers with 3 purchase days or more on {day}, {first.gone:,} bought nothing in "
        f"the {horizon_weeks} weeks after; {rule} flagged {first.flagged:,}: "
    )
    if first.precision is None:
        return said + "there is nobody it was right or wrong about."
    base = first.gone / first.customers
    found = "" if first.recall is None else f"; finds {first.recall:.0%} of those who left"
    return (said + f"{first.precision:.0%} right against a base of {base:.0%}{found}.").replace("%", " %")
