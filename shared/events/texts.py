"""The texts of an event that people write and read, derived from the marks of their types, and their masking."""

from functools import lru_cache
from typing import Annotated, Any, TypeVar, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct
from msgspec.structs import replace

from shared.events.card_numbers import masked, masked_number
from shared.events.vocabulary import FOR_PEOPLE

_CLASSES = 256
_Masked = TypeVar("_Masked", bound=Struct)


@lru_cache(maxsize=_CLASSES)
def text_fields(struct: type[Struct]) -> tuple[str, ...]:
    """The fields that hold such texts, themselves or within: short and long texts, labels, flat maps.

    Ids of other systems, codes, identifiers, amounts, times and places are none.
    """
    hints = get_type_hints(struct, include_extras=True)
    return tuple(name for name, hint in hints.items() if _holds_texts(hint))


def with_masked_cards(value: _Masked) -> _Masked:
    """The same with every payment card number in its texts masked; itself where there is none.

    In flat maps whole numbers are looked at as well, and the names of what they hold.
    """
    changes: dict[str, Any] = {}
    for name in text_fields(type(value)):
        before = getattr(value, name)
        after = _masked_value(before)
        if after is not before and after != before:
            changes[name] = after
    return replace(value, **changes) if changes else value


def _masked_value(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    if isinstance(value, dict):
        return {masked(name): _masked_value(each) for name, each in value.items()}
    if isinstance(value, tuple):
        return tuple(_masked_value(each) for each in value)
    if isinstance(value, Struct):
        return with_masked_cards(value)
    if isinstance(value, int) and not isinstance(value, bool):
        return masked_number(value)
    return value


def _holds_texts(hint: Any) -> bool:
    if get_origin(hint) is Annotated:
        declared, *marks = get_args(hint)
        if any(isinstance(mark, Meta) and mark.extra == FOR_PEOPLE for mark in marks):
            return True
        return _holds_texts(declared)
    if isinstance(hint, type) and issubclass(hint, Struct):
        return bool(text_fields(hint))
    return any(_holds_texts(argument) for argument in get_args(hint))
