"""What reading a complaint takes besides a connection."""

from dataclasses import dataclass

from services.projections.complaints.policies_in_force import PoliciesInForce
from services.projections.history.reading import Decode


@dataclass(frozen=True, slots=True)
class CaseReads:
    """The policies that complaints are judged by, and how the journal's events are decoded."""

    policies: PoliciesInForce
    decode: Decode
