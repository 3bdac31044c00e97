"""What a timeline request asks for, and what is refused with which code."""

from datetime import UTC, datetime
from urllib.parse import quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.api.cursor import Cursors, EntryKey
from services.api.routes.timeline import wanted_page
from services.projections.read_models.timeline import Filters, Keyset
from shared.http.problems import Problem

PARTY = "pty_" + "a" * 26
CUSTOMER = "cus_" + "a" * 26
CURSORS = Cursors("a secret of the deployment")


def refused(customer: str, query: bytes) -> Problem:
    with pytest.raises(Problem) as problem:
        wanted_page(customer, query, CURSORS)
    return problem.value


def test_without_parameters_it_is_the_newest_50() -> None:
    wanted = wanted_page(CUSTOMER, b"", CURSORS)
    assert (wanted.party_id, wanted.filters, wanted.ascending, wanted.limit, wanted.after) == (
        PARTY, Filters(), False, 50, None,
    )  # fmt: skip


def test_every_filter_is_taken() -> None:
    query = (
        b"channel=web&type=purchase.completed&category=sales&from=2024-01-01T00:00:00Z"
        b"&to=2024-02-01T07:00:00%2B07:00&order=asc&limit=200"
    )
    wanted = wanted_page(PARTY, query, CURSORS)
    january, february = (datetime(2024, month, 1, tzinfo=UTC) for month in (1, 2))
    assert wanted.filters == Filters("web", "purchase.completed", "sales", january, february)
    assert (wanted.ascending, wanted.limit) == (True, 200)


def test_a_plus_sign_that_was_not_encoded_still_is_an_offset() -> None:
    wanted = wanted_page(PARTY, b"from=2024-02-01T07:00:00+07:00", CURSORS)
    assert wanted.filters.since == datetime(2024, 2, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        (b"chanel=web", "chanel"),
        (b"channel=web&channel=app", "channel"),
        (b"channel=", "channel"),
        (b"channel=w%00b", "channel"),
        (b"type=nothing.happened", "type"),
        (b"category=%F0%9F%92%A3", "category"),
        (b"order=newest", "order"),
        (b"limit=0", "limit"),
        (b"limit=201", "limit"),
        (b"limit=1e2", "limit"),
        (b"limit=" + b"9" * 4000, "limit"),
        (b"limit=%D9%A1", "limit"),
        (b"from=2024-01-01T00:00:00", "from"),
        (b"from=yesterday", "from"),
        (b"from=1704067200", "from"),
        (b"to=0001-01-01T00:00:00%2B23:59", "to"),
        (b"to=9999-12-31T23:59:59-23:59", "to"),
        (b"channel=%ff", "(all)"),
        (b"\xff", "(all)"),
        (b"&".join([b"a=b"] * 100), "(all)"),
    ],
)
def test_what_is_not_allowed_is_named(query: bytes, parameter: str) -> None:
    problem = refused(PARTY, query)
    assert (problem.status, problem.code) == (422, "invalid_parameter")
    assert problem.extras["errors"][0]["parameter"] == parameter
    assert len(problem.document("0")) < 2000


@given(st.text())
def test_whatever_id_is_asked_for_is_unknown_unless_it_has_the_form_of_one(customer: str) -> None:
    problem = refused(customer, b"")
    assert (problem.status, problem.code) == (404, "unknown_customer")


def test_a_customer_id_and_its_party_id_share_cursors_but_filters_do_not() -> None:
    last = EntryKey(datetime(2024, 1, 1, tzinfo=UTC), 3, 17)
    cursor = CURSORS.write(last, wanted_page(CUSTOMER, b"channel=web", CURSORS).bound_to)
    token = urlencode({"cursor": cursor}).encode()
    assert wanted_page(PARTY, b"channel=web&limit=7&" + token, CURSORS).after == Keyset(*last)
    for other in (b"", b"channel=app&", b"channel=web&order=asc&", b"channel=web&from=2024-01-01T00:00:00Z&"):
        assert refused(PARTY, other + token).code == "invalid_cursor"
    assert refused("pty_" + "b" * 26, b"channel=web&" + token).code == "invalid_cursor"


@given(st.dictionaries(st.sampled_from(["channel", "from", "limit", "cursor", "order"]), st.text()))
def test_no_value_is_answered_by_anything_but_a_problem_or_a_page(values: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(value, errors='surrogatepass')}" for name, value in values.items())
    try:
        wanted_page(PARTY, query.encode(), CURSORS)
    except Problem as problem:
        assert problem.status == 422  # noqa: PT017 - either outcome is right
