"""Which host names this server answers to, and which origins are its own pages. Pure functions on header values.

There is no login yet, so a page elsewhere must not reach the API through the owner's browser. A hostile page
can point a name of its own at 127.0.0.1 (DNS rebinding) and is then, to the browser, on our origin; the `Host`
header still carries the hostile name. Answered are names that nobody can point here from the public DNS:
addresses, `localhost`, single-label names and the suffixes kept for private networks. Others are the owner's
to add. Knows nothing of requests or responses.
"""

import ipaddress
import re
from typing import NamedTuple

PRIVATE_SUFFIXES = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
"""Not delegated in the public DNS: RFC 6761, RFC 6762, RFC 8375, ICANN's reservation of `internal`, and custom."""

_AUTHORITY = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::(?P<port>[0-9]{1,5}))?")
_LABEL = re.compile(r"[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?")
_DEFAULT_PORTS = {"http": 80, "https": 443}


class _Authority(NamedTuple):
    """`name[:port]` as a browser would compare it: lower case, no trailing dot, addresses in one spelling."""

    name: str
    port: int | None
    is_address: bool


def is_allowed_host(host_header: str, allowed_hosts: tuple[str, ...]) -> bool:
    """Whether a request for `host_header` is answered.

    `allowed_hosts` holds whole names; a leading `.` or `*.` lets in the subdomains, but not the name itself.
    """
    host = _parse(host_header)
    if host is None:
        return False
    if host.is_address or "." not in host.name or host.name.endswith(PRIVATE_SUFFIXES):
        return True
    return any(_matches(host.name, allowed) for allowed in allowed_hosts)


def is_same_origin(origin: str, host_header: str) -> bool:
    """Whether a page of `origin` was served under `host_header`.

    Schemes are not compared: behind a proxy that ends TLS the page is https while we are spoken to in http.
    What that lets in is a page under our own name and port in the other scheme, which is ours too.
    """
    scheme, separator, rest = origin.partition("://")
    default_port = _DEFAULT_PORTS.get(scheme.lower())
    page, host = _parse(rest), _parse(host_header)
    if not separator or default_port is None or page is None or host is None:
        return False  # `null`, an extension, nonsense
    return page.name == host.name and (page.port or default_port) == (host.port or default_port)


def _parse(authority: str) -> _Authority | None:
    """The parts of `name[:port]`; None for anything else, such as `user@name`, two names or a bare IPv6 address."""
    match = _AUTHORITY.fullmatch(authority.lower())
    if match is None:
        return None
    name, port = match["name"].removesuffix("."), int(match["port"]) if match["port"] else None
    if port is not None and not 0 < port < 65536:
        return None
    try:
        # Only the canonical spellings are addresses here. A browser turns `0x7f.1` and `2130706433` into
        # 127.0.0.1 before it sends them, so a Host that still reads so is not from a browser's address bar.
        address = ipaddress.IPv6Address(name[1:-1]) if name.startswith("[") else ipaddress.IPv4Address(name)
    except ValueError:
        if name.startswith("[") or not all(_LABEL.fullmatch(label) for label in name.split(".")):
            return None
        return _Authority(name, port, is_address=False)
    return _Authority(str(address), port, is_address=True)


def _matches(name: str, allowed: str) -> bool:
    allowed = allowed.lower().removesuffix(".").removeprefix("*")
    return name.endswith(allowed) if allowed.startswith(".") else name == allowed
