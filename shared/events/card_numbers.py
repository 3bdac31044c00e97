"""Payment card numbers in texts, masked so that nobody can pay with what was typed into a note."""

import re
import unicodedata
from itertools import accumulate
from typing import Final

_FEWEST_DIGITS: Final = 13
_MOST_DIGITS: Final = 19
_KEPT_DIGITS: Final = 4
_MASK: Final = "*"
_BETWEEN: Final = r"[\s\-\u00ad\u200b-\u200d\u2060\u2010-\u2015\u2212]{0,3}"
"""What people put between the groups of a card's number: up to three spaces or dashes of any kind, unseen ones too."""
_RUN: Final = re.compile(rf"\d(?:{_BETWEEN}\d){{{_FEWEST_DIGITS - 1},}}")
_DOUBLED: Final = (0, 2, 4, 6, 8, 1, 3, 5, 7, 9)
_DIGITS_ALIKE: Final = bytes.maketrans(b"123456789", b"0" * 9)
_FEWEST_IN_A_ROW: Final = b"0" * _FEWEST_DIGITS


def may_hold_card_number(text: bytes) -> bool:
    """Whether a JSON text is worth a search; False only where none of its texts can hold a card number.

    Costs less than a microsecond for an event: most events end here.
    """
    if b"\\" in text or not text.isascii():
        return True
    return _FEWEST_IN_A_ROW in text.translate(_DIGITS_ALIKE, b" -")


def masked(text: str) -> str:
    """The text with every digit of a card number but its last four replaced by `*`; of the same length.

    A card number has 13 to 19 digits, in groups or not, that pass the Luhn check, and is not part of a longer group of
    digits. Where groups can be read as several numbers, all of them are masked.
    """
    return _RUN.sub(_masked_run, text)


def masked_number(number: int) -> int | str:
    """A whole number, or its digits masked where they are a card number's."""
    text = str(number)
    hidden = masked(text)
    return number if hidden == text else hidden


def _masked_run(run: re.Match[str]) -> str:
    text = run.group()
    places = [place for place, character in enumerate(text) if character.isdecimal()]
    hidden = list(text)
    for first, end in _spans(text, places):
        for place in places[first : max(first, end - _KEPT_DIGITS)]:
            hidden[place] = _MASK
    return "".join(hidden)


def _spans(text: str, places: list[int]) -> list[tuple[int, int]]:
    """Where card numbers stand among the digits at `places`, first and end; those that overlap are one."""
    digits = [unicodedata.digit(text[place]) for place in places]
    # Sums in which every second digit is doubled, so that each window's check is one subtraction.
    sums = [
        list(
            accumulate(
                (each if at % 2 == kept else _DOUBLED[each] for at, each in enumerate(digits)), initial=0
            )
        )
        for kept in (0, 1)
    ]
    begins = [at == 0 or place != places[at - 1] + 1 for at, place in enumerate(places)]
    begins.append(True)
    spans: list[tuple[int, int]] = []
    for end in range(_FEWEST_DIGITS, len(digits) + 1):
        if not begins[end]:
            continue
        total = sums[(end - 1) % 2]
        for first in range(max(0, end - _MOST_DIGITS), end - _FEWEST_DIGITS + 1):
            if begins[first] and (total[end] - total[first]) % 10 == 0:
                while spans and spans[-1][1] > first:
                    first = min(first, spans.pop()[0])  # noqa: PLW2901 - grows over what it overlaps
                spans.append((first, end))
                break
    return spans
