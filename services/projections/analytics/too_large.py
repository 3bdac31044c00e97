"""How much a report on all customers may take."""

from typing import Final

REPORT_SECONDS: Final = 20.0
"""How long one of its statements may take."""


class ReportTooLargeError(Exception):
    """A report would have to read more than one request may; the message says what to narrow."""
