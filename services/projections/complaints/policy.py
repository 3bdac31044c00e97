"""What an organisation promises complainants: how soon, by severity and place, in whose working time."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from services.projections.complaints.working_calendar import WorkingCalendar
from shared.events.complaint import Severity

DEFAULT_POLICY = "default"
"""The policy of complaints whose location no other policy applies to."""


@dataclass(frozen=True, slots=True)
class Targets:
    """How soon, in seconds: `first_response` and `resolution` of working time, `final_response` of calendar time.

    `summary_resolution` is a number of business days. None: there is no such clock.
    """

    first_response: int
    resolution: int
    final_response: int | None
    summary_resolution: int | None


@dataclass(frozen=True, slots=True)
class Policy:
    """The targets of each severity, in one calendar, for the locations below those it applies to."""

    name: str
    calendar: WorkingCalendar
    applies_to: tuple[str, ...]
    targets: Mapping[Severity, Targets]


@dataclass(frozen=True)
class Policies:
    """All policies and calendars of one version, by name; one of the policies is `DEFAULT_POLICY`."""

    version: str
    calendars: Mapping[str, WorkingCalendar]
    by_name: Mapping[str, Policy]

    def policy_for(self, location: str | None) -> Policy:
        """The policy that names the location, or else the nearest unit above it; the default one for all others."""
        place = location
        while place:
            if place in self._by_place:
                return self._by_place[place]
            place = place.rpartition("/")[0]
        return self.by_name[DEFAULT_POLICY]

    @cached_property
    def _by_place(self) -> Mapping[str, Policy]:
        return {place: policy for policy in self.by_name.values() for place in policy.applies_to}
