"""Rate limits of credentials: a bucket of tokens for each, and the headers that tell how it stands.

The headers are those of draft-ietf-httpapi-ratelimit-headers: `RateLimit-Policy` and `RateLimit`.
"""

import math
from collections import OrderedDict
from collections.abc import Collection
from typing import Final, NamedTuple

WINDOW_SECONDS: Final = 60
MOST_BUCKETS: Final = 10_000
_POLICY: Final = "credential"


class Taken(NamedTuple):
    """What became of a request: 0 where it is within the limit, else the seconds after which to send it again."""

    retry_after_seconds: int
    headers: tuple[tuple[bytes, bytes], ...]


class _Bucket:
    __slots__ = ("at", "requests")

    def __init__(self, requests: float, at: float) -> None:
        self.requests = requests
        self.at = at


class RateLimits:
    """Buckets by credential, of this process alone: several processes allow their sum.

    A bucket begins full, with a minute's requests, and fills again evenly. Where there are more of them than `most`,
    the one that was not used for the longest time, and so is the fullest, is forgotten.
    """

    def __init__(self, most: int = MOST_BUCKETS) -> None:
        self._most = most
        self._buckets: OrderedDict[str, _Bucket] = OrderedDict()

    def take(self, name: str, requests_per_minute: int, now: float) -> Taken:
        """Takes one request from a credential's bucket at a time in seconds, which may also go back."""
        bucket = self._buckets.get(name)
        if bucket is None:
            bucket = self._buckets[name] = _Bucket(requests_per_minute, now)
            if len(self._buckets) > self._most:
                self._buckets.popitem(last=False)
        else:
            self._buckets.move_to_end(name)
        rate = requests_per_minute / WINDOW_SECONDS
        filled = bucket.requests + max(0.0, now - bucket.at) * rate
        bucket.requests, bucket.at = min(filled, float(requests_per_minute)), now
        within = bucket.requests >= 1
        if within:
            bucket.requests -= 1
        full_after = math.ceil((requests_per_minute - bucket.requests) / rate)
        headers = (
            (
                b"ratelimit-policy",
                b'"%s";q=%d;w=%d' % (_POLICY.encode(), requests_per_minute, WINDOW_SECONDS),
            ),
            (b"ratelimit", b'"%s";r=%d;t=%d' % (_POLICY.encode(), int(bucket.requests), full_after)),
        )
        return Taken(0 if within else max(1, math.ceil((1 - bucket.requests) / rate)), headers)

    def keep(self, names: Collection[str]) -> None:
        """Forgets the buckets of all other credentials."""
        for name in [name for name in self._buckets if name not in names]:
            del self._buckets[name]
