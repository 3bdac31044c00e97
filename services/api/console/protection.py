"""What keeps a page the console's own: headers on every answer, and writes from its own pages only.

The policy lets in nothing from elsewhere, no inline script and no inline style, and has the browser refuse strings
where scripts could come from (https://www.w3.org/TR/trusted-types/). `Sec-Fetch-Site` is what browsers tell of where a
request comes from (https://www.w3.org/TR/fetch-metadata/).
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from shared.http.problems import Problem

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'"
)
HEADERS: Final = (
    (b"content-security-policy", _POLICY.encode()),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"referrer-policy", b"same-origin"),  # `no-referrer` would take the origin from forms as well
    (b"x-content-type-options", b"nosniff"),
)
_READS: Final = frozenset({"GET", "HEAD"})


class Protected:
    """Runs the console behind both: refuses what another site sends, and marks every answer."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request. Raises the problem 403 `cross_site`."""

        async def marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message["headers"], *HEADERS]
            await send(message)

        await self._app(scope, receive, marked)


def check_same_origin(headers: Iterable[tuple[bytes, bytes]]) -> None:
    """Raises the problem 403 `cross_site` for a request that no page of this very address made.

    The origin is compared by host and port: where TLS ends in front of the service, it knows no scheme.
    """
    told = dict(headers)
    origin = urlsplit(told.get(b"origin", b"").decode("latin-1")).netloc
    host = told.get(b"host", b"").decode("latin-1")
    if told.get(b"sec-fetch-site") == b"same-origin" and origin and origin == host:
        return
    raise Problem(
        403,
        "cross_site",
        "this was not sent by a page of this console, so nothing was done; open the console itself and try again there",
    )


def reads_only(method: str) -> bool:
    """Whether a request changes nothing, so that a link from anywhere may make it."""
    return method in _READS
