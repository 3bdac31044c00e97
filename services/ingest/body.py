"""Reading a request's body: bounded while it streams, and inflated no further than the bound."""

import zlib
from collections.abc import Callable
from typing import Final

import zstandard
from starlette.types import Receive

from services.ingest.limits import BodyMemory, Limits, too_large
from shared.http.problems import Problem

_MOST_FRAMES: Final = 64
_ZSTD_WINDOW_BYTES: Final = 8 * 1024 * 1024  # what RFC 8878 asks every decoder to support
_STEP_BYTES: Final = 64 * 1024


class ClientGoneError(Exception):
    """The client hung up before its request was complete: there is nobody to answer."""


class Body:
    """The body of one request, and what it holds of the common memory until `release`."""

    def __init__(self, memory: BodyMemory, limits: Limits) -> None:
        self._memory = memory
        self._limits = limits
        self._held_bytes = 0

    async def read(self, receive: Receive, encoding: bytes, declared_bytes: int) -> bytes:
        """The whole body, decompressed by `encoding`, a value of `Content-Encoding`.

        Raises `ClientGoneError`, and `Problem`: 413 `too_large`, 415 `unsupported_media_type`,
        400 `invalid_json` for a broken compressed stream, 503 `overloaded`.
        """
        inflate = _inflater(encoding) if encoding else None
        # What does not compress grows a little, so a compressed body may be that much over the bound.
        most_bytes = self._limits.request_bytes if inflate is None else self._limits.request_bytes * 65 // 64
        if declared_bytes > most_bytes:
            raise too_large(self._limits)
        chunks: list[bytes] = []
        size_bytes = 0
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise ClientGoneError
            chunk: bytes = message.get("body", b"")
            size_bytes += len(chunk)
            if size_bytes > most_bytes:
                raise too_large(self._limits)
            self._hold(len(chunk))
            chunks.append(chunk)
            more = message.get("more_body", False)
        sent = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        if inflate is None:
            return sent
        body = inflate(sent, self._limits)
        self._hold(len(body))
        return body

    def release(self) -> None:
        """Gives the memory back. May be repeated."""
        self._memory.release(self._held_bytes)
        self._held_bytes = 0

    def _hold(self, size_bytes: int) -> None:
        self._memory.hold(size_bytes)
        self._held_bytes += size_bytes


def _inflater(encoding: bytes) -> Callable[[bytes, Limits], bytes] | None:
    name = encoding.strip().lower()
    if name in (b"", b"identity"):
        return None
    if name in (b"gzip", b"x-gzip"):
        return _gunzip
    if name == b"zstd":
        return _unzstd
    detail = (
        f"Content-Encoding {encoding[:40].decode('latin-1')!r} is not understood; send gzip, zstd or none"
    )
    raise Problem(415, "unsupported_media_type", detail, headers={"accept-encoding": "gzip, zstd"})


def _gunzip(compressed: bytes, limits: Limits) -> bytes:
    inflated: list[bytes] = []
    left_bytes = limits.request_bytes
    for _ in range(_MOST_FRAMES):
        member = zlib.decompressobj(wbits=31)
        try:
            inflated.append(member.decompress(compressed, left_bytes + 1))
        except zlib.error as error:
            raise _broken("gzip", str(error)) from error
        left_bytes -= len(inflated[-1])
        if left_bytes < 0:
            raise too_large(limits)
        if not member.eof:
            raise _broken("gzip", "it ends too early")
        compressed = member.unused_data
        if not compressed:
            return b"".join(inflated)
    raise _broken("gzip", f"it has more than {_MOST_FRAMES} members")


def _unzstd(compressed: bytes, limits: Limits) -> bytes:
    try:
        _refuse_zstd_bomb(compressed, limits)
        inflated: list[bytes] = []
        for _ in range(_MOST_FRAMES):
            frame = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES).decompressobj()
            inflated.append(frame.decompress(compressed))
            if not frame.eof:
                raise _broken("zstd", "it ends too early")
            compressed = frame.unused_data
            if not compressed:
                return b"".join(inflated)
    except zstandard.ZstdError as error:
        raise _broken("zstd", str(error)) from error
    raise _broken("zstd", f"it has more than {_MOST_FRAMES} frames")


def _refuse_zstd_bomb(compressed: bytes, limits: Limits) -> None:
    """Inflates step by step and keeps nothing: the decompressor that tells truncation has no bound."""
    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW_BYTES)
    left_bytes = limits.request_bytes
    with decompressor.stream_reader(compressed, read_across_frames=True) as reader:
        while step := reader.read(_STEP_BYTES):
            left_bytes -= len(step)
            if left_bytes < 0:
                raise too_large(limits)


def _broken(encoding: str, reason: str) -> Problem:
    return Problem(400, "invalid_json", f"the body is not valid {encoding}: {reason}; nothing was accepted")
