"""What a key looks like, and what is kept of it."""

import base64
import hashlib
import hmac
import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

Kind = Literal["source", "reader"]
"""Source keys send events, reader keys read."""

PREFIX: Final = b"rap_"
_MARKS: Final[dict[Kind, str]] = {"source": "src", "reader": "rdr"}
_FORM: Final = re.compile(rb"rap_(src|rdr)_([a-z2-7]{16})_([A-Za-z0-9_-]{43})")
_ID_BYTES: Final = 10
_SECRET_BYTES: Final = 32


class NewKey(NamedTuple):
    """A key as it is made: the token for its holder, who alone ever has it, and what is kept."""

    key_id: str
    token: str
    secret_hash: bytes


class Presented(NamedTuple):
    """A token as a request brings it, taken apart; nothing is known yet of whether it holds."""

    mark: bytes
    key_id: str
    secret: bytes


def new_key(kind: Kind, random_bytes: Callable[[int], bytes]) -> NewKey:
    """A key with a secret of 256 bits from `random_bytes`, which must be fit for secrets."""
    key_id = base64.b32encode(random_bytes(_ID_BYTES)).decode().lower()
    secret = base64.urlsafe_b64encode(random_bytes(_SECRET_BYTES)).rstrip(b"=")
    return NewKey(key_id, f"rap_{_MARKS[kind]}_{key_id}_{secret.decode()}", hash_of(secret))


def presented(token: bytes) -> Presented | None:
    """The parts of a token, None where it has not the form of one."""
    match = _FORM.fullmatch(token)
    return None if match is None else Presented(match[1], match[2].decode(), match[3])


def holds(token: Presented, kind: Kind, secret_hash: bytes) -> bool:
    """Whether a token is the one of a key, found out in a time that does not tell how near it came."""
    return hmac.compare_digest(hash_of(token.secret), secret_hash) and token.mark == _MARKS[kind].encode()


def hash_of(secret: bytes) -> bytes:
    """What is kept of a secret. One round without salt will do: nobody guesses 256 random bits."""
    return hashlib.sha256(secret).digest()
