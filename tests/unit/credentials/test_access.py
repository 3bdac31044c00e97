"""Whom a service lets in."""

from datetime import timedelta

import pytest

from shared.credentials.access import ANYBODY, Access
from shared.credentials.exposure import serves_only_this_machine
from shared.credentials.followed_keys import FollowedKeys
from shared.credentials.token import hash_of, presented
from shared.http.problems import Problem
from tests.credentials import NOON, Issuer, PublishedKeys, access, key, keys_in_force, take_keys


async def refused(asked: Access, authorization: str | None) -> Problem:
    with pytest.raises(Problem) as raised:
        await asked.admit(None if authorization is None else authorization.encode())
    return raised.value


async def test_before_any_key_was_made_a_machine_lets_in_itself_alone() -> None:
    assert await access().admit(None) == ANYBODY
    assert await access().admit(b"Bearer whatever") == ANYBODY
    closed = await refused(access(only_this_machine=False), None)
    assert (closed.status, closed.code) == (401, "unauthorized")


async def test_the_first_key_closes_the_door_and_its_revocation_does_not_open_it() -> None:
    followed = keys_in_force()
    asked = access(followed=followed)
    assert asked.open
    made = key(prefixes=("/store",))
    take_keys(followed, made)
    assert not asked.open
    assert (await refused(asked, None)).status == 401
    assert (await asked.admit(f"Bearer {made.token}".encode())).bearer == made.stored.bearer()
    take_keys(followed, revoked=1)
    assert not asked.open
    assert (await refused(asked, f"Bearer {made.token}")).status == 401


async def test_an_issuer_closes_the_door_too() -> None:
    issuer = Issuer()
    asked = access(tokens=PublishedKeys(issuer).tokens(), clock=lambda: NOON)
    assert not asked.open
    assert (await refused(asked, None)).status == 401
    admitted = await asked.admit(f"bearer {issuer.token()}".encode())
    assert admitted.bearer is not None
    assert admitted.bearer.name == "subject:kim"
    expired = await refused(asked, f"Bearer {issuer.token({'exp': 1})}")
    assert (expired.status, expired.headers["www-authenticate"]) == (
        401, 'Bearer realm="rapport", error="invalid_token"',
    )  # fmt: skip


async def test_nobody_comes_in_before_the_keys_were_read() -> None:
    async def away() -> None:
        raise OSError

    asked = access(followed=FollowedKeys(away))  # type: ignore[arg-type]
    for authorization in (None, f"Bearer {key().token}"):
        told = await refused(asked, authorization)
        assert (told.status, told.code, told.headers["retry-after"]) == (503, "database_unavailable", "1")


async def test_a_token_of_an_issuer_that_was_never_reached_is_to_be_sent_again() -> None:
    published = PublishedKeys()
    told = await refused(access(tokens=published.tokens()), f"Bearer {Issuer().token()}")
    assert (told.status, told.code) == (503, "issuer_unavailable")


async def test_a_key_with_another_secret_kind_or_form_is_refused() -> None:
    made, other = key(prefixes=("/a",)), key(prefixes=("/a",))
    asked = access(made, other)
    parts = presented(made.token.encode())
    assert parts is not None
    swapped = f"rap_src_{parts.key_id}_{other.token.rpartition('_')[2][-43:]}"
    forms = [
        f"Bearer {swapped}",
        f"Bearer {made.token.replace('rap_src', 'rap_rdr')}",
        f"Bearer {made.token[:-1]}",
        f"Bearer {made.token}x",
        f"Bearer {made.token.upper()}",
        f"Bearer rap_src_{parts.key_id}_{hash_of(parts.secret).hex()[:43]}",
        f"Basic {made.token}",
        made.token,
        "Bearer",
        "Bearer ",
        "",
    ]
    for form in forms:
        told = await refused(asked, form)
        assert (told.status, told.code) == (401, "unauthorized"), form
        assert told.headers["www-authenticate"].startswith('Bearer realm="rapport"')
        assert made.token not in told.detail
    for scheme in ("Bearer", "bearer", "BEARER"):
        assert (await asked.admit(f"{scheme}  {made.token} ".encode())).bearer is not None


async def test_a_limited_credential_is_told_how_it_stands_and_then_to_wait() -> None:
    now = [NOON]
    made = key(prefixes=("/a",), requests_per_minute=1)
    followed = keys_in_force(made)
    asked = access(followed=followed, clock=lambda: now[0])
    authorization = f"Bearer {made.token}"
    assert dict((await asked.admit(authorization.encode())).headers) == {
        b"ratelimit-policy": b'"credential";q=1;w=60', b"ratelimit": b'"credential";r=0;t=60',
    }  # fmt: skip
    told = await refused(asked, authorization)
    assert (told.status, told.code, told.headers["retry-after"]) == (429, "rate_limited", "60")
    assert told.headers["ratelimit"] == '"credential";r=0;t=60'
    take_keys(followed, made, key())
    assert (await refused(asked, authorization)).status == 429, "other keys' changes do not fill the bucket"
    now[0] += timedelta(seconds=60)
    await asked.admit(authorization.encode())


async def test_all_tokens_of_a_subject_share_one_limit_which_changes_of_keys_leave_alone() -> None:
    now = [NOON]
    issuer, followed = Issuer(), keys_in_force(key())
    tokens = PublishedKeys(issuer).tokens(requests_per_minute=1)
    asked = access(followed=followed, tokens=tokens, clock=lambda: now[0])
    authorization = f"Bearer {issuer.token()}"
    assert dict((await asked.admit(authorization.encode())).headers) == {
        b"ratelimit-policy": b'"credential";q=1;w=60', b"ratelimit": b'"credential";r=0;t=60',
    }  # fmt: skip
    take_keys(followed, key())
    for another in (authorization, f"Bearer {issuer.token({'roles': ['front_line']})}"):
        told = await refused(asked, another)
        assert (told.status, told.code, told.headers["retry-after"]) == (429, "rate_limited", "60")
        assert told.headers["ratelimit"] == '"credential";r=0;t=60'
    await asked.admit(f"Bearer {issuer.token({'sub': 'lee'})}".encode())
    now[0] += timedelta(seconds=60)
    await asked.admit(authorization.encode())


@pytest.mark.parametrize(
    ("host", "only_this_machine"),
    [
        ("127.0.0.1", True), ("127.8.9.1", True), ("::1", True), ("localhost", True), ("0.0.0.0", False),  # noqa: S104

        ("::", False), ("fe80::1%lo", False), ("10.0.0.1", False), ("no-such-host.invalid", False), ("", False),
    ],
)  # fmt: skip
def test_which_hosts_nobody_but_this_machine_reaches(host: str, only_this_machine: bool) -> None:  # noqa: FBT001
    assert serves_only_this_machine(host) is only_this_machine
