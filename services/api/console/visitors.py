"""Who looks at a screen: known by the session's cookie, or anybody on a machine where no key was made."""

from http.cookies import CookieError, SimpleCookie
from typing import Final, NamedTuple

from starlette.types import Scope

from services.api.access.purposes import PURPOSES, Purpose
from services.api.access.reader import ANYBODY, Reader, reader_of
from services.api.access.roles import Rights
from services.api.console.sessions import Session, Sessions
from services.api.database import DatabaseUnavailableError
from shared.clock import Clock
from shared.credentials.access import Access
from shared.credentials.bearer import Bearer
from shared.http.problems import Problem

COOKIE: Final = "__Host-rapport"
"""Browsers keep a cookie of this name only with Secure, for this very host and the path `/` (RFC 6265bis, 4.1.3.2)."""
_IN_SCOPE: Final = "rapport.visitor"


class Visitor(NamedTuple):
    """A person at a screen: what they may read, who they are to colleagues, whether they can sign out, and the
    department whose tasks they share.
    """

    reader: Reader
    staff: str | None
    signed_in: bool
    department: str | None = None

    def purpose(self, chosen: str | None) -> Purpose | None:
        """What they read for: what they chose, else the first purpose they have; None where they have none.

        A choice that is none of theirs is their first one: screens show what holds, and offer no other.
        """
        own = self.purposes
        return next((each for each in own if each == chosen), own[0] if own else None)

    @property
    def purposes(self) -> list[Purpose]:
        """All purposes that they may read for, in the order of the catalogue."""
        return [each for each in PURPOSES if each in self.reader.rights.purposes]


NOBODY: Final = Visitor(Reader("nobody", frozenset(), Rights(frozenset())), None, signed_in=False)
"""Who has not signed in, and may see nothing but the form for it."""


class Visitors:
    """Finds out who visits."""

    def __init__(self, access: Access, sessions: Sessions, clock: Clock) -> None:
        self._access = access
        self._sessions = sessions
        self._clock = clock

    async def of(self, scope: Scope) -> Visitor | None:
        """Who sent a request; None for somebody who has to sign in. Raises the problem 503 `database_unavailable`."""
        token = token_in(scope)
        if token is None:
            return Visitor(ANYBODY, None, signed_in=False) if self._access.open else None
        try:
            session = await self._sessions.of(token, self._clock())
        except DatabaseUnavailableError as error:
            raise Problem(
                503, "database_unavailable", f"{error}; try again", retry_after_seconds=1
            ) from error
        if self._access.open:
            return _visitor(ANYBODY, session)
        bearer = None if session is None else self._bearer(session)
        if session is None or bearer is None:
            return None
        return _visitor(reader_of(bearer), session)

    def _bearer(self, session: Session) -> Bearer | None:
        """Whoever signed in, as they may read now: a key that was revoked ends its sessions at once, and the first key
        those of an open door.
        """
        if session.bearer == ANYBODY.name:
            return None
        if session.bearer.startswith("key:"):
            return self._access.in_force(session.bearer)
        return Bearer(session.bearer, roles=session.roles, purposes=session.purposes)


def _visitor(reader: Reader, session: Session | None) -> Visitor:
    if session is None:
        return Visitor(reader, None, signed_in=False)
    return Visitor(reader, session.person.staff, signed_in=True, department=session.person.department)


def put_visitor(scope: Scope, visitor: Visitor) -> None:
    """Tells the screens who visits."""
    scope[_IN_SCOPE] = visitor


def visitor_in(scope: Scope, otherwise: Visitor | None = None) -> Visitor:
    """Who visits. There is one in every request that a screen gets; `otherwise` is for what comes before screens."""
    visitor: Visitor = scope[_IN_SCOPE] if otherwise is None else scope.get(_IN_SCOPE, otherwise)
    return visitor


def token_in(scope: Scope) -> str | None:
    """The token of the session's cookie, None without one."""
    sent = "; ".join(value.decode("latin-1") for name, value in scope["headers"] if name == b"cookie")
    try:
        morsel = SimpleCookie(sent).get(COOKIE)
    except CookieError:
        return None
    return None if morsel is None else morsel.value
