"""The keys of a deployment in `control.credentials`: made, listed, revoked, and read whole by services."""

from datetime import datetime
from typing import Final, NamedTuple

import asyncpg

from shared.credentials.bearer import Bearer
from shared.credentials.token import Kind, NewKey
from shared.events.vocabulary import Channel
from shared.senders import SourceRegistration

CHANNEL: Final = "rapport_credentials"
"""Where a change of keys is announced."""
MOST_KEYS: Final = 10_000
"""Most keys in force at a time; services hold all of them in memory."""

_ONE_AT_A_TIME: Final = 0x6B657973
_ON_DISK: Final = (
    "set local synchronous_commit = on"  # a key that was revoked must not come back after a crash
)
_COLUMNS: Final = (
    "credential_id, kind, name, secret_hash, source_prefixes, channel, phone_region, roles, purposes, "
    "requests_per_minute, created_at, revoked_at"
)
_REVISION: Final = "select count(*) as made, count(revoked_at) as revoked from control.credentials"
_IN_FORCE: Final = f"select {_COLUMNS} from control.credentials where revoked_at is null limit {MOST_KEYS}"  # noqa: S608


class Binding(NamedTuple):
    """What a key is bound to; `prefixes`, `channel` and `phone_region` for source keys, the rest for readers."""

    prefixes: tuple[str, ...] = ()
    channel: Channel | None = None
    phone_region: str | None = None
    roles: tuple[str, ...] = ()
    purposes: tuple[str, ...] | None = None
    requests_per_minute: int | None = None


class StoredKey(NamedTuple):
    """A key without its secret."""

    key_id: str
    kind: Kind
    name: str
    secret_hash: bytes
    binding: Binding
    created_at: datetime
    revoked_at: datetime | None

    def bearer(self) -> Bearer:
        """Whoever presents this key."""
        binding = self.binding
        return Bearer(
            name=f"key:{self.key_id}",
            prefixes=binding.prefixes,
            registered=SourceRegistration(binding.channel, binding.phone_region),
            roles=frozenset(binding.roles),
            purposes=None if binding.purposes is None else frozenset(binding.purposes),
            requests_per_minute=binding.requests_per_minute,
        )


class Revision(NamedTuple):
    """How many keys were ever made, and how many of them revoked: another one tells that keys changed."""

    made: int
    revoked: int


class TooManyKeysError(Exception):
    """As many keys are in force as services hold; the message says what to do."""


class UnknownKeyError(Exception):
    """No key has this id; the message says where to look."""


async def revision(connection: asyncpg.Connection) -> Revision:
    """Where the keys stand; no key was ever made where their table is not there yet."""
    try:
        [row] = await connection.fetch(_REVISION)
    except (asyncpg.UndefinedTableError, asyncpg.InvalidSchemaNameError):
        return Revision(0, 0)
    return Revision(row["made"], row["revoked"])


async def keys_in_force(connection: asyncpg.Connection) -> dict[str, StoredKey]:
    """The keys that are not revoked, by id; at most `MOST_KEYS`."""
    return {row["credential_id"]: _key(row) for row in await connection.fetch(_IN_FORCE)}


async def make_key(
    connection: asyncpg.Connection, new: NewKey, kind: Kind, name: str, binding: Binding
) -> None:
    """Keeps a new key, and announces it. Raises `TooManyKeysError`."""
    async with connection.transaction():
        await connection.execute(_ON_DISK)
        await connection.execute("select pg_advisory_xact_lock($1)", _ONE_AT_A_TIME)
        made, revoked = await revision(connection)
        if made - revoked >= MOST_KEYS:
            raise TooManyKeysError(f"{MOST_KEYS} keys are in force; revoke some with `rapport keys revoke`")
        await connection.execute(
            "insert into control.credentials (credential_id, kind, name, secret_hash, source_prefixes, channel, "
            "phone_region, roles, purposes, requests_per_minute) "
            "values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            new.key_id,
            kind,
            name,
            new.secret_hash,
            list(binding.prefixes),
            binding.channel,
            binding.phone_region,
            list(binding.roles),
            None if binding.purposes is None else list(binding.purposes),
            binding.requests_per_minute,
        )
        await _announce(connection)


async def revoke_key(connection: asyncpg.Connection, key_id: str) -> bool:
    """Revokes a key for good, and announces it; False where it was revoked before. Raises `UnknownKeyError`."""
    async with connection.transaction():
        await connection.execute(_ON_DISK)
        changed = await connection.fetchval(
            "update control.credentials set revoked_at = now() "
            "where credential_id = $1 and revoked_at is null returning true",
            key_id,
        )
        if changed is None and not await connection.fetchval(
            "select exists (select from control.credentials where credential_id = $1)", key_id
        ):
            raise UnknownKeyError(f"no key has the id {key_id!r}; `rapport keys list --revoked` shows all")
        await _announce(connection)
        return changed is not None


async def listed_keys(connection: asyncpg.Connection, *, revoked: bool, most: int) -> list[StoredKey]:
    """The newest keys, with those that are revoked or without."""
    rows = await connection.fetch(
        f"select {_COLUMNS} from control.credentials where $1 or revoked_at is null "  # noqa: S608 - constants
        "order by created_at desc, credential_id limit $2",
        revoked,
        most,
    )
    return [_key(row) for row in rows]


async def _announce(connection: asyncpg.Connection) -> None:
    await connection.execute("select pg_notify($1, '')", CHANNEL)


def _key(row: asyncpg.Record) -> StoredKey:
    binding = Binding(
        prefixes=tuple(row["source_prefixes"]),
        channel=row["channel"],
        phone_region=row["phone_region"],
        roles=tuple(row["roles"]),
        purposes=None if row["purposes"] is None else tuple(row["purposes"]),
        requests_per_minute=row["requests_per_minute"],
    )
    return StoredKey(
        row["credential_id"],
        row["kind"],
        row["name"],
        row["secret_hash"],
        binding,
        row["created_at"],
        row["revoked_at"],
    )
