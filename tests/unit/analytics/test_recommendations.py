"""The order of recommendations, in which nothing is rounded."""

from datetime import UTC, datetime, timedelta
from fractions import Fraction

from services.projections.analytics.recommendations import Association, Bought, recommended

NOON = datetime(2026, 7, 1, 12, tzinfo=UTC)
BOUGHT = {sku: Bought(f"o-{sku}", NOON + timedelta(days=day)) for day, sku in enumerate("abc")}


def rule(sku: str, then_sku: str, together: int, with_item: int, with_then: int) -> Association:
    return Association(sku, then_sku, together, with_item, with_then, 1000)


def test_by_confidence_then_lift_then_sku() -> None:
    rules = [
        rule("a", "z", 10, 20, 40),
        rule("a", "y", 10, 20, 40),
        rule("a", "x", 10, 20, 30),
        rule("a", "w", 11, 20, 500),
    ]
    assert [each.rule.then_sku for each in recommended(rules, BOUGHT, 10)] == ["w", "x", "y", "z"]
    assert [each.rule.then_sku for each in recommended(rules, BOUGHT, 2)] == ["w", "x"]


def test_what_differs_by_less_than_a_float_can_tell_is_still_in_order() -> None:
    large = 10**17
    rules = [
        rule("a", "lesser", large - 1, large + 1, 5),
        rule("b", "greater", large, large + 2, 5),
    ]
    assert rules[0].confidence < rules[1].confidence
    assert float(rules[0].confidence) == float(rules[1].confidence)
    assert [each.rule.then_sku for each in recommended(rules, BOUGHT, 10)] == ["greater", "lesser"]


def test_the_best_rule_to_an_item_counts_and_of_equal_ones_that_of_the_latest_purchase() -> None:
    rules = [rule("a", "z", 5, 20, 40), rule("b", "z", 6, 20, 40), rule("c", "z", 3, 10, 40)]
    [found] = recommended(rules, BOUGHT, 10)
    assert (found.rule.sku, found.because.order_id) == ("c", "o-c")
    assert found.rule.confidence == Fraction(3, 10)
    assert found.rule.lift == Fraction(1000 * 3, 10 * 40)
