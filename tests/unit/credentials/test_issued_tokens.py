"""Tokens of an issuer: which hold, whose they are, and why the others do not."""

import base64
import json
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization

from shared.credentials.bearer import Bearer
from shared.credentials.issued_tokens import Expected, IssuedTokens, TokenRefusedError
from shared.credentials.signing_keys import KeySetUnreadableError, SigningKeys, usable_keys
from tests.credentials import AUDIENCE, ISSUER, NOON, Issuer, PublishedKeys, key_set

OURS = Issuer()
OTHER = Issuer("k2", "EC")
T = NOON.timestamp()
Asking = Callable[..., Awaitable[Bearer]]


@pytest.fixture
def published() -> PublishedKeys:
    return PublishedKeys(OURS)


@pytest.fixture
def ask(published: PublishedKeys) -> Asking:
    tokens = published.tokens(leeway_seconds=30)

    async def asking(token: str, now: float = T) -> Bearer:
        return await tokens.bearer(token.encode(), now)

    return asking


async def test_a_token_gives_its_subject_its_roles_purposes_and_sources(ask: Asking) -> None:
    claims = {
        "roles": ["care", "front_line"], "rapport_purposes": ["greeting"], "rapport_sources": ["/store/1/", "/web"],
    }  # fmt: skip
    bearer = await ask(OURS.token(claims))
    assert bearer == Bearer(
        "subject:kim",
        ("/store/1", "/web"),
        roles=frozenset({"care", "front_line"}),
        purposes=frozenset({"greeting"}),
        ends_at=NOON + timedelta(hours=1),
    )
    assert await ask(OURS.token()) == Bearer("subject:kim", ends_at=NOON + timedelta(hours=1))


async def test_a_token_for_several_audiences_holds(ask: Asking) -> None:
    assert (await ask(OURS.token({"aud": ["other", AUDIENCE]}))).name == "subject:kim"


async def test_a_token_holds_until_its_expiry_and_the_leeway(ask: Asking) -> None:
    token = OURS.token({"exp": int(T) + 60})
    await ask(token, T + 89)
    with pytest.raises(TokenRefusedError, match="expired"):
        await ask(token, T + 90)
    with pytest.raises(TokenRefusedError, match="expired"):
        await ask(OURS.token({"exp": int(T) + 60}), T + 90)


@pytest.mark.parametrize("claim", ["nbf", "iat"])
async def test_a_token_does_not_hold_before_its_time(ask: Asking, claim: str) -> None:
    token = OURS.token({claim: int(T) + 60})
    with pytest.raises(TokenRefusedError, match="not valid yet"):
        await ask(token, T + 29)
    await ask(token, T + 30)


@pytest.mark.parametrize(
    ("claims", "reason"),
    [
        ({"aud": "another"}, "another audience"),
        ({"aud": [AUDIENCE.upper()]}, "another audience"),
        ({"iss": "https://evil.example.org/"}, "another issuer"),
        ({"iss": ISSUER.rstrip("/")}, "another issuer"),
        ({"exp": None}, "no claim 'exp'"),
        ({"sub": None}, "no claim 'sub'"),
        ({"aud": None}, "no claim 'aud'|audience"),
        ({"iss": None}, "no claim 'iss'"),
        ({"sub": ""}, "'sub'"),
        ({"exp": float("inf")}, "'exp'|form"),
        ({"exp": "never"}, "'exp'|form"),
        ({"exp": True}, "'exp'|form"),
        ({"roles": "care"}, "'roles'"),
        ({"roles": [1]}, "'roles'"),
        ({"rapport_sources": [""]}, "'rapport_sources'"),
        ({"rapport_purposes": {"greeting": True}}, "'rapport_purposes'"),
    ],
)
async def test_a_token_with_wrong_claims_does_not_hold(
    ask: Asking, claims: dict[str, Any], reason: str
) -> None:
    with pytest.raises(TokenRefusedError, match=reason):
        await ask(OURS.token(claims))


def unsigned(algorithm: str, signature: str = "") -> str:
    """Our token with another header, and no signature or one made up."""
    header = json.dumps({"alg": algorithm, "typ": "JWT", "kid": OURS.key_id}).encode()
    payload = OURS.token().split(".")[1]
    return f"{base64.urlsafe_b64encode(header).rstrip(b'=').decode()}.{payload}.{signature}"


@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", "", "HS256", "RS256"])
async def test_an_unsigned_token_does_not_hold(ask: Asking, algorithm: str) -> None:
    for signature in ("", "AAAA"):
        with pytest.raises(TokenRefusedError):
            await ask(unsigned(algorithm, signature))


async def test_a_token_signed_with_the_public_key_as_a_shared_secret_does_not_hold(ask: Asking) -> None:
    public = OURS.private.public_key().public_bytes(
        serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    claims = jwt.decode(OURS.token(), options={"verify_signature": False})
    head = base64.urlsafe_b64encode(json.dumps({"alg": "HS256", "kid": OURS.key_id}).encode()).rstrip(b"=")
    body = base64.urlsafe_b64encode(json.dumps(claims).encode()).rstrip(b"=")
    signed = jwt.algorithms.HMACAlgorithm(jwt.algorithms.HMACAlgorithm.SHA256)
    signature = base64.urlsafe_b64encode(signed.sign(head + b"." + body, public)).rstrip(b"=")
    with pytest.raises(TokenRefusedError, match="not signed by one of"):
        await ask(b".".join((head, body, signature)).decode())


async def test_a_token_signed_with_another_key_under_our_keys_name_does_not_hold(ask: Asking) -> None:
    for thief in (Issuer(), OTHER):
        with pytest.raises(TokenRefusedError, match="signature"):
            await ask(thief.token(key_id=OURS.key_id))


async def test_a_token_whose_claims_were_changed_does_not_hold(ask: Asking) -> None:
    head, _, signature = OURS.token().split(".")
    _, body, _ = OURS.token({"roles": ["care"]}).split(".")
    with pytest.raises(TokenRefusedError, match="signature"):
        await ask(f"{head}.{body}.{signature}")


@pytest.mark.parametrize("token", ["", ".", "..", "a.b.c", "x" * 10_000, "{}", "é.é.é", "rap_src_x_y"])
async def test_what_is_no_token_does_not_hold(ask: Asking, token: str) -> None:
    with pytest.raises(TokenRefusedError):
        await ask(token)


async def test_an_unknown_key_is_looked_for_once_in_ten_seconds_however_many_ask(
    published: PublishedKeys,
) -> None:
    tokens = published.tokens()
    await tokens.bearer(OURS.token().encode(), T)
    for _ in range(3):
        with pytest.raises(TokenRefusedError, match="does not publish"):
            await tokens.bearer(OTHER.token().encode(), T)
    assert published.reads == 1
    published.text = key_set(OURS, OTHER)
    published.seconds += 10
    assert (await tokens.bearer(OTHER.token().encode(), T)).name == "subject:kim"
    assert published.reads == 2


async def test_tokens_of_a_key_that_the_issuer_takes_back_hold_no_longer(published: PublishedKeys) -> None:
    tokens = published.tokens()
    token = OURS.token().encode()
    await tokens.bearer(token, T)
    published.text = key_set(OTHER)
    published.seconds += 10
    await tokens.bearer(OTHER.token().encode(), T)
    with pytest.raises(TokenRefusedError, match="does not publish"):
        await tokens.bearer(token, T)


async def test_keys_go_on_holding_while_the_issuer_is_away(published: PublishedKeys) -> None:
    tokens = published.tokens()
    await tokens.bearer(OURS.token().encode(), T)
    published.text = b"<html>502</html>"
    published.seconds += 10
    with pytest.raises(TokenRefusedError, match="does not publish"):
        await tokens.bearer(OTHER.token().encode(), T)
    assert published.reads == 2
    await tokens.bearer(OURS.token({"sub": "ann"}).encode(), T)


async def test_nothing_is_known_before_the_issuers_keys_are_read() -> None:
    async def away() -> bytes:
        raise KeySetUnreadableError("nobody answers")

    tokens = IssuedTokens(SigningKeys(away, lambda: 0.0), Expected(ISSUER, AUDIENCE, 0))
    with pytest.raises(TokenRefusedError):
        await tokens.bearer(OURS.token().encode(), T)
    assert not tokens.known


def test_shared_secrets_and_keys_to_encrypt_with_are_left_out_of_a_key_set() -> None:
    secret = {"kty": "oct", "k": "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0LXNlY3JldA", "kid": "s", "alg": "HS256"}
    encrypting = {**OTHER.public(), "use": "enc"}
    keys = json.dumps({"keys": [secret, encrypting, OURS.public()]}).encode()
    assert set(usable_keys(keys)) == {OURS.key_id}


@pytest.mark.parametrize(
    "text", [b"", b"[]", b"{}", b'{"keys": []}', b'{"keys": 3}', b"\xff", b'{"keys": [{"kty": "oct"}]}']
)
def test_what_is_no_key_set_is_told(text: bytes) -> None:
    with pytest.raises(KeySetUnreadableError):
        usable_keys(text)
