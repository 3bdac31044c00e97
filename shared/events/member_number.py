"""One way of writing a member number, for identifiers of type `member` and for the accounts of loyalty
events.
"""

import re

_SPACES_AND_DASHES = re.compile(r"[\s\-\u00ad\u2010-\u2015\u2212\ufe58\ufe63\uff0d]+")


def normalised_member_number(written: str) -> str:
    """Without spaces and dashes, in upper case; repeating it changes nothing. Empty where nothing else was
    there.
    """
    if written.isascii() and written.isalnum():
        return written.upper()
    return _SPACES_AND_DASHES.sub("", written).upper()
