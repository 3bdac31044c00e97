"""The sample of real purchases that the demo posts; its source is told in the README beside it."""

import csv
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import Final, NamedTuple

PURCHASES: Final = 6919
CUSTOMERS: Final = 2357
TOTAL: Final = Decimal("244091.94")


class Purchase(NamedTuple):
    """One purchase; `row` counts from 1 and tells apart equal purchases of a day."""

    row: int
    master_id: str
    sample_id: str
    day: date
    cds: int
    dollars: Decimal


def purchases() -> list[Purchase]:
    """All purchases in the order of the file: by customer, then by day. Reads the file."""
    text = files("services.ops.demo").joinpath("cdnow_sample.csv").read_text(encoding="ascii")
    return [
        Purchase(
            row,
            fields["master_id"],
            fields["sample_id"],
            date.fromisoformat(fields["date"]),
            int(fields["cds"]),
            Decimal(fields["dollars"]),
        )
        for row, fields in enumerate(csv.DictReader(text.splitlines()), start=1)
    ]
