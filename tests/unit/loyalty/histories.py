"""Random histories of one account: late events, repeated ids, refunds before purchases, holds that expire."""

from hypothesis import strategies as st

from tests.unit.loyalty.ledger import (
    Happened,
    adjusted,
    bought,
    cancelled,
    captured,
    earned,
    enrolled,
    held,
    redeemed,
    refunded,
    released,
)

DAYS = 800


def _day(number: int) -> str:
    year, day = divmod(number, 360)
    month, day = divmod(day, 30)
    return f"{2023 + year}-{month + 1:02d}-{min(day, 27) + 1:02d}"


_ids = st.integers(0, 4).map(str)
_points = st.integers(1, 400)
_expiries = st.one_of(st.just("terms"), st.none(), st.integers(0, DAYS).map(_day))
_amounts = st.sampled_from(["0", "0.01", "9.99", "33.33", "100", "999.9999"])
_refunds = st.sampled_from(["0.01", "9.99", "33.33", "100", "1500"])
_currencies = st.sampled_from(["EUR", "EUR", "EUR", "USD"])


@st.composite
def _events(draw: st.DrawFn, time: str) -> Happened:  # noqa: PLR0911 - a return for each kind of event
    kind = draw(st.integers(0, 13))
    if kind <= 2:
        return earned(time, draw(_points), draw(_expiries), qualifying=draw(st.booleans()))
    if kind <= 4:
        return bought(time, draw(_ids), draw(_amounts), draw(_currencies))
    if kind <= 6:
        return refunded(time, draw(_ids), draw(_ids), draw(_refunds), draw(_currencies))
    if kind == 7:
        return adjusted(time, draw(_points) * draw(st.sampled_from([1, -1])), draw(_expiries))
    if kind <= 9:
        return redeemed(time, draw(_ids), draw(_points))
    if kind == 10:
        return cancelled(time, draw(_ids))
    if kind == 11:
        return held(time, draw(_ids), draw(_points), _day(draw(st.integers(0, DAYS))))
    if kind == 12:
        return draw(st.sampled_from([captured(time, draw(_ids), draw(_points)), released(time, draw(_ids))]))
    return enrolled(time, draw(st.sampled_from(["circle", "square"])))


@st.composite
def histories(draw: st.DrawFn) -> list[Happened]:
    """Mostly in the order of time, now and then late."""
    history = []
    day = 0
    for _ in range(draw(st.integers(1, 40))):
        day = min(day + draw(st.integers(0, 40)), DAYS)
        late = draw(st.integers(-200, 50))
        history.append(draw(_events(_day(max(day + min(late, 0), 0)))))
    return history
