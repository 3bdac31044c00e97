"""A worked example: what adding version 2 of a type takes, and what it leaves untouched."""

import json
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shared.codec import decode_record
from shared.data_schema import version_named_by
from shared.events import EVENT_CLASSES
from shared.events.catalogue import Catalogue, SchemaViolationError, UnknownVersionError
from shared.events.data import EventData
from shared.events.purchase import PurchaseCompleted, PurchaseLine
from shared.events.vocabulary import NotNegativeAmount, Reference
from shared.log.port import StoredRecord
from shared.upcasters import UPCASTERS, Upcaster

GOLDEN = Path(__file__).parent / "golden"


class PurchaseCompletedV2(EventData, frozen=True, kw_only=True):
    """As version 1, with the coupons renamed and the till that rang it up."""

    TYPE = "purchase.completed"
    VERSION = 2

    order_id: Reference
    total: NotNegativeAmount
    lines: tuple[PurchaseLine, ...]
    till: Reference
    vouchers: tuple[str, ...] = ()
    promised_total: NotNegativeAmount | None = None
    list_total: NotNegativeAmount | None = None


def with_till(data: dict[str, Any]) -> dict[str, Any]:
    data["vouchers"] = data.pop("coupons", [])
    data["till"] = "unknown"
    return data


CATALOGUE = Catalogue(
    classes=[PurchaseCompletedV2 if each is PurchaseCompleted else each for each in EVENT_CLASSES],
    upcasters=[Upcaster(PurchaseCompleted, with_till)],
)


def golden_posted() -> dict[str, Any]:
    posted: dict[str, Any] = json.loads((GOLDEN / "purchase.completed.1.posted.json").read_text())
    return posted


def golden_record() -> StoredRecord:
    stored = json.loads((GOLDEN / "purchase.completed.1.record.json").read_text())
    return StoredRecord(0, 0, stored["key"].encode(), msgspec.json.encode(stored["value"]))


def test_in_production_every_type_is_at_its_first_version() -> None:
    assert UPCASTERS == ()


def test_an_event_posted_in_version_1_is_taken_as_version_2() -> None:
    posted = golden_posted()
    version = version_named_by(posted["dataschema"], posted["type"])
    data = CATALOGUE.decode(posted["type"], version, msgspec.json.encode(posted["data"]))
    assert isinstance(data, PurchaseCompletedV2)
    assert (data.till, data.vouchers) == ("unknown", tuple(posted["data"]["coupons"]))
    assert data.total.amount == posted["data"]["total"]["amount"]


def test_a_record_written_in_version_1_is_read_as_version_2() -> None:
    read = decode_record(golden_record(), CATALOGUE)
    assert isinstance(read.data, PurchaseCompletedV2)
    assert read.data.till == "unknown"
    assert read.record.dataschema == "urn:rapport:purchase.completed:1"


def test_an_event_without_a_version_is_taken_for_the_newest() -> None:
    with pytest.raises(SchemaViolationError) as refused:
        CATALOGUE.decode("purchase.completed", None, msgspec.json.encode(golden_posted()["data"]))
    assert refused.value.pointer in ("/data/till", "/data/coupons")


def test_version_1_is_still_validated_as_version_1() -> None:
    data = {**golden_posted()["data"], "till": "7"}
    with pytest.raises(SchemaViolationError) as refused:
        CATALOGUE.decode("purchase.completed", 1, msgspec.json.encode(data))
    assert refused.value.detail == "data.till: unknown field"


def test_each_version_has_a_schema_of_its_own() -> None:
    assert CATALOGUE.newest("purchase.completed") == 2
    assert "PurchaseCompleted" in CATALOGUE.schema("purchase.completed", 1)["$defs"]
    assert "PurchaseCompletedV2" in CATALOGUE.schema("purchase.completed", 2)["$defs"]
    with pytest.raises(UnknownVersionError):
        CATALOGUE.schema("purchase.completed", 3)


def test_a_gap_in_the_chain_stops_the_start() -> None:
    with pytest.raises(ValueError, match=r"purchase\.completed 2 needs an upcaster from each older version"):
        Catalogue(classes=[PurchaseCompletedV2])


def test_an_upcaster_of_no_type_stops_the_start() -> None:
    with pytest.raises(ValueError, match="not in the catalogue"):
        Catalogue(classes=[], upcasters=[Upcaster(PurchaseCompleted, with_till)])
