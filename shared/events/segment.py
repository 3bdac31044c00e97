"""Segments of customers, as rules that are evaluated when they are read."""

from typing import Annotated, Any

from msgspec import Meta

from shared.events.data import EventData, KeyedBy
from shared.events.vocabulary import Reference

SegmentVersion = Annotated[int, Meta(ge=1, le=2**31 - 1)]


class SegmentDefined(EventData, frozen=True, kw_only=True):
    """Somebody defined a segment, or changed it under a new `version`; the highest version is the one in force."""

    TYPE = "segment.defined"
    CUSTOMER_REQUIRED = False
    CUSTOMER_ALLOWED = False

    segment_id: Reference
    version: SegmentVersion
    rule: dict[str, Any]

    def keyed_by(self) -> KeyedBy:
        """The segment."""
        return KeyedBy("segment", self.segment_id)
