"""The `dataschema` attribute: `urn:rapport:TYPE:VERSION`."""

import re

from shared.events.refusal import UnknownVersionError

_URN = re.compile(r"urn:rapport:([a-z_.]{1,64}):([1-9][0-9]{0,3})")


def data_schema(event_type: str, version: int) -> str:
    """The URN of a type's version."""
    return f"urn:rapport:{event_type}:{version}"


def version_named_by(dataschema: str | None, event_type: str) -> int | None:
    """The version that a posted event asks for; None, which means the newest, where it has no `dataschema`.

    Raises `UnknownVersionError` for what is no such URN and for one of another type.
    """
    if dataschema is None:
        return None
    match = _URN.fullmatch(dataschema)
    if match is None or match[1] != event_type:
        raise UnknownVersionError(
            f"dataschema: not urn:rapport:{event_type}:VERSION; leave it out to mean the newest version",
            "/dataschema",
        )
    return int(match[2])
