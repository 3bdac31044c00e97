"""Who is signed in: a row a session in `control.console_sessions`, so that any replica knows it.

The browser holds a random token and the row its SHA-256, so that whoever reads the table cannot be anybody.
"""

import secrets
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any, Final, NamedTuple

import asyncpg

from services.api.database import Database, unavailable
from shared.credentials.bearer import Bearer

MOST_HOURS: Final = 12
"""How long a session holds at most: a long shift."""
MOST_ENDED_A_SIGN_IN: Final = 1_000
_TOKEN_BYTES: Final = 32
_TOKEN_CHARACTERS: Final = 64

_BEGIN: Final = """
insert into control.console_sessions (token_hash, bearer, roles, purposes, staff, department, begun_at, ends_at)
values ($1, $2, $3, $4, $5, $6, $7, $8)
"""
_END: Final = "delete from control.console_sessions where token_hash = $1"
_FORGET: Final = f"""
delete from control.console_sessions where token_hash in (
    select token_hash from control.console_sessions where ends_at <= $1 order by ends_at limit {MOST_ENDED_A_SIGN_IN}
)
"""  # noqa: S608 - a fixed number
_FIND: Final = """
select bearer, roles, purposes, staff, department, ends_at from control.console_sessions
where token_hash = $1 and ends_at > $2
"""


class Person(NamedTuple):
    """What people say of themselves: their staff id, by which they act, and the department whose tasks they share."""

    staff: str | None
    department: str | None


class Session(NamedTuple):
    """Somebody who is signed in. `roles` and `purposes` are those of an issuer's token, as it said when it was shown;
    a key's are asked of the key itself at every request. `person` is who they say they are.
    """

    bearer: str
    roles: frozenset[str]
    purposes: frozenset[str] | None
    person: Person
    ends_at: datetime


class Sessions:
    """The sessions of a deployment. `connect` opens a connection that may write; it is closed after each use."""

    def __init__(self, database: Database, connect: Callable[[], Awaitable[asyncpg.Connection]]) -> None:
        self._database = database
        self._connect = connect

    async def begin(self, bearer: Bearer, person: Person, now: datetime, ends_at: datetime | None) -> str:
        """A new session's token; it ends after 12 hours, or with the credential where that ends before.

        Sessions that have run out are forgotten on the way. Raises `DatabaseUnavailableError`.
        """
        token = secrets.token_urlsafe(_TOKEN_BYTES)
        latest = now + timedelta(hours=MOST_HOURS)
        row = (
            _hash(token),
            bearer.name,
            sorted(bearer.roles),
            None if bearer.purposes is None else sorted(bearer.purposes),
            person.staff,
            person.department,
            now,
            latest if ends_at is None else min(latest, ends_at),
        )

        async def write(connection: asyncpg.Connection) -> None:
            await connection.execute(_FORGET, now)
            await connection.execute(_BEGIN, *row)

        await self._write(write)
        return token

    async def end(self, token: str) -> None:
        """Ends a session, which may have ended before. Raises `DatabaseUnavailableError`."""
        await self._write(lambda connection: connection.execute(_END, _hash(token)))

    async def of(self, token: str, now: datetime) -> Session | None:
        """The session of a token, None where it has ended or there never was one. Raises `DatabaseUnavailableError`."""
        if not token or len(token) > _TOKEN_CHARACTERS:
            return None
        row = await self._database.read(lambda connection: connection.fetchrow(_FIND, _hash(token), now))
        if row is None:
            return None
        purposes = None if row["purposes"] is None else frozenset(row["purposes"])
        person = Person(row["staff"], row["department"])
        return Session(row["bearer"], frozenset(row["roles"]), purposes, person, row["ends_at"])

    async def _write(self, query: Callable[[asyncpg.Connection], Awaitable[Any]]) -> None:
        try:
            connection = await self._connect()
            try:
                await query(connection)
            finally:
                await connection.close(timeout=1)
        except Exception as error:
            raise unavailable(error) from error


def _hash(token: str) -> bytes:
    return sha256(token.encode()).digest()
