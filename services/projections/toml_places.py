"""Where a value stands in a TOML file, for error messages: the standard reader does not say."""

import re

Place = tuple[str | int, ...]
"""Table names and places in arrays, from the root."""

_HEADER = re.compile(r"^\s*(\[\[?)\s*([^\]]+?)\s*\]\]?\s*(#.*)?$")
_KEY = re.compile(r"""^\s*["']?([A-Za-z0-9_.-]+)["']?\s*=""")


def place_of(place: Place) -> str:
    """A place as people write it: `programme.circle.terms[1].tiers[0].threshold`."""
    written = ""
    for part in place:
        written += f"[{part}]" if isinstance(part, int) else f".{part}" if written else part
    return written


def line_of(text: str, place: Place) -> int | None:
    """The line, from 1, of a place or of what encloses it most closely; None where nothing of it is found.

    Knows tables, arrays of tables and inline tables, as in the documented form of the file; no dotted keys.
    """
    table: Place = ()
    arrays: dict[Place, int] = {}
    best: tuple[int, int] | None = None
    inside: Place | None = None
    inline = -1
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            table = _table(header[1], tuple(part.strip(" \"'") for part in header[2].split(".")), arrays)
            inside, here = None, [table]
        elif (key := _KEY.match(line)) and (inside is None or "{" not in line[: key.end()]):
            inside, inline = (*table, key[1]), -1
            here = [inside]
        else:
            here = []
        if inside is not None:
            for _ in range(line.count("{")):
                inline += 1
                here.append((*inside, inline))
        for each in here:
            if place[: len(each)] == each and (best is None or len(each) > best[0]):
                best = (len(each), number)
    return best[1] if best else None


def _table(brackets: str, names: tuple[str, ...], arrays: dict[Place, int]) -> Place:
    """The place of a table whose header names it; a further one of an array of tables counts up."""
    place: Place = ()
    for depth, name in enumerate(names):
        place = (*place, name)
        if depth == len(names) - 1 and brackets == "[[":
            arrays[place] = arrays.get(place, -1) + 1
        if place in arrays:
            place = (*place, arrays[place])
    return place
