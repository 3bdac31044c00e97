"""The console's own styles and scripts, read once, each at an address that changes with its content.

A script names another as `{{name}}`, which becomes that one's address: so a browser that keeps files for ever never
joins an old one to a new one.
"""

import gzip
import re
from collections.abc import Mapping
from hashlib import sha256
from importlib.resources import files
from typing import Final, NamedTuple

from starlette.requests import Request
from starlette.responses import Response

from shared.http.problems import Problem

PREFIX: Final = "/console/assets"
_TYPES: Final[Mapping[str, str]] = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}
_NAMED: Final = re.compile(rb"\{\{([a-z_]+\.js)\}\}")
_FOREVER: Final = "public, max-age=31536000, immutable"


_REFUSED: Final = re.compile(r"gzip\s*;\s*q\s*=\s*0(\.0*)?\s*(,|$)")


class _Asset(NamedTuple):
    address: str
    content: bytes
    packed: bytes
    media_type: str


class Assets:
    """All files of `static`, which are few and small."""

    def __init__(self) -> None:
        self._contents = {
            file.name: file.read_bytes()
            for file in files("services.api.console").joinpath("static").iterdir()
        }
        self._by_name: dict[str, _Asset] = {}
        for name in self._contents:
            self._add(name)
        self._by_address = {each.address: each for each in self._by_name.values()}

    def address(self, name: str) -> str:
        """Where pages find a file. Raises `KeyError` for one that there is not."""
        return self._by_name[name].address

    def _add(self, name: str) -> _Asset:
        """A file with those it names before it. Raises `KeyError` for one that names another that there is not, and
        `RecursionError` for files that name each other.
        """
        if name not in self._by_name:
            content = _NAMED.sub(
                lambda named: self._add(named[1].decode()).address.encode(), self._contents[name]
            )
            self._by_name[name] = _asset(name, content)
        return self._by_name[name]

    async def serve(self, request: Request) -> Response:
        """A file, packed where the browser takes that, to be kept for as long as it likes.

        Raises the problem 404 `not_found`.
        """
        asset = self._by_address.get(request.url.path)
        if asset is None:
            raise Problem(404, "not_found", "there is no such file; reload the page")
        headers = {"cache-control": _FOREVER, "vary": "accept-encoding"}
        if not _takes_gzip(request.headers.get("accept-encoding", "")):
            return Response(asset.content, media_type=asset.media_type, headers=headers)
        headers["content-encoding"] = "gzip"
        return Response(asset.packed, media_type=asset.media_type, headers=headers)


def _asset(name: str, content: bytes) -> _Asset:
    stem, _, ending = name.rpartition(".")
    address = f"{PREFIX}/{stem}.{sha256(content).hexdigest()[:16]}.{ending}"
    return _Asset(address, content, gzip.compress(content, mtime=0), _TYPES[ending])


def _takes_gzip(accepted: str) -> bool:
    """Whether an `Accept-Encoding` names gzip and does not refuse it (RFC 9110, 12.5.3)."""
    return "gzip" in accepted.lower() and _REFUSED.search(accepted.lower()) is None
