"""Acting on a screen: what staff do is an event of theirs, decided like any other, and they are told its outcome."""

import re
from collections.abc import AsyncIterator, Mapping
from html import unescape
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from shared.position import Position
from tests.api_reader import Reader
from tests.complaining import complaint_desk, created, happened, opened
from tests.console_guests import DESK, LOYALTY_DESK
from tests.credentials import access
from tests.projecting import projection, worker

OWN = {"origin": "http://api", "sec-fetch-site": "same-origin"}
CASE = "/console/cases/C-1"


@pytest.fixture
async def console(database_url: str) -> AsyncIterator[Reader]:
    """A case and a task, and Kim at the desk, with views that follow."""
    async with complaint_desk(database_url, access=access(DESK, LOYALTY_DESK)) as (desk, _):
        await desk.given(opened("09:00"), created("13:00"), created("14:00", "T-2"))
        await sign_in(desk)
        async with worker(projection(desk.database_url, desk.log)):
            yield desk


async def sign_in(console: Reader, token: str = DESK.token, staff: str = "kim") -> None:
    answer = await console.client.post(
        "/console/sign-in", data={"credential": token, "staff": staff}, headers=OWN
    )
    console.client.headers["cookie"] = answer.headers["set-cookie"].partition(";")[0]


async def once_on(console: Reader, path: str) -> str:
    """The token of the forms of a page."""
    found = re.search(r'name="once" value="([^"]+)"', (await console.client.get(path)).text)
    assert found
    return found[1]


async def act(console: Reader, action: str, path: str = CASE, **form: str) -> httpx.Response:
    """What a press answers."""
    once = form.pop("once", None) or await once_on(console, path.partition("/T-")[0])
    return await console.client.post(path, data={"action": action, "once": once, **form}, headers=OWN)


async def followed(console: Reader, answer: httpx.Response) -> str:
    """The page that a press leads to."""
    assert answer.status_code == 303, answer.text
    page = await console.client.get(answer.headers["location"])
    assert page.status_code == 200
    return unescape(page.text)


async def case(console: Reader, answer: httpx.Response) -> Mapping[str, Any]:
    """The case as it is once it includes what the press did."""
    at = parse_qs(urlsplit(answer.headers["location"]).query)["at"][0]
    Position.parse(at)
    read = await console.get(
        "/v1/complaints/C-1", headers={"rapport-at-least": at, **DESK.header}, purpose="complaint_handling"
    )
    document: Mapping[str, Any] = read.json()
    return document


async def test_what_is_done_is_an_event_of_the_person_and_the_page_says_that_it_counts(
    console: Reader,
) -> None:
    pressed = await act(console, "assigned", person="lee", department="kitchen", level="province")
    page = await followed(console, pressed)
    assert "Done: assigned." in page
    found = await case(console, pressed)
    assert (found["assignee"], found["level"]) == ({"person": "lee", "department": "kitchen"}, "province")
    newest = found["history"][-1]
    assert (newest["type"], newest["source"], newest["staff"]) == (
        "complaint.assigned", "/rapport/console", "kim",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("action", "form", "state"),
    [
        ("acknowledged", {}, "acknowledged"), ("started", {}, "in_progress"),
        ("customer_awaited", {"note": "a photo?"}, "waiting_for_customer"), ("note_added", {"note": "x"}, "open"),
        ("escalated", {"to_level": "province", "reason": "customer_request"}, "open"),
        ("resolved", {"resolution": "apology", "handling_fault": ""}, "resolved"),
        ("compensated", {"kind": "points", "worth": "100"}, "open"),
        ("compensated", {"kind": "money", "worth": "12.50", "currency": "eur"}, "open"),
        ("withdrawn", {"reason": ""}, "withdrawn"),
    ],
)  # fmt: skip
async def test_every_action_does_what_its_event_does(
    console: Reader, action: str, form: dict[str, str], state: str
) -> None:
    pressed = await act(console, action, **form)
    assert f"Done: {action.replace('_', ' ')}." in await followed(console, pressed)
    assert (await case(console, pressed))["state"] == state


async def test_a_transition_that_the_case_refuses_says_why(console: Reader) -> None:
    page = await followed(console, await act(console, "reopened"))
    assert "Changed nothing: reopened: not allowed in open." in page


async def test_what_no_event_can_be_made_of_is_told_beside_what_was_written(console: Reader) -> None:
    answer = await act(console, "compensated", kind="money", worth="a lot", currency="EUR")
    page = unescape(answer.text)
    assert answer.status_code == 422
    assert "Not done: data.amount.amount: not a decimal" in page
    assert 'value="a lot"' in page
    assert '<details name="act" open>' in page
    assert await followed(console, await act(console, "compensated", kind="money", worth="5", currency="EUR"))


async def test_a_case_and_the_list_say_which_clock_escalated_it(database_url: str) -> None:
    escalated = happened(
        "escalated", "15:00", to_level="province", reason="sla_breached", id="sla:C-1:first_response:1",
        source="/rapport/escalator",
    )  # fmt: skip
    by_hand = happened("escalated", "10:00", "C-2", to_level="province", reason="sla_breached")
    async with complaint_desk(database_url, "16:00") as (desk, _):
        await desk.given(opened("09:00"), escalated, opened("09:00", "C-2"), by_hand)
        page = (await desk.client.get(CASE)).text
        other = (await desk.client.get("/console/cases/C-2")).text
        rows = rows_of((await desk.client.get("/console/cases?status=open")).text)
        read = (await desk.get("/v1/complaints/C-1")).json()
    assert "Escalated to province" in page
    assert "The clock of the first response was past due." in page
    assert re.search(r"First response</strong>\s*<span class=\"tag high\">escalated the case", page)
    assert page.count("escalated the case") == 1
    assert "escalated the case" not in other
    assert "province, escalated by first response" in rows["C-1"]
    assert "escalated by" not in rows["C-2"]
    assert [each["escalated"] for each in read["clocks"]] == [True, False, False]


async def test_pauses_of_a_clock_are_on_its_bar_in_a_table_in_the_list_and_in_the_dossier(
    database_url: str,
) -> None:
    async with complaint_desk(database_url, "2024-01-09T12:00") as (desk, _):
        await desk.given(
            opened("09:00"),
            happened("customer_awaited", "10:00"),
            happened("customer_replied", "11:30"),
            happened("customer_awaited", "16:00"),
        )
        page = unescape((await desk.client.get(CASE)).text)
        row = rows_of((await desk.client.get("/console/cases?status=waiting_for_customer")).text)["C-1"]
        dossier = (await desk.client.get("/console/case.json/C-1")).json()["case"]
    label = next(each for each in re.findall(r'aria-label="(From [^"]+)"', page) if "paused" in each)
    assert label == (
        "From 8 Jan 2024, 10:00, paused from 8 Jan 2024, 11:00 to 8 Jan 2024, 12:30, paused from "
        "8 Jan 2024, 17:00 on, without a due time"
    )
    assert page.count('class="break"') == 2
    table = [
        text_of(each)
        for each in re.findall(r"<tr>.*?</tr>", page.partition("Pauses</caption>")[2], re.DOTALL)
    ]
    assert table[1:3] == [
        "8 Jan 2024, 11:00 8 Jan 2024, 12:30 1 h 30 min, 1 h 30 min of working time Waiting for the customer",
        "8 Jan 2024, 17:00 goes on 20 h so far, 4 h of working time Waiting for the customer",
    ]
    assert "paused: waiting for the customer; 5 h 30 min of 8 h working time" in page
    assert "resolution, waiting for the customer, since 8 Jan 2024, 17:00" in row
    [resolution] = [each for each in dossier["clocks"] if each["name"] == "resolution"]
    assert [each["ended_at"] for each in resolution["pauses"]] == ["2024-01-08T11:30:00Z", None]


async def test_times_are_the_servers_in_utc_and_told_in_the_zone_that_is_named_in_the_night_of_two_hours_too(
    database_url: str,
) -> None:
    async with complaint_desk(database_url, "2026-10-26T10:00") as (desk, _):
        await desk.given(
            opened("2026-10-23T09:00"),
            happened("customer_awaited", "2026-10-25T00:30"),
            happened("customer_replied", "2026-10-25T01:30"),
            created("2026-10-26T11:30"),
        )
        page = (await desk.client.get(CASE)).text
        cases, tasks = [(await desk.client.get(f"/console/{each}")).text for each in ("cases", "tasks")]
    body = page.partition("Pauses</caption>")[2].partition("<tbody>")[2]
    row = re.search(r"<tr>.*?</tr>", body, re.DOTALL)
    assert row
    assert text_of(row[0]) == (
        "25 Oct 2026, 02:30 CEST 25 Oct 2026, 02:30 CET 1 h, no working time Waiting for the customer"
    )
    until = (
        '<time datetime="2026-12-18T09:00:00Z" data-due class="due" title="18 Dec 2026, 10:00">in 52 d</time>'
    )
    assert f"running; 3 d 1 h of 56 d; deadline {until}" in page
    late = '<time datetime="2026-10-23T13:00:00Z" data-due class="late" title="23 Oct 2026, 15:00">2 d 21 h late</time>'
    assert late in cases
    assert (
        '<time datetime="2026-10-26T11:30:00Z" data-due class="due" title="26 Oct 2026, 12:30">in 1 h 30 min'
        in tasks
    )
    for each in (page, cases, tasks):
        assert 'data-now="2026-10-26T10:00:00+00:00" data-zone="Europe/Berlin"' in each
        assert "Times of Europe/Berlin, as of" in each


def text_of(markup: str) -> str:
    """What of a page is read."""
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", markup)).split()).replace(" ,", ",")


def rows_of(page: str) -> dict[str, str]:
    """The rows of a list of cases, by case."""
    found = re.findall(r'<tr data-row data-id="([^"]+)">(.*?)</tr>', page, re.DOTALL)
    return {case_id: text_of(row) for case_id, row in found}


async def test_pressing_twice_is_doing_it_once(console: Reader) -> None:
    once = await once_on(console, CASE)
    first = await act(console, "compensated", kind="points", worth="10", once=once)
    again = await act(console, "compensated", kind="points", worth="10", once=once)
    await case(console, first)
    found = await case(console, again)
    assert [each["points"] for each in found["compensation"]] == [10]
    assert len([each for each in found["history"] if each["type"] == "complaint.compensated"]) == 1


async def test_tasks_are_done_one_by_one_from_one_page(console: Reader) -> None:
    once = await once_on(console, "/console/tasks?assignee=")
    page = ""
    for task_id in ("T-1", "T-2"):
        page = await followed(
            console, await act(console, "completed", f"/console/tasks/{task_id}", once=once, outcome="called")
        )
    assert "No open tasks." in page


async def test_nobody_acts_whom_nobody_could_name_or_whose_role_it_is_not(console: Reader) -> None:
    once = await once_on(console, CASE)
    await sign_in(console, staff="")
    answer = await act(console, "started", once=once)
    assert (answer.status_code, "Sign in with your staff id" in answer.text) == (403, True)
    assert "Sign in with your staff id</a> to act" in (await console.client.get(CASE)).text
    await sign_in(console, LOYALTY_DESK.token)
    answer = await act(console, "started", once=once)
    assert (answer.status_code, "nothing was done" in answer.text) == (403, True)
    read = await console.get("/v1/complaints/C-1", headers=DESK.header)
    assert read.json()["state"] == "open"


async def test_on_a_machine_without_keys_people_say_who_they_are_and_act(database_url: str) -> None:
    async with complaint_desk(database_url) as (desk, _):
        await desk.given(opened("09:00"))
        assert "Who are you?" in (await desk.client.get(CASE)).text
        await sign_in(desk, token="", staff="lee")
        async with worker(projection(desk.database_url, desk.log)):
            page = await followed(desk, await act(desk, "started"))
        assert "Done: started." in page
        assert "lee" in page


async def test_another_sites_form_acts_on_nothing(console: Reader) -> None:
    answer = await console.client.post(
        CASE,
        data={"action": "withdrawn", "once": "x"},
        headers={"origin": "https://evil.example", "sec-fetch-site": "cross-site"},
    )
    assert answer.status_code == 403
    assert (await console.get("/v1/complaints/C-1", headers=DESK.header)).json()["state"] == "open"


@pytest.mark.parametrize("action", ["", "opened", "__class__"])
async def test_an_action_that_there_is_not_is_refused(console: Reader, action: str) -> None:
    assert (await act(console, action)).status_code == 422
