"""A histogram: how many customers lie between two values, or are of a kind."""

from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from services.api.charts.axes import across, horizontal_axis, number_text, ticks, upwards, vertical_axis
from services.api.charts.drawing import (
    FLOOR,
    LEFT,
    PALETTES,
    PLOT_WIDTH,
    Lettering,
    Palette,
    Theme,
    element,
    picture,
    text,
    words,
)

_GAP: Final = 1.5
_LABEL: Final = 52
"""How far apart the last two labels have to be."""
_HEADROOM: Final = 1.06
_WORD_SHARE: Final = 0.62
_LETTER: Final = 7.5
"""How wide a letter is, about."""
_LEAST_ROOM_FOR_COUNTS: Final = 44


class Bar(NamedTuple):
    """Customers from a value on up to another, or of a kind that `name` tells. `most` None: and more."""

    least: float
    most: float | None
    customers: int
    name: str | None = None


def histogram(bars: Sequence[Bar], lettering: Lettering, theme: Theme) -> bytes:
    """The picture of bars side by side, by value or by name. Without bars it says that there are none."""
    palette = PALETTES[theme]
    if not bars:
        return picture(lettering, palette, nothing(palette))
    scale = upwards(_HEADROOM * max(1, *(each.customers for each in bars)))
    named = bars[0].name is not None
    drawn = _named_bars(bars, scale.at, palette) if named else _bars(bars, scale.at, palette)
    return picture(lettering, palette, *vertical_axis(scale, palette), *drawn)


def nothing(palette: Palette) -> str:
    """What stands in a picture that has nothing to show."""
    return words(
        "nothing to show yet", LEFT + PLOT_WIDTH / 2, FLOOR - 120, palette.quiet, 14, text_anchor="middle"
    )


def _bars(bars: Sequence[Bar], height: Callable[[float], float], palette: Palette) -> list[str]:
    width = bars[0].most - bars[0].least if bars[0].most is not None else 1.0
    least, most = bars[0].least, bars[-1].least + width
    scale = across(least, most)
    drawn: list[str] = []
    for bar in bars:
        left, right = scale.at(bar.least), scale.at(bar.least + width)
        fill = palette.mark if bar.most is not None else palette.second
        told = f"{_range(bar)}: {bar.customers:,}"
        drawn.append(_bar(left + _GAP / 2, right - _GAP / 2, height(bar.customers), fill, told))
    places = [(scale.at(value), number_text(value)) for value in ticks(least, bars[-1].least)]
    if bars[-1].most is None:
        end = scale.at(bars[-1].least)
        places = [each for each in places if end - each[0] > _LABEL] + [
            (end, f"≥ {number_text(bars[-1].least)}")
        ]
    return [*drawn, *horizontal_axis(places, palette)]


def _named_bars(bars: Sequence[Bar], height: Callable[[float], float], palette: Palette) -> list[str]:
    room = PLOT_WIDTH / len(bars)
    drawn: list[str] = []
    for place, bar in enumerate(bars):
        middle = LEFT + room * (place + 0.5)
        half = room * _WORD_SHARE / 2
        top = height(bar.customers)
        drawn.append(_bar(middle - half, middle + half, top, palette.mark, f"{bar.name}: {bar.customers:,}"))
        drawn.append(
            words(_shortened(bar.name or "", room), middle, FLOOR + 20, palette.text, text_anchor="middle")
        )
        if room >= _LEAST_ROOM_FOR_COUNTS:
            drawn.append(
                words(number_text(bar.customers), middle, top - 6, palette.text, text_anchor="middle")
            )
    return drawn


def _shortened(name: str, room: float) -> str:
    """A name that fits under its bar; the bar itself tells it whole."""
    most = max(3, int(room / _LETTER))
    return name if len(name) <= most else name[: most - 1] + "…"


def _bar(left: float, right: float, top: float, fill: str, told: str) -> str:
    size = {"x": left, "y": top, "width": max(0.5, right - left), "height": FLOOR - top, "fill": fill}
    return element("rect", size, element("title", {}, text(told)))


def _range(bar: Bar) -> str:
    least = number_text(bar.least)
    return f"{least} or more" if bar.most is None else f"{least} to {number_text(bar.most)}"
