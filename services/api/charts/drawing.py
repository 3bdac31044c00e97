"""SVG from elements with presentation attributes alone: a page whose policy forbids styles shows it as it is."""

import re
from collections.abc import Mapping
from typing import Final, Literal, NamedTuple, get_args
from xml.sax.saxutils import escape, quoteattr

Theme = Literal["light", "dark"]
THEMES: Final[tuple[Theme, ...]] = get_args(Theme)

WIDTH: Final = 720
HEIGHT: Final = 400
LEFT: Final = 76
RIGHT: Final = 28
TOP: Final = 70
BOTTOM: Final = 62
PLOT_WIDTH: Final = WIDTH - LEFT - RIGHT
PLOT_HEIGHT: Final = HEIGHT - TOP - BOTTOM
FLOOR: Final = HEIGHT - BOTTOM
"""Where the horizontal axis lies."""

_NO_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_FONT: Final = "system-ui, -apple-system, 'Segoe UI', Roboto, 'DejaVu Sans', sans-serif"


class Palette(NamedTuple):
    """Colours of a theme. Whatever is written stands out from the ground by 4.5 to 1 at least, marks by 3 to 1."""

    ground: str
    text: str
    quiet: str
    grid: str
    mark: str
    second: str


PALETTES: Final[Mapping[Theme, Palette]] = {
    "light": Palette("#ffffff", "#1b2733", "#4a5866", "#dfe5eb", "#1f6fb2", "#b5530a"),
    "dark": Palette("#12181f", "#eef2f6", "#b4c0cb", "#2c3742", "#5aaeee", "#f0a05a"),
}


class Lettering(NamedTuple):
    """The words of a picture: its heading, what its axes count, and all of it told in words for who cannot see it."""

    title: str
    subtitle: str
    across: str
    up: str
    told: str


def element(name: str, attributes: Mapping[str, object], *content: str) -> str:
    """An element; `content` is markup already. Attributes are named as in SVG, with `_` for `-`."""
    written = "".join(
        f" {key.replace('_', '-')}={quoteattr(_written(value))}" for key, value in attributes.items()
    )
    return f"<{name}{written}>{''.join(content)}</{name}>" if content else f"<{name}{written}/>"


def text(told: str) -> str:
    """Text as content of an element; characters that XML does not have are left out."""
    return escape(_NO_XML.sub("", told))


def words(line: str, x: float, y: float, fill: str, size: int = 12, **attributes: object) -> str:
    """A line of text that begins, ends or is centred at a place, as `text_anchor` says."""
    return element("text", {"x": x, "y": y, "fill": fill, "font_size": size, **attributes}, text(line))


def rule(x1: float, y1: float, x2: float, y2: float, stroke: str, **attributes: object) -> str:
    """A straight line."""
    return element("line", {"x1": x1, "y1": y1, "x2": x2, "y2": y2, "stroke": stroke, **attributes})


def picture(lettering: Lettering, palette: Palette, *content: str) -> bytes:
    """A whole picture with heading and names of the axes, and its text alternative."""
    middle = LEFT + PLOT_WIDTH / 2
    height = TOP + PLOT_HEIGHT / 2
    return element(
        "svg",
        {
            "xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "width": WIDTH, "height": HEIGHT,
            "role": "img", "aria_labelledby": "title told", "font_family": _FONT,
        },
        element("title", {"id": "title"}, text(lettering.title)),
        element("desc", {"id": "told"}, text(lettering.told)),
        element("rect", {"width": WIDTH, "height": HEIGHT, "fill": palette.ground}),
        words(lettering.title, LEFT, 28, palette.text, 17, font_weight=600),
        words(lettering.subtitle, LEFT, 48, palette.quiet, 12),
        *content,
        words(lettering.across, middle, HEIGHT - 16, palette.quiet, 12, text_anchor="middle"),
        words(
            lettering.up, 18, height, palette.quiet, 12, text_anchor="middle", transform=f"rotate(-90 18 {height:g})"
        ),
    ).encode()  # fmt: skip


def _written(value: object) -> str:
    return f"{value:.2f}".rstrip("0").rstrip(".") if isinstance(value, float) else str(value)
