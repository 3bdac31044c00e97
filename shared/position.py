"""A place in the event log: for each partition, how many of its events are included."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

_TOKEN = re.compile(r"\d{1,5}:\d{1,19}(,\d{1,5}:\d{1,19})*")
_MAX_TOKEN_CHARACTERS = 8192
_MAX_OFFSET = 2**63 - 1


class InvalidPositionError(ValueError):
    """A position token that this service did not write."""


@dataclass(frozen=True, slots=True)
class Position:
    """For each partition the offset of the next event, so `{0: 3}` includes offsets 0, 1 and 2 of partition
    0.

    Partitions that are absent stand at 0. Clients treat the token as opaque: it travels as `Rapport-Position`
    and comes back as `Rapport-At-Least`.
    """

    offsets: Mapping[int, int]

    @classmethod
    def of_written(cls, written: Iterable[tuple[int, int]]) -> Self:
        """The least position that includes every (partition, offset) given."""
        return cls(_least_offsets(written))

    @classmethod
    def parse(cls, token: str) -> Self:
        """The position a token stands for. Raises `InvalidPositionError`."""
        if token == "0":  # noqa: S105 - a position, not a secret
            return cls({})
        if len(token) > _MAX_TOKEN_CHARACTERS or not token.isascii() or not _TOKEN.fullmatch(token):
            raise InvalidPositionError(
                f"not a position: {token[:40]!r}; send back a Rapport-Position unchanged"
            )
        offsets: dict[int, int] = {}
        for pair in token.split(","):
            partition, _, offset = pair.partition(":")
            if int(offset) > _MAX_OFFSET or int(partition) in offsets:
                raise InvalidPositionError(
                    f"not a position: {token[:40]!r}; send back a Rapport-Position unchanged"
                )
            offsets[int(partition)] = int(offset)
        return cls(offsets)

    def token(self) -> str:
        """The text form, in partition order; `0` where no partition has an event."""
        return _text(self.offsets)

    def includes(self, other: "Position") -> bool:
        """Whether every event included in `other` is included here."""
        return all(self.offsets.get(partition, 0) >= offset for partition, offset in other.offsets.items())

    def common(self, other: "Position") -> "Position":
        """The greatest position that both include: that of an answer made of what was read at the two."""
        offsets = other.offsets
        return Position({p: min(offset, offsets[p]) for p, offset in self.offsets.items() if p in offsets})


def token_of_written(written: Iterable[tuple[int, int]]) -> str:
    """The token of the least position that includes every (partition, offset) given."""
    return _text(_least_offsets(written))


def _least_offsets(written: Iterable[tuple[int, int]]) -> dict[int, int]:
    offsets: dict[int, int] = {}
    for partition, offset in written:
        if offset >= offsets.get(partition, 0):
            offsets[partition] = offset + 1
    return offsets


def _text(offsets: Mapping[int, int]) -> str:
    return ",".join([f"{partition}:{offset}" for partition, offset in sorted(offsets.items())]) or "0"
