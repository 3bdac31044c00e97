"""Attributes of many customers, opened for a rule that asks for them."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from services.projections.read_models.profile import CATEGORIES, Told
from shared.field_cipher import Sealing
from shared.http.problems import Problem
from shared.personal_data.key_store import KeyStoreUnavailableError
from shared.personal_data.opener import Opener, SealedValue

_RETRY_SECONDS: Final = 1


async def opened_profiles(opener: Opener, profiles: Sequence[Mapping[str, Told]]) -> list[dict[str, Any]]:
    """The values of each profile, personal ones opened; those whose key is gone are left out.

    Nothing is noted of it: whoever calls says of whom what was shown. Raises the problem 503 `key_store_unavailable`.
    """
    sealed = [
        (place, name, SealedValue(told["value"], Sealing(told["party"], CATEGORIES[name], told["event_id"])))
        for place, profile in enumerate(profiles)
        for name, told in profile.items()
        if name in CATEGORIES
    ]
    try:
        values = await opener.open([value for _, _, value in sealed])
    except KeyStoreUnavailableError as error:
        detail = f"personal data cannot be opened now: {error}; send it again"
        raise Problem(503, "key_store_unavailable", detail, retry_after_seconds=_RETRY_SECONDS) from error
    opened = [
        {name: told["value"] for name, told in profile.items() if name not in CATEGORIES}
        for profile in profiles
    ]
    for (place, name, _), value in zip(sealed, values, strict=True):
        if value is not None:
            opened[place][name] = value
    return opened
