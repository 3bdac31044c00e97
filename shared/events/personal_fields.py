"""Which fields of an event class are personal data, derived from their `personal(category)` marks."""

from collections.abc import Mapping
from functools import lru_cache, reduce
from operator import or_
from types import UnionType
from typing import Annotated, Any, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from msgspec import Meta, Struct, defstruct
from msgspec.structs import asdict, fields

from shared.events.vocabulary import PersonalCategory

PersonalFields: TypeAlias = "Mapping[str, PersonalCategory | PersonalFields]"
"""By field name its category, or the same again for a group of fields."""

_Declared = TypeVar("_Declared", bound=Struct)
_CLASSES = 256
_SealedText = Annotated[str, Meta(max_length=1024 * 1024)]


@lru_cache(maxsize=_CLASSES)
def personal_fields(struct: type[Struct]) -> PersonalFields:
    """The personal fields of a struct; empty where it has none."""
    found: dict[str, PersonalCategory | PersonalFields] = {}
    for name, hint in get_type_hints(struct, include_extras=True).items():
        for option in _options(hint):
            category = _category(option)
            group = (
                personal_fields(option) if isinstance(option, type) and issubclass(option, Struct) else None
            )
            if category or group:
                found[name] = category or group or {}
    return found


@lru_cache(maxsize=_CLASSES)
def sealable(struct: type[Struct]) -> type[Struct]:
    """A subclass whose personal fields also take sealed values; otherwise as strict as `struct` itself."""
    hints = get_type_hints(struct, include_extras=True)
    defaults = {field.name: field for field in fields(struct)}
    widened: list[Any] = []
    for name, category in personal_fields(struct).items():
        options = [_widened(option, sealed=isinstance(category, str)) for option in _options(hints[name])]
        hint = reduce(or_, options)
        field = defaults[name]
        widened.append((name, hint) if field.required else (name, hint, field.default))
    return defstruct(f"Sealable{struct.__name__}", widened, bases=(struct,), module=__name__)


def as_declared(value: Struct, declared: type[_Declared]) -> _Declared:
    """An instance of `declared` with the fields of an instance of its sealable subclass."""
    values = asdict(value)
    for name, group in personal_fields(declared).items():
        if not isinstance(group, str) and isinstance(values[name], Struct):
            values[name] = as_declared(values[name], type(values[name]).__bases__[0])
    return declared(**values)


def _options(hint: Any) -> tuple[Any, ...]:
    return get_args(hint) if get_origin(hint) in (Union, UnionType) else (hint,)


def _category(option: Any) -> PersonalCategory | None:
    if get_origin(option) is Annotated:
        for mark in option.__metadata__:
            if isinstance(mark, Meta) and mark.extra and "personal" in mark.extra:
                category: PersonalCategory = mark.extra["personal"]
                return category
    return None


def _widened(option: Any, *, sealed: bool) -> Any:
    if not sealed:
        return sealable(option) if isinstance(option, type) and issubclass(option, Struct) else option
    if _category(option) is None:
        return option
    return _SealedText if option.__origin__ is str else option | _SealedText
