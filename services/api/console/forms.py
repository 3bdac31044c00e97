"""What a page's form sent, as texts by name."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl

from starlette.requests import Request

from shared.http.problems import Problem

_MOST_FIELDS: Final = 50


async def form_of(request: Request) -> Mapping[str, str]:
    """The fields of a form, the last of each name. Raises the problem 422 `invalid_form` for what is none.

    The body is bounded before it comes here.
    """
    body = await request.body()
    try:
        fields = parse_qsl(
            body.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise Problem(
            422, "invalid_form", "what was sent is no form of this console; reload the page"
        ) from None
    return dict(fields)
