"""`/console/sign-in` and `/console/sign-out`: a credential of the API becomes a session of this browser."""

from collections.abc import Mapping
from typing import Any, Final

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from services.api.access.reader import ANYBODY
from services.api.console.forms import form_of
from services.api.console.pages import Pages
from services.api.console.sessions import Person, Sessions
from services.api.console.visitors import COOKIE, token_in
from services.api.database import DatabaseUnavailableError
from shared.clock import Clock
from shared.credentials.access import Access
from shared.credentials.bearer import Bearer
from shared.http.problems import Problem

SIGN_IN: Final = "/console/sign-in"
HOME: Final = "/console/"
_MOST_CHARACTERS: Final = 128
"""Of a staff id, and of a department, as tasks name them."""
_TEMPLATE: Final = "sign_in.html.j2"
_UNAUTHORIZED: Final = 401


class SignIn:
    """Lets people in and out."""

    def __init__(self, access: Access, sessions: Sessions, pages: Pages, clock: Clock) -> None:
        self._access = access
        self._sessions = sessions
        self._pages = pages
        self._clock = clock

    async def show(self, request: Request) -> Response:
        """The form. `next` is where to go on to afterwards, a path of the console."""
        onward = own_path(request.query_params.get("next"))
        return self._pages.page(_TEMPLATE, self._given(onward, {}, None))

    async def begin(self, request: Request) -> Response:
        """Takes the credential. One that does not hold is answered with the form, and the reason in words."""
        form = await form_of(request)
        onward = own_path(form.get("next"))
        credential = form.get("credential", "").strip()
        try:
            bearer = await self._admitted(credential)
            person = Person(_told(form, "staff") or _subject(bearer), _told(form, "department"))
            token = await self._sessions.begin(bearer, person, self._clock(), bearer.ends_at)
        except Problem as problem:
            return self._pages.page(_TEMPLATE, self._given(onward, form, _in_words(problem)), problem.status)
        except DatabaseUnavailableError as error:
            return self._pages.page(_TEMPLATE, self._given(onward, form, f"{error}; try again"), 503)
        response = RedirectResponse(onward, 303)
        response.set_cookie(COOKIE, token, path="/", secure=True, httponly=True, samesite="strict")
        return response

    async def end(self, request: Request) -> Response:
        """Ends the session, and shows the form."""
        token = token_in(request.scope)
        if token is not None:
            await self._sessions.end(token)
        response = RedirectResponse(SIGN_IN, 303)
        response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="strict")
        return response

    def _given(self, onward: str, form: Mapping[str, str], refused: str | None) -> dict[str, Any]:
        return {
            "next": onward,
            **{name: form.get(name, "").strip()[:_MOST_CHARACTERS] for name in ("staff", "department")},
            "refused": refused,
            "open": self._access.open,
        }

    async def _admitted(self, credential: str) -> Bearer:
        """Whose credential it is. Where no key was made yet there is none to show: people say who they are, no more."""
        if self._access.open:
            return Bearer(ANYBODY.name)
        if not credential.isascii() or not credential.isprintable() or not credential:
            raise _refused("type or paste your key or token; it has visible ASCII characters alone")
        bearer = (await self._access.admit(b"Bearer " + credential.encode())).bearer
        if bearer is None:
            raise _refused("the first key was made just now; try again")
        return bearer


def _told(form: Mapping[str, str], name: str) -> str | None:
    """What somebody wrote of themselves, None for nothing. Raises the problem 422 for too much."""
    told = form.get(name, "").strip()
    if len(told) > _MOST_CHARACTERS:
        raise _refused(f"{name} has at most {_MOST_CHARACTERS} characters")
    return told or None


def own_path(path: str | None) -> str:
    """A path of the console, as it was given; any other address is the first screen's."""
    if (
        path is None
        or not path.startswith(HOME)
        or "\\" in path
        or not path.isprintable()
        or not path.isascii()
    ):
        return HOME
    return path


def _subject(bearer: Bearer) -> str | None:
    """Who acts where nobody says so: the person that an issuer's token is of. A key may be a whole desk's."""
    kind, _, name = bearer.name.partition(":")
    return name if kind == "subject" else None


def _in_words(problem: Problem) -> str:
    """Why somebody is not let in, for people: programs are told which header to send instead."""
    if problem.status != _UNAUTHORIZED:
        return problem.detail
    return f"{problem.detail.partition(';')[0]}; ask for another one where you got it from"


def _refused(why: str) -> Problem:
    return Problem(422, "invalid_sign_in", why)
