"""Who reads, as the routes ask for it: which calls it may make, and for what it may read personal data."""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final, get_args

from fastapi import Request
from starlette.types import Scope

from services.api.access.calls import Part, part_of
from services.api.access.purposes import (
    FOR_SCORES,
    PURPOSES,
    SCORES,
    Disclosed,
    Purpose,
    opened_for,
    purpose_named,
)
from services.api.access.roles import Rights, rights_of
from shared.credentials.bearer import Bearer
from shared.http.problems import Problem

_IN_SCOPE: Final = "rapport.reader"
_REMEMBERED: Final = 1024


@dataclass(frozen=True, slots=True)
class Reader:
    """A client with its rights. `name` is what the access record calls it."""

    name: str
    roles: frozenset[str]
    rights: Rights

    def check_call(self, method: str, route: str) -> None:
        """Raises the problem 403 `forbidden_call` for a call that none of its roles has."""
        if part_of(method, route) not in self.rights.parts:
            roles = ", ".join(sorted(self.roles)) or "none"
            detail = f"the roles of this credential ({roles}) do not include this call; it takes another one"
            raise Problem(403, "forbidden_call", detail)

    def purpose(self, named: str | None) -> Purpose | None:
        """The purpose that a request names, None where it names none, and then reads no personal data.

        Raises the problems 422 `invalid_parameter` and 403 `forbidden_purpose`.
        """
        purpose = purpose_named(named)
        if purpose is not None and purpose not in self.rights.purposes:
            allowed = ", ".join(each for each in PURPOSES if each in self.rights.purposes) or "none"
            detail = f"this credential may not read for {purpose}; its purposes: {allowed}"
            raise Problem(403, "forbidden_purpose", detail)
        return purpose

    def purpose_of_scores(self, named: str | None) -> Purpose:
        """The purpose of a request for scores; where it names none, the first that the credential has and opens them.

        So a read of them is always for something. Raises the problems 422 `invalid_parameter` and 403
        `forbidden_purpose`.
        """
        purpose = self.purpose(named) or next(
            (each for each in FOR_SCORES if each in self.rights.purposes), None
        )
        if purpose is None:
            wanted = ", ".join(FOR_SCORES)
            detail = (
                f"this credential has none of the purposes that open scores ({wanted}); it takes another one"
            )
            raise Problem(403, "forbidden_purpose", detail)
        return purpose

    def opened(self, purpose: Purpose | None) -> frozenset[Disclosed]:
        """What a purpose opens to this reader, consent given: scores only to one who may ask for scores."""
        opened = opened_for(purpose)
        return opened if "scores" in self.rights.parts else opened - {SCORES}


ANYBODY: Final = Reader("anybody", frozenset(), Rights(frozenset(get_args(Part)), frozenset(PURPOSES)))
"""Whoever comes through an open door, on a machine where no key was made yet."""


def reader_of(bearer: Bearer | None) -> Reader:
    """The reader that a bearer is; None stands for anybody."""
    if bearer is None:
        return ANYBODY
    return Reader(bearer.name, bearer.roles, _rights(bearer.roles, bearer.purposes))


_rights = lru_cache(maxsize=_REMEMBERED)(rights_of)


def put_reader(scope: Scope, reader: Reader) -> None:
    """Tells the routes who reads."""
    scope[_IN_SCOPE] = reader


def reader_in(scope: Scope) -> Reader:
    """Who reads. There is one in every request that a route of the API gets."""
    reader: Reader = scope[_IN_SCOPE]
    return reader


async def check_call(request: Request) -> None:
    """A dependency of every route of the framework. Raises the problem 403 `forbidden_call`."""
    scope = request.scope
    reader_in(scope).check_call(scope["method"], scope["route"].path_format)
