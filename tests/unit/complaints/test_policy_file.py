"""Policies come from a file that is read strictly; what is wrong is named with its place, value and what is allowed."""

from pathlib import Path

import pytest

from services.projections.complaints.policy_content import policies_of, version_of
from services.projections.complaints.policy_file import default_text, load, parse
from services.projections.complaints.policy_history import PolicyHistory, Registration
from services.projections.rule_file import RuleFileError
from tests.unit.complaints.cases import BANGKOK, SIMPLE

TWO = (
    BANGKOK
    + """
[policy.north]
calendar = "bkk"
applies_to = ["hq/north"]
critical = { first_response = "30m", resolution = "2h" }
low = { first_response = "8h", resolution = "80h" }
fallback = "low"
"""
)

WRONG = [
    (
        BANGKOK.replace('"4h"', '"4 hours"'),
        "test.toml, line 11: policy.default.normal.first_response: '4 hours' is not",
    ),
    (BANGKOK.replace('"4h"', '"4d"'), "a day of it has as many hours as it is open"),
    (BANGKOK.replace('"24h"', "24"), "policy.default.normal.resolution: 24 is not allowed"),
    (BANGKOK.replace('"24h"', '"0h"'), "policy.default.normal.resolution: '0h' is not allowed"),
    (BANGKOK.replace('"24h"', '"999999h"'), "takes over ten years of a calendar with 40 hours a week"),
    (BANGKOK.replace('"56d"', '"999999d"'), "at most 100 years"),
    (BANGKOK.replace("final_response", "last_response"), "policy.default.normal.last_response: is not known"),
    (
        BANGKOK.replace("Asia/Bangkok", "Asia/Atlantis"),
        "line 3: calendar.bkk.timezone: 'Asia/Atlantis' is not allowed",
    ),
    (BANGKOK.replace('"TH"', '"ZZ"'), "line 5: calendar.bkk.holidays: 'ZZ' is not allowed"),
    (
        BANGKOK.replace('"TH"', '"TH"\nsubdivision = "BY"'),
        "line 6: calendar.bkk.subdivision: 'BY' is not allowed",
    ),
    (
        BANGKOK.replace('holidays = "TH"', 'subdivision = "BY"'),
        "calendar.bkk.subdivision: 'BY' is not allowed",
    ),
    (BANGKOK.replace("= []", "= [2024-02-30]"), "is no TOML"),
    (BANGKOK.replace("= []", "= [2524-02-01]"), "calendar.bkk.extra_holidays[0]: 2524-02-01 is not allowed"),
    (BANGKOK.replace("= []", "= [2024-02-01T10:00:00]"), "calendar.bkk.extra_holidays[0]"),
    (
        BANGKOK.replace('mon = "09:00-17:00"', 'mon = "17:00-09:00"'),
        "what goes past midnight is written as two",
    ),
    (
        BANGKOK.replace('mon = "09:00-17:00"', 'mon = "09:00-12:00, 11:00-17:00"'),
        "line 4: calendar.bkk.hours.mon",
    ),
    (BANGKOK.replace('mon = "09:00-17:00"', 'mon = "09:00-25:00"'), "line 4: calendar.bkk.hours.mon"),
    (BANGKOK.replace("mon =", "monday ="), "calendar.bkk.hours.monday: a name that is not allowed"),
    (BANGKOK.replace('"09:00-17:00"', '""'), "never opens, so nothing would ever be due"),
    (
        BANGKOK.replace('calendar = "bkk"', 'calendar = "hkg"'),
        "'hkg' is no calendar of this file. Allowed: bkk",
    ),
    (BANGKOK.replace('calendar = "bkk"', ""), "policy.default.calendar: is missing"),
    (BANGKOK.replace("policy.default", "policy.other"), "[policy.default] is missing"),
    (BANGKOK.replace("default.normal", "default.high"), "low, normal, critical would need them"),
    (BANGKOK.replace("default.normal", "default.urgent"), "policy.default.urgent: is not known"),
    (TWO.replace('["hq/north"]', "[]"), "line 17: policy.north.applies_to: [] names no location"),
    (TWO.replace("hq/north", "/north"), "policy.north.applies_to[0]: '/north' is not allowed"),
    (TWO.replace('["hq/north"]', '["hq/north", "hq/north"]'), "policy.north.applies_to[1]"),
    (BANGKOK.replace('"bkk"', '"bkk"\napplies_to = ["hq"]'), "is not for the default policy"),
    (BANGKOK.replace("[calendar.bkk]", "[calendars.bkk]"), "calendar: is missing"),
    ("", "policy: is missing"),
    ("[", "is no TOML"),
]


@pytest.mark.parametrize(("text", "said"), WRONG)
def test_a_wrong_file_is_refused_with_what_is_wrong_and_what_is_allowed(text: str, said: str) -> None:
    with pytest.raises(RuleFileError) as refused:
        parse(text, "test.toml")
    assert said in str(refused.value)
    assert "test.toml" in str(refused.value)


def test_a_file_that_cannot_be_read_is_refused_by_its_name(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"missing\.toml cannot be read: No such file"):
        load(tmp_path / "missing.toml")
    (tmp_path / "latin.toml").write_bytes(b"# \xe9")
    with pytest.raises(RuleFileError, match="it is not UTF-8"):
        load(tmp_path / "latin.toml")
    (tmp_path / "right.toml").write_text(BANGKOK)
    assert load(tmp_path / "right.toml") == parse(BANGKOK, "right.toml")


def test_the_file_that_comes_with_the_service_is_right_and_serves_every_severity() -> None:
    policies = policies_of(parse(default_text(), "default_policies.toml"))
    assert set(policies.policy_for(None).targets) == {"low", "normal", "high", "critical"}


def test_severities_without_targets_take_those_of_the_fallback() -> None:
    targets = policies_of(parse(TWO, "test.toml")).policy_for("hq/north/store-1").targets
    assert (targets["high"].resolution, targets["critical"].resolution) == (80 * 3600, 2 * 3600)
    assert targets["normal"] == targets["low"]


def test_holidays_of_a_country_stand_in_the_content_as_days() -> None:
    calendar = policies_of(parse(BANGKOK, "test.toml")).calendars["bkk"]
    assert {f"{day:%m-%d}" for day in calendar.closed if day.year == 2024} >= {"04-15", "05-01", "12-05"}
    without = parse(BANGKOK.replace('holidays = "TH"', ""), "test.toml")
    assert policies_of(without).calendars["bkk"].closed == frozenset()


@pytest.mark.parametrize(
    "same",
    [
        BANGKOK.replace("bkk]\n", "bkk]   # the office\n"),
        BANGKOK.replace('"24h"', '"1440m"'),
        BANGKOK.replace("extra_holidays = []", ""),
        BANGKOK.replace("extra_holidays = []", "extra_holidays = [2024-05-01]"),  # a holiday anyway
        BANGKOK.replace('calendar = "bkk"', 'calendar = "bkk"\nfallback = "normal"'),
        BANGKOK.replace('tue = "09:00-17:00"', 'sun = "", tue = "09:00 - 17:00"'),
    ],
)
def test_the_version_is_that_of_what_is_promised_not_of_how_it_is_written(same: str) -> None:
    assert version_of(parse(same, "a")) == version_of(parse(BANGKOK, "b"))


@pytest.mark.parametrize(
    "other",
    [
        BANGKOK.replace('"24h"', '"25h"'),
        BANGKOK.replace("= []", "= [2024-05-03]"),
        BANGKOK.replace("Asia/Bangkok", "Asia/Ho_Chi_Minh"),
        BANGKOK + '[policy.default.high]\nfirst_response = "3h"\nresolution = "24h"',
        TWO,
    ],
)
def test_another_promise_is_another_version(other: str) -> None:
    assert version_of(parse(other, "a")) != version_of(parse(BANGKOK, "b"))
    assert len(version_of(parse(other, "a"))) == 16


def test_a_version_is_in_force_from_its_place_in_each_partition_on() -> None:
    one, two = parse(SIMPLE, "a"), parse(BANGKOK, "b")
    history = PolicyHistory(
        [
            Registration(one, {0: 5, 1: 5}),
            Registration(two, {0: 100, 1: 40}),
            Registration(one, {0: 200, 1: 60}),
        ]
    )
    first, second = version_of(one), version_of(two)
    found = [
        history.at(*place).version
        for place in ((0, 0), (0, 99), (0, 100), (1, 40), (0, 199), (0, 200), (1, 60))
    ]
    assert found == [first, first, second, second, second, first, first]
    assert history.at(2, 0).version == first  # a partition made later
    assert history.version(second).calendars.keys() == {"bkk"}
    with pytest.raises(LookupError, match="version 0123 were never registered"):
        history.version("0123")
    with pytest.raises(ValueError, match="at least one"):
        PolicyHistory([])
