"""The four ways CloudEvents come over HTTP, each taken apart into events in structured JSON."""

import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from io import BytesIO
from typing import Any, Final, TypeVar
from urllib.parse import unquote_to_bytes

import msgspec
from msgspec import Raw, Struct

from services.ingest.limits import Limits, too_many
from shared.http.problems import Problem
from shared.refusal import Refusal

T = TypeVar("T")
SentEvent = Raw | Refusal
"""One event of a request as JSON text, or why it cannot even be that."""

ACCEPTED_TYPES: Final = (
    "application/cloudevents+json",
    "application/cloudevents-batch+json",
    "application/json",
    "application/x-ndjson",
)
_ACCEPT_POST: Final = {"accept-post": ", ".join(ACCEPTED_TYPES)}
_ESCAPE: Final = re.compile(
    rb"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}"
    rb"|(?P<lone>u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)
_QUOTED_PAIR: Final = re.compile(rb"\\(.)", re.DOTALL)
_LEAST_BYTES_A_COMMA: Final = 16  # no batch of events has its commas closer than that


class _AnyObject(Struct, gc=False):
    """A JSON object of which nothing is kept."""


_one = msgspec.json.Decoder(Raw)
_array = msgspec.json.Decoder(list[Raw])
_objects = msgspec.json.Decoder(list[_AnyObject])


def events_in(headers: Mapping[bytes, bytes], body: bytes, limits: Limits) -> Sequence[SentEvent]:
    """The events of a request in the order sent; `headers` have lower-case names.

    Raises `Problem`: 415 `unsupported_media_type`, 400 `invalid_json`, 413 `too_large` for too many events.
    """
    media_type, charset = _media_type(headers.get(b"content-type", b""))
    if charset not in ("", "utf-8", "us-ascii"):
        raise _unsupported(f"charset {charset} is not understood; send UTF-8")
    if _is_binary_mode(headers, media_type):
        return [_binary_event(headers, media_type, body)]
    split = _SPLIT_BY_TYPE.get(media_type)
    if split is None:
        named = f"Content-Type {media_type}" if media_type else "a request without Content-Type"
        raise _unsupported(f"{named} is not understood; send one of {', '.join(ACCEPTED_TYPES)}")
    _refuse_bad_utf8(body)
    events = split(body, limits)
    if len(events) > limits.request_events:
        raise too_many(limits)
    return events


@lru_cache(maxsize=256)
def _media_type(content_type: bytes) -> tuple[str, str]:
    media_type, *parameters = content_type.decode("latin-1").lower().split(";")
    charset = next(
        (p.partition("=")[2].strip(' "') for p in parameters if p.strip().startswith("charset=")), ""
    )
    return media_type.strip()[:80], charset[:40]


def _is_binary_mode(headers: Mapping[bytes, bytes], media_type: str) -> bool:
    if b"ce-specversion" not in headers and b"ce-id" not in headers and b"ce-type" not in headers:
        return False
    return not media_type.startswith("application/cloudevents")


def _one_event(body: bytes, limits: Limits) -> Sequence[SentEvent]:
    del limits
    return [_one_value(body)]


def _one_value(text: bytes) -> Raw:
    try:
        _one.decode(text)
    except (msgspec.DecodeError, RecursionError):
        mended = _without_lone_surrogates(text)
        _json(_one.decode, mended)
    return Raw(text)


def _event_array(body: bytes, limits: Limits) -> Sequence[SentEvent]:
    commas = body.count(b",")
    if commas > limits.request_events and commas * _LEAST_BYTES_A_COMMA > len(body):
        _refuse_flood(body, limits)
    try:
        return _json(_array.decode, body)
    except Problem:
        mended = _without_lone_surrogates(body)
        if mended == body:
            raise
        return _same_places(body, mended, _json(_array.decode, mended))
    except msgspec.ValidationError:
        raise _invalid("the body has to be an array of events") from None


def _same_places(body: bytes, mended: bytes, values: Sequence[Raw]) -> Sequence[SentEvent]:
    """The values as sent: `mended` is as long as `body` at every place."""
    events: list[SentEvent] = []
    end = 0
    for value in values:
        start = mended.index(value, end)
        end = start + len(value)
        events.append(Raw(body[start:end]))
    return events


def _refuse_flood(body: bytes, limits: Limits) -> None:
    """Counts values in a form that takes little memory: millions of them fit into one request."""
    try:
        count = len(_json(_objects.decode, body))
    except msgspec.ValidationError:
        raise _invalid("the body has to be an array of events, which are JSON objects") from None
    if count > limits.request_events:
        raise too_many(limits)


def _one_event_or_array(body: bytes, limits: Limits) -> Sequence[SentEvent]:
    return _event_array(body, limits) if body.lstrip()[:1] == b"[" else _one_event(body, limits)


def _event_lines(body: bytes, limits: Limits) -> Sequence[SentEvent]:
    events: list[SentEvent] = []
    for number, line in enumerate(BytesIO(body), start=1):
        if len(events) > limits.request_events or number > 2 * limits.request_events + 2:
            raise too_many(limits)
        if line.isspace():
            continue
        try:
            events.append(_one_value(line))
        except Problem as problem:
            raise _invalid(f"line {number}: {problem.detail}") from None
    return events


_SPLIT_BY_TYPE: Final[dict[str, Callable[[bytes, Limits], Sequence[SentEvent]]]] = {
    "application/cloudevents+json": _one_event,
    "application/cloudevents-batch+json": _event_array,
    "application/json": _one_event_or_array,
    "application/x-ndjson": _event_lines,
}


def _binary_event(headers: Mapping[bytes, bytes], media_type: str, body: bytes) -> SentEvent:
    """CloudEvents' binary mode: attributes in `ce-` headers, percent-encoded; the body is `data`."""
    if media_type and media_type != "application/json" and not media_type.endswith("+json"):
        raise _unsupported(f"Content-Type {media_type} is not understood in binary mode; send JSON data")
    event: dict[str, Any] = {}
    for name, value in headers.items():
        if not name.startswith(b"ce-"):
            continue
        attribute = name[3:].decode("ascii", "replace")
        text = _attribute_text(value)
        if text is None:
            detail = f"{attribute}: the header's percent-encoded value is not UTF-8"
            return Refusal("schema_violation", detail, f"/{attribute}")
        event[attribute] = text
    if media_type:
        event["datacontenttype"] = media_type
    if body:
        _refuse_bad_utf8(body)
        event["data"] = _one_value(body)
    return Raw(msgspec.json.encode(event))


def _attribute_text(value: bytes) -> str | None:
    if len(value) > 1 and value[:1] == value[-1:] == b'"':
        value = _QUOTED_PAIR.sub(rb"\1", value[1:-1])
    try:
        return unquote_to_bytes(value).decode()
    except UnicodeDecodeError:
        return None


def _json(decode: Callable[[bytes], T], body: bytes) -> T:
    """What `decode` makes of JSON text. Raises `Problem` 400 where it is none; `ValidationError` passes."""
    try:
        return decode(body)
    except msgspec.ValidationError:
        raise
    except RecursionError:
        raise _invalid("it is nested too deeply") from None
    except msgspec.DecodeError as error:
        raise _invalid(str(error) if body.strip() else "it is empty") from None


def _without_lone_surrogates(text: bytes) -> bytes:
    """JSON of the same length with another character for each half of a surrogate pair.

    Such halves are good JSON but no text: they have to cost their own event, not the whole request, so events
    are told apart without them.
    """
    return _ESCAPE.sub(lambda escape: b"\\u0000" if escape["lone"] else escape[0], text)


def _refuse_bad_utf8(body: bytes) -> None:
    if not body.isascii():
        try:
            body.decode()
        except UnicodeDecodeError as error:
            raise _invalid(f"byte {error.start} is not UTF-8") from None


def _invalid(reason: str) -> Problem:
    return Problem(400, "invalid_json", f"the body is not valid JSON: {reason}; nothing was accepted")


def _unsupported(reason: str) -> Problem:
    return Problem(415, "unsupported_media_type", reason, headers=_ACCEPT_POST)
