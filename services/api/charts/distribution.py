"""A distribution as a picture, and in words."""

from datetime import datetime
from typing import NamedTuple

from services.api.charts import curves
from services.api.charts.axes import number_text
from services.api.charts.drawing import Lettering, Theme
from services.api.charts.histogram import Bar, histogram
from services.projections.analytics.distributions import Bin, Distribution, Kind, Measure, Point, Step

_FIFTH = 0.2


class Told(NamedTuple):
    """A distribution with what it is of: `unit` is null where numbers have none."""

    measure: Measure
    unit: str | None
    as_of: datetime
    found: Distribution


def in_words(told: Told) -> str:
    """A sentence or two that say what the picture shows."""
    found, shown = told.found, told.found.shown
    known = found.customers - found.unknown
    begin = f"{told.measure.title}, as of {told.as_of:%d %B %Y}: {known:,} of {found.customers:,} customers."
    if not shown:
        return f"{begin} There is nothing to show."
    first = shown[0]
    match first:
        case Kind():
            kinds = [each for each in shown if isinstance(each, Kind)]
            return f"{begin} {', '.join(f'{each.name} {each.customers:,}' for each in kinds)}."
        case Point():
            points = [each for each in shown if isinstance(each, Point)]
            fifth = next(each for each in points if each.customers >= _FIFTH or each is points[-1])
            return f"{begin} The best {fifth.customers:.0%} of customers hold {fifth.value:.0%} of the value."
        case Step():
            steps = [each for each in shown if isinstance(each, Step)]
            now = [each.customers for each in steps if each.day <= told.as_of.date()]
            return (
                f"{begin} {now[-1] if now else 0:,} are silent then, {steps[-1].customers:,} by "
                f"{steps[-1].day:%d %B %Y} if none of them buys again."
            )
        case Bin():
            bins = [each for each in shown if isinstance(each, Bin)]
            most = max(bins, key=lambda each: each.customers)
            upto = " or more" if most.most is None else f" to {number_text(most.most)}"
            unit = f" {told.unit}" if told.unit else ""
            return f"{begin} Most, {most.customers:,}, are at {number_text(most.least)}{upto}{unit}."


def drawn(told: Told, theme: Theme) -> bytes:
    """The picture, SVG."""
    measure, found = told.measure, told.found
    across, up = told.unit or "", "customers"
    if measure.shape == "value":
        across, up = "share of customers, the best first", "share of value"
    elif measure.shape == "silence":
        across, up = "beginning of silence", "customers silent"
    lettering = Lettering(
        measure.title,
        f"{found.customers - found.unknown:,} of {found.customers:,} customers, as of {told.as_of:%d %b %Y}",
        across,
        up,
        in_words(told),
    )
    if measure.shape == "value":
        points = [curves.Point(*each) for each in found.shown if isinstance(each, Point)]
        return curves.pareto_curve(points, lettering, theme)
    if measure.shape == "silence":
        steps = [curves.Step(*each) for each in found.shown if isinstance(each, Step)]
        return curves.steps_over_time(steps, told.as_of, lettering, theme)
    return histogram([_bar(each) for each in found.shown], lettering, theme)


def _bar(shown: Bin | Kind | Point | Step) -> Bar:
    match shown:
        case Kind(name, customers):
            return Bar(0.0, None, customers, name)
        case Bin(least, most, customers):
            return Bar(least, most, customers)
        case _:
            raise AssertionError("points and steps are curves")
