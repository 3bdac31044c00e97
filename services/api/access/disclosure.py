"""What one request is shown of personal data: opened for its purpose, noted, and on record before it leaves."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from starlette.types import Scope

from services.api.access.purposes import (
    CATEGORIES,
    DISCLOSED,
    NEEDS_CONSENT,
    PURPOSES,
    SCORES,
    Disclosed,
    Purpose,
)
from services.api.access.reader import Reader, reader_in
from services.api.access.recorded_reads import NotRecordedError, ReadOfPersonalData, RecordedReads
from services.projections.personal_parts import PersonalPart, put_back
from services.projections.read_models import consents
from shared.clock import Clock
from shared.field_cipher import Sealing
from shared.http.problems import Problem
from shared.personal_data.key_store import KeyStoreUnavailableError
from shared.personal_data.opener import Opener, SealedValue

PURPOSE_PARAMETER: Final[dict[str, Any]] = {
    "name": "purpose",
    "in": "query",
    "description": "what the read is for: it decides which personal data is shown, and the read is recorded. Without "
    "one none is. `withheld` names the categories that stay closed",
    "required": False,
    "schema": {"type": "string", "enum": list(PURPOSES)},
}
SCORES_PURPOSE_PARAMETER: Final[dict[str, Any]] = {
    **PURPOSE_PARAMETER,
    "description": "what the read is for; `analysis`, `greeting` and `marketing` open scores, and where none is named "
    "it is the first of these that the credential has. The read is recorded",
}
PURPOSE_PROBLEMS: Final = {403: ["forbidden_call", "forbidden_purpose"]}
"""Problems of a call that takes a purpose."""
UNOPENED: Final = ("key_store_unavailable", "access_not_recorded")
"""Codes of a 503 for want of keys, or of a place to record the read."""
_RETRY_SECONDS: Final = 1


class Disclosure:
    """Of one request. `withheld` are the categories that its document could hold and the purpose does not open.

    It names them whether there is anything of theirs or not: that there is something would say too much already.
    """

    def __init__(
        self,
        reader: Reader,
        purpose: Purpose | None,
        holds: Collection[Disclosed],
        process: "Disclosures",
        call: str,
    ) -> None:
        self.purpose = purpose
        self._reader = reader
        self._holds = holds
        self._process = process
        self._call = call
        self._opened = reader.opened(purpose) & frozenset(holds)
        self._noted: dict[str, set[Disclosed]] = {}

    @property
    def opens(self) -> bool:
        """Whether anything is to be opened at all."""
        return bool(self._opened)

    @property
    def opens_scores(self) -> bool:
        """Whether scores are to be shown, of customers who consented to profiling."""
        return SCORES in self._opened

    @property
    def withheld(self) -> list[Disclosed]:
        """What stays closed, in the order of the catalogue."""
        return [each for each in DISCLOSED if each in self._holds and each not in self._opened]

    async def ask_consent(self, connection: Any, parties: Sequence[str]) -> None:
        """Opens nothing of a customer without the consent that the purpose needs. Raises asyncpg's errors."""
        self._noted = {}
        self._opened = self._reader.opened(self.purpose) & frozenset(self._holds)
        if self.purpose in NEEDS_CONSENT and self._opened:
            words = await consents.consents_of(connection, parties)
            if not consents.is_granted_anywhere(words, "marketing"):
                self._opened = frozenset()

    async def open(self, shown_of: Sequence[tuple[str, SealedValue]]) -> list[Any]:
        """The values, each with the customer or case that the record is to name; None for what stays closed or is gone.

        Raises the problem 503 `key_store_unavailable`.
        """
        wanted = [each for each in shown_of if each[1].sealing.category in self._opened]
        try:
            opened = await self._process.opener.open([value for _, value in wanted])
        except KeyStoreUnavailableError as error:
            detail = f"personal data cannot be opened now: {error}; send it again"
            raise Problem(503, "key_store_unavailable", detail, retry_after_seconds=_RETRY_SECONDS) from error
        found = iter(opened)
        values: list[Any] = []
        for subject, sealed in shown_of:
            value = next(found) if sealed.sealing.category in self._opened else None
            if value is not None:
                self._noted.setdefault(subject, set()).add(sealed.sealing.category)
            values.append(value)
        return values

    async def open_parts(self, parts: Sequence[tuple[str, PersonalPart]]) -> list[dict[str, Any]]:
        """The values of each part that are opened and there, as they stand in the event's data."""
        sealed = [
            (subject, SealedValue(field.value, Sealing(part.subject, field.category, part.event_id)))
            for subject, part in parts
            for field in part.fields
        ]
        values = iter(await self.open(sealed))
        opened: list[dict[str, Any]] = []
        for _, part in parts:
            opened.append({})
            for field in part.fields:
                value = next(values)
                if value is not None:
                    put_back(opened[-1], field.path, value)
        return opened

    def note(self, subject: str, categories: Collection[Disclosed]) -> None:
        """Notes what was opened of a subject in another way, for the record."""
        if categories:
            self._noted.setdefault(subject, set()).update(categories)

    async def record(self) -> None:
        """Returns once what was opened is on record, and may be shown. Raises the problem 503 `access_not_recorded`."""
        purpose = self.purpose
        if not self._noted or purpose is None:
            return
        now = self._process.clock()
        reads = [
            ReadOfPersonalData(
                now,
                self._reader.name,
                subject,
                purpose,
                tuple(category for category in DISCLOSED if category in categories),
                self._call,
            )
            for subject, categories in self._noted.items()
        ]
        try:
            await self._process.records.record(reads)
        except NotRecordedError as error:
            detail = (
                f"{error}; every read of personal data is recorded, so nothing is shown now: send it again"
            )
            raise Problem(503, "access_not_recorded", detail, retry_after_seconds=_RETRY_SECONDS) from error


class Disclosures:
    """Makes disclosures. Shared by all routes of a process."""

    def __init__(self, opener: Opener, records: RecordedReads, clock: Clock) -> None:
        self.opener = opener
        self.records = records
        self.clock = clock

    def of(
        self, scope: Scope, named: str | None, call: str, holds: Collection[Disclosed] = CATEGORIES
    ) -> Disclosure:
        """The disclosure of a request that names a purpose, for a document that holds these categories.

        Raises the problems 422 `invalid_parameter` and 403 `forbidden_purpose`.
        """
        reader = reader_in(scope)
        return Disclosure(reader, reader.purpose(named), holds, self, call)

    def of_scores(
        self, scope: Scope, named: str | None, call: str, holds: Collection[Disclosed] = ()
    ) -> Disclosure:
        """The disclosure of a request for scores, which is for a purpose whether it names one or not.

        `holds` is what its document is made from besides scores.

        Raises the problems 422 `invalid_parameter` and 403 `forbidden_purpose`.
        """
        reader = reader_in(scope)
        return Disclosure(reader, reader.purpose_of_scores(named), (SCORES, *holds), self, call)
