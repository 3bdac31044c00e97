"""What keeps a page the console's own, held to every template, script and style there is."""

import gzip
import re
from importlib.resources import files
from zoneinfo import ZoneInfo

import pytest
from jinja2 import Environment
from starlette.requests import Request

from services.api.console.assets import Assets
from services.api.console.pages import Pages
from services.api.console.protection import HEADERS, check_same_origin
from services.api.console.screens.sign_in import own_path
from shared.http.problems import Problem

HERE = files("services.api.console")
TEMPLATES = sorted(each.name for each in HERE.joinpath("templates").iterdir())
STATIC = sorted(each.name for each in HERE.joinpath("static").iterdir())


@pytest.fixture(scope="module")
def environment() -> Environment:
    return Pages(ZoneInfo("UTC"), Assets())._environment


@pytest.mark.parametrize("name", TEMPLATES)
def test_every_template_can_be_read(environment: Environment, name: str) -> None:
    environment.get_template(name)


@pytest.mark.parametrize("name", TEMPLATES)
def test_no_template_leaves_the_policy(name: str) -> None:
    text = HERE.joinpath("templates", name).read_text()
    assert "|safe" not in re.sub(r"\s", "", text)
    assert "autoescape" not in text
    assert not re.search(r"\sstyle\s*=|\son[a-z]+\s*=|javascript:|https?://", text)
    assert not re.search(r"<script(?![^>]*\ssrc=\"{{ asset\()", text)


def test_everything_a_template_is_given_is_escaped(environment: Environment) -> None:
    assert (
        environment.from_string("{{ x }}").render(x="<img src=x>&\"'") == "&lt;img src=x&gt;&amp;&#34;&#39;"
    )


def test_the_scripts_are_small_and_make_no_markup_of_texts() -> None:
    scripts = [HERE.joinpath("static", each).read_text() for each in STATIC if each.endswith(".js")]
    assert sum(len(each.encode()) for each in scripts) < 15_000
    for script in scripts:
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|https?://", script
        )


def test_a_file_is_found_at_an_address_of_its_content_and_names_others_by_theirs() -> None:
    assets = Assets()
    assert re.fullmatch(r"/console/assets/console\.[0-9a-f]{16}\.css", assets.address("console.css"))
    assert all(b"{{" not in each.content for each in assets._by_address.values())


@pytest.mark.parametrize(
    ("accepted", "packed"),
    [
        ("gzip, deflate, br, zstd", True),
        ("GZIP;q=0.5", True),
        ("br", False),
        ("gzip;q=0, br", False),
        ("", False),
    ],
)
async def test_files_are_packed_for_browsers_that_unpack_them(accepted: str, *, packed: bool) -> None:
    assets = Assets()
    address = assets.address("live.js")
    headers = [(b"accept-encoding", accepted.encode())] if accepted else []
    scope = {"type": "http", "method": "GET", "path": address, "headers": headers, "query_string": b""}
    answer = await assets.serve(Request(scope))
    plain = assets._by_address[address].content
    assert answer.headers.get("content-encoding") == ("gzip" if packed else None)
    assert answer.headers["vary"] == "accept-encoding"
    assert (gzip.decompress(bytes(answer.body)) if packed else answer.body) == plain
    assert not packed or len(answer.body) < len(plain) / 2


def test_the_policy_lets_in_nothing_from_elsewhere() -> None:
    policy = dict(HEADERS)[b"content-security-policy"].decode()
    assert policy.startswith("default-src 'none'; script-src 'self'; style-src 'self'")
    assert "require-trusted-types-for 'script'" in policy
    assert "unsafe" not in policy


OWN = [
    (b"host", b"desk.example:8443"),
    (b"origin", b"https://desk.example:8443"),
    (b"sec-fetch-site", b"same-origin"),
]


def test_a_write_of_ones_own_page_passes() -> None:
    check_same_origin(OWN)


@pytest.mark.parametrize(
    "changed",
    [
        {b"sec-fetch-site": b"cross-site"}, {b"sec-fetch-site": b"same-site"}, {b"sec-fetch-site": b"none"},
        {b"sec-fetch-site": None}, {b"origin": b"https://evil.example"}, {b"origin": b"null"}, {b"origin": None},
        {b"origin": b"https://desk.example:8443.evil.example"}, {b"host": b"other.example"}, {b"host": None},
    ],
)  # fmt: skip
def test_a_write_from_anywhere_else_is_refused(changed: dict[bytes, bytes | None]) -> None:
    told = {**dict(OWN), **changed}
    with pytest.raises(Problem, match="nothing was done") as refused:
        check_same_origin([(name, value) for name, value in told.items() if value is not None])
    assert (refused.value.status, refused.value.code) == (403, "cross_site")


@pytest.mark.parametrize(
    "path", ["https://evil.example/", "//evil.example", "/console/\\evil", "/v1/x", "", None, "/console/\n"]
)
def test_signing_in_leads_to_pages_of_the_console_alone(path: str | None) -> None:
    assert own_path(path) == "/console/"
    assert own_path("/console/tasks?assignee=kim") == "/console/tasks?assignee=kim"
