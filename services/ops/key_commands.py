"""What `rapport keys` does: checks what a key is to be bound to, makes it, lists, revokes."""

import re
import secrets
from collections.abc import Collection
from pathlib import Path
from typing import Any, Final, NamedTuple, cast, get_args

import phonenumbers
from rich.markup import escape
from rich.table import Table

from services.api.access.purposes import PURPOSES
from services.api.access.roles import ROLES
from services.ops.operations import connected, console, operating, print_json, say
from shared.credentials.bearer import OWN_SOURCES, is_own
from shared.credentials.stored_keys import (
    Binding,
    StoredKey,
    listed_keys,
    make_key,
    revoke_key,
)
from shared.credentials.token import Kind, new_key, presented
from shared.events.vocabulary import Channel
from shared.settings_errors import WrongSettingsError

_CHANNELS: Final = get_args(Channel)
_MOST_CHARACTERS: Final = 256
_PREFIX: Final = re.compile(r"[^\s\x00-\x1f\x7f?#]+")


class Wanted(NamedTuple):
    """A key as it was asked for."""

    name: str
    sources: tuple[str, ...]
    channel: str | None
    phone_region: str | None
    roles: tuple[str, ...]
    purposes: tuple[str, ...] | None
    requests_per_minute: int | None


def run_create(data: Path, wanted: Wanted, *, as_json_: bool) -> None:
    """`rapport keys create`. The only time that anybody sees the secret."""
    with operating(data) as settings:
        kind, binding = _binding(wanted)
        made = new_key(kind, secrets.token_bytes)
        connected(
            settings, "make a key", lambda connection: make_key(connection, made, kind, wanted.name, binding)
        )
        if as_json_:
            print_json({"key_id": made.key_id, "key": made.token, "kind": kind, "name": wanted.name})
            return
        screen = console()
        screen.print(f"\n  [bold]{escape(made.token)}[/]\n", soft_wrap=True)
        screen.print(
            f"  The {kind} key {made.key_id} of {escape(wanted.name)}. Keep it now: it is shown this once."
        )
        screen.print(
            "  Send it as [bold]Authorization: Bearer KEY[/]; services take it up within a second.\n"
        )


def run_list(data: Path, most: int, *, revoked: bool, as_json_: bool) -> None:
    """`rapport keys list`."""
    with operating(data) as settings:
        found = connected(
            settings, "list keys", lambda connection: listed_keys(connection, revoked=revoked, most=most)
        )
    if as_json_:
        print_json({"keys": [_told(each) for each in found]})
        return
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("id", "kind", "name", "bound to", "a minute", "made", "revoked"):
        table.add_column(column, no_wrap=column == "id")
    for each in found:
        rate = each.binding.requests_per_minute
        ended = "" if each.revoked_at is None else f"{each.revoked_at:%Y-%m-%d %H:%M}"
        table.add_row(
            each.key_id,
            each.kind,
            escape(each.name),
            escape(_bound_to(each.binding)),
            "any" if rate is None else f"{rate:,}",
            f"{each.created_at:%Y-%m-%d %H:%M}",
            ended,
        )
    console().print(table if found else "No keys: `rapport keys create` makes one.")


def run_revoke(data: Path, key_id: str, *, as_json_: bool) -> None:
    """`rapport keys revoke`. Takes a whole key too, so that whoever found one need not know its parts."""
    with operating(data) as settings:
        whole = presented(key_id.encode())
        named = key_id if whole is None else whole.key_id
        changed = connected(settings, "revoke a key", lambda connection: revoke_key(connection, named))
        sentence = "Revoked; services refuse it within a second." if changed else "It was revoked before."
        say(as_json_, {"key_id": named, "revoked": True, "changed": changed}, sentence)


def _binding(wanted: Wanted) -> tuple[Kind, Binding]:
    """Raises `WrongSettingsError`, which names the option."""
    if bool(wanted.sources) == bool(wanted.roles):
        raise WrongSettingsError(
            "give either --source, for a key to send with, or --role, for one to read with"
        )
    if not 0 < len(wanted.name.strip()) <= _MOST_CHARACTERS:
        raise WrongSettingsError(f"--name: 1 to {_MOST_CHARACTERS} characters")
    rate = wanted.requests_per_minute
    if wanted.sources:
        if wanted.purposes is not None:
            raise WrongSettingsError("--purpose is for keys to read with, which --role makes")
        _known("--channel", () if wanted.channel is None else (wanted.channel,), _CHANNELS)
        region = wanted.phone_region
        _known("--phone-region", () if region is None else (region,), phonenumbers.SUPPORTED_REGIONS)
        prefixes = tuple(dict.fromkeys(_prefix(each) for each in wanted.sources))
        channel = cast("Channel | None", wanted.channel)
        return "source", Binding(prefixes, channel, region, requests_per_minute=rate)
    if wanted.channel is not None or wanted.phone_region is not None:
        raise WrongSettingsError(
            "--channel and --phone-region are for keys to send with, which --source makes"
        )
    _known("--role", wanted.roles, ROLES)
    _known("--purpose", wanted.purposes or (), PURPOSES)
    return "reader", Binding(roles=wanted.roles, purposes=wanted.purposes, requests_per_minute=rate)


def _known(option: str, given: Collection[str], known: Collection[str]) -> None:
    for each in given:
        if each not in known:
            shown = ", ".join(known) if len(known) < len(_CHANNELS) * 2 else "two capital letters, such as DE"
            raise WrongSettingsError(f"{option} {each!r} is not known; one of {shown}")


def _prefix(source: str) -> str:
    if not _PREFIX.fullmatch(source) or len(source) > _MOST_CHARACTERS:
        raise WrongSettingsError(
            f"--source {source!r}: a source such as /store/1, at most {_MOST_CHARACTERS} characters"
        )
    prefix = source.rstrip("/")
    if is_own(prefix):
        raise WrongSettingsError(f"--source {source!r}: {OWN_SOURCES} and what is below it are Rapport's own")
    return prefix


def _told(key: StoredKey) -> dict[str, Any]:
    binding = key.binding
    bound: dict[str, Any] = (
        {
            "sources": [prefix or "/" for prefix in binding.prefixes],
            "channel": binding.channel,
            "phone_region": binding.phone_region,
        }
        if key.kind == "source"
        else {"roles": list(binding.roles), "purposes": binding.purposes and list(binding.purposes)}
    )
    return {
        "key_id": key.key_id,
        "kind": key.kind,
        "name": key.name,
        **bound,
        "requests_per_minute": binding.requests_per_minute,
        "created_at": key.created_at.isoformat(),
        "revoked_at": None if key.revoked_at is None else key.revoked_at.isoformat(),
    }


def _bound_to(binding: Binding) -> str:
    if binding.prefixes:
        parts = [
            ", ".join(prefix or "/" for prefix in binding.prefixes),
            binding.channel,
            binding.phone_region,
        ]
        return "; ".join(each for each in parts if each)
    roles = ", ".join(binding.roles)
    return roles if binding.purposes is None else f"{roles}; for {', '.join(binding.purposes) or 'nothing'}"
