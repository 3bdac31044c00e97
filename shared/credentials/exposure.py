"""Where a service may be served as long as no credential could let anybody in."""

import ipaddress
import socket


class ExposedError(Exception):
    """A service would be served to others than this machine, and nobody could come in; the message says what to do."""


def serves_only_this_machine(host: str) -> bool:
    """Whether nobody but this machine reaches a service on a host; False for a name that nobody knows."""
    try:
        found = socket.getaddrinfo(host, None, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    except (OSError, UnicodeError):
        return False
    return bool(found) and all(
        ipaddress.ip_address(str(address[0]).partition("%")[0]).is_loopback for *_, address in found
    )


def exposed(host: str) -> ExposedError:
    """The error for a host that others reach."""
    return ExposedError(
        f"no key was made yet, so everybody who reaches {host} could read and write; it is served on 127.0.0.1 only "
        "until then.\nMake a key first, with RAPPORT_DATABASE_URL set to this deployment's database:\n"
        "  rapport keys create --name till-1 --source /store/1\n"
        "or set RAPPORT_OIDC_ISSUER, RAPPORT_OIDC_AUDIENCE and RAPPORT_OIDC_JWKS, or serve with --host 127.0.0.1."
    )
