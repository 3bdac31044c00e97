"""Programmes come from a TOML file that is read strictly; what is wrong is named with its place and what is allowed."""

from pathlib import Path

import pytest

from services.projections.loyalty.programme_file import default_text, load, parse
from services.projections.rule_file import RuleFileError
from tests.unit.loyalty.ledger import CIRCLE, NEGATIVE

SECOND_TERMS = """
[[programme.circle.terms]]
effective_from = 2024-07-01
points_per_unit = "2"
validity_months = 0
clawback = "clamp"
tiers = [{ name = "silver", threshold = 10, multiplier = "2" }]
"""


def refusal(text: str) -> str:
    with pytest.raises(RuleFileError) as caught:
        parse(text, "points.toml")
    return str(caught.value)


def test_the_programmes_that_come_with_the_service_are_valid() -> None:
    programmes = parse(default_text(), "default_programmes.toml")
    assert programmes.default.name == "circle"
    assert [tier.name for tier in programmes.default.terms[0].tiers] == ["silver", "gold"]


def test_a_file_is_read_from_its_path(tmp_path: Path) -> None:
    path = tmp_path / "points.toml"
    path.write_text(CIRCLE + SECOND_TERMS, encoding="utf-8")
    assert len(load(path).default.terms) == 2


def test_a_file_that_is_not_there_or_not_text_says_so(tmp_path: Path) -> None:
    with pytest.raises(RuleFileError, match=r"nowhere\.toml cannot be read: No such file or directory"):
        load(tmp_path / "nowhere.toml")
    (tmp_path / "bytes.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(RuleFileError, match="it is not UTF-8"):
        load(tmp_path / "bytes.toml")


def test_a_file_that_is_no_toml_says_where() -> None:
    assert "points.toml is no TOML" in refusal("a =")
    assert "line 2" in refusal("a = 1\nb = \nc = 1")


@pytest.mark.parametrize(
    ("was", "becomes", "said"),
    [
        (
            'default_programme = "circle"',
            'default_programme = "ring"',
            (
                "points.toml, line 2: default_programme: 'ring' is not allowed. "
                "Allowed: the name of a programme of this file"
            ),
        ),
        (
            '"Asia/Bangkok"',
            '"Asia/Bankok"',
            (
                "points.toml, line 5: programme.circle.timezone: 'Asia/Bankok' is not allowed. "
                "Allowed: the name of an IANA time zone, such as Europe/Berlin"
            ),
        ),
        (
            '"Asia/Bangkok"',
            '"/etc/passwd"',
            "line 5: programme.circle.timezone: '/etc/passwd' is not allowed",
        ),
        (
            '"EUR"',
            '"euro"',
            "line 6: programme.circle.currency: 'euro' is not allowed. Allowed: an ISO 4217 code",
        ),
        (
            '= "1"',
            "= 1.5",
            "line 10: programme.circle.terms[0].points_per_unit: 1.5 is not allowed. Allowed: a dec",
        ),
        ('= "1"', '= "1,5"', "points_per_unit: '1,5' is not allowed"),
        ('= "1"', '= "-1"', "points_per_unit: '-1' is not allowed"),
        ('= "1"', '= "1\\n"', "points_per_unit: '1\\n' is not allowed"),
        (
            "validity_months = 12",
            "validity_months = -1",
            "line 11: programme.circle.terms[0].validity_months: -1",
        ),
        ("validity_months = 12", "validity_months = true", "validity_months: True is not allowed"),
        (
            "validity_months = 12",
            "",
            "line 8: programme.circle.terms[0].validity_months: is missing. Allowed: a w",
        ),
        (
            '"clamp"',
            '"drop"',
            """line 12: programme.circle.terms[0].clawback: 'drop' is not allowed. Allowed: "cl""",
        ),
        (
            "1990-01-01",
            "1990-01-01T00:00:00",
            "line 9: programme.circle.terms[0].effective_from: 1990-01-01 00:00:00",
        ),
        ("clawback =", "claw_back =", "line 12: programme.circle.terms[0].claw_back: is not known"),
        (
            "threshold = 5000",
            "threshold = 1000",
            (
                "points.toml, line 15: programme.circle.terms[0].tiers[1].threshold: 1000 is not allowed. "
                "Allowed: a whole number from 1 to 1000000000000, greater than that of the tier before"
            ),
        ),
        (
            "threshold = 1000",
            "threshold = 0",
            "line 14: programme.circle.terms[0].tiers[0].threshold: 0 is not allow",
        ),
        ('"1.5"', '"1.2"', "line 15: programme.circle.terms[0].tiers[1].multiplier: '1.2' is not allowed"),
        ('"1.25"', '"0.5"', "tiers[0].multiplier: '0.5' is not allowed"),
        ('name = "gold"', 'name = "silver"', "tiers[1].name: 'silver' is not allowed"),
        ('name = "gold"', 'name = "base"', "tiers[1].name: 'base' is not allowed"),
        ("[programme.circle]", "[programme.'my circle']", "a name that is not allowed"),
    ],
)
def test_a_wrong_value_is_named_with_its_place_and_what_is_allowed(was: str, becomes: str, said: str) -> None:
    assert was in CIRCLE
    assert said in refusal(CIRCLE.replace(was, becomes))


def test_terms_that_do_not_ascend_are_refused() -> None:
    said = refusal(CIRCLE + SECOND_TERMS.replace("2024-07-01", "1990-01-01"))
    assert "line 19: programme.circle.terms[1].effective_from: 1990-01-01 is not allowed" in said
    assert "later than that of the terms before" in said


def test_a_file_without_programmes_or_terms_is_refused() -> None:
    assert "programme: is missing" in refusal('default_programme = "x"')
    without_terms = CIRCLE[: CIRCLE.index("[[programme")]
    assert "programme.circle.terms: is missing. Allowed: 1 to 1000 tables" in refusal(without_terms)


def test_everything_wrong_is_said_at_once_within_bounds() -> None:
    said = refusal(
        CIRCLE.replace('"EUR"', '"x"').replace("= 12", "= -1").replace('"clamp"', '"' + "y" * 9999 + '"')
    )
    assert said.count("is not allowed") == 3
    assert len(said) < 2000


def test_both_ways_of_clawing_back_are_read() -> None:
    assert [parse(each, "x").default.terms[0].clawback for each in (CIRCLE, NEGATIVE)] == [
        "clamp",
        "allow_negative",
    ]
