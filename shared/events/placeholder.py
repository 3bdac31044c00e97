"""Values that systems send where they know nothing: they identify nobody."""

import re

_WORDS = frozenset({"", "-1", "null", "none", "unknown", "anonymous"})
_ONLY_ZEROS_OR_DASHES = re.compile(r"[0\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]*")


def is_placeholder(value: str) -> bool:
    """Whether a value is empty, a word for nothing, or only zeros or dashes; case and spaces do not count."""
    compact = "".join(value.split()).lower()
    return compact in _WORDS or _ONLY_ZEROS_OR_DASHES.fullmatch(compact) is not None
