"""Which sources a key may send for: whole path segments below its prefixes, and never Rapport's own."""

import pytest

from shared.credentials.bearer import Bearer
from shared.senders import SourceRegistration

REGISTERED = SourceRegistration("store", "TH")


def allowed(source: str, *prefixes: str) -> bool:
    return Bearer("key:x", prefixes, REGISTERED).registration(source) == REGISTERED


@pytest.mark.parametrize("source", ["/store/1", "/store/1/pos-3", "/store/1/a/b", "/store/1/"])
def test_a_key_sends_for_its_source_and_what_is_below_it(source: str) -> None:
    assert allowed(source, "/store/1")


@pytest.mark.parametrize(
    "source",
    [
        "/store/10", "/store/1x", "/store/1-pos", "/store", "/store/", "/STORE/1", "store/1", "//store/1", " /store/1",
        "/store/1?x", "/store/1#/", "/store/1%2Fpos", "/store%2F1", "/store/1/../10", "/store/1/..", "/store/1/./pos",
        "/store/1/%2e%2E/10", "/store/1/.%2e/10", "/store/1/..?x", "https://elsewhere.example/store/1", "",
    ],
)  # fmt: skip
def test_a_key_sends_for_no_source_that_only_looks_like_its_own(source: str) -> None:
    assert not allowed(source, "/store/1")


def test_a_source_may_have_dots_that_lead_nowhere_else() -> None:
    assert allowed("/store/1/pos.3", "/store/1")
    assert allowed("/store/1/.till", "/store/1")
    assert allowed("/store/1/v1..2", "/store/1")


def test_a_prefix_may_be_an_address_and_ends_at_its_segment() -> None:
    assert allowed("https://shop.example/web", "https://shop.example")
    assert not allowed("https://shop.example.evil.example/web", "https://shop.example")


@pytest.mark.parametrize("source", ["/rapport", "/rapport/escalator", "/rapport/api", "/rapport/"])
def test_no_key_sends_as_rapport_itself(source: str) -> None:
    assert not allowed(source, "")
    assert not allowed(source, "/rapport")
    assert allowed("/rapports", "")


def test_a_key_with_several_prefixes_sends_for_each_and_one_without_for_none() -> None:
    assert allowed("/b/2", "/a", "/b")
    assert not allowed("/b/2")
