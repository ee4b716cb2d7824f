"""Which addresses upstreams of strangers may have: public ones only.

What is looked at is the address of each socket before it is opened, not the name in a URL: a name may lead elsewhere
when it is looked up again, and all that is sent goes through a socket, be it a request, a sign-in or a proxy's tunnel.
"""

import ipaddress
import logging
import socket
from typing import Final

import aiohttp

from scim_bridge.upstream.errors import AddressRefused

_log = logging.getLogger("scim_bridge.upstream")

_V4: Final = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "192.0.0.0/24",  # IETF protocol assignments, of which Python 3.11 knows the first eight only
            "192.88.99.0/24",  # relays of 6to4, withdrawn
            "168.63.129.16/32",  # a public address by number, and the platform's own service on Azure
        ),
    )
)
_UNICAST: Final = ipaddress.IPv6Network("2000::/3")
"""What is assigned to public networks at all (RFC 4291 section 2.4); the rest is local, or for no host."""
_V6: Final = tuple(
    map(
        ipaddress.IPv6Network,
        (
            "2001::/23",  # IETF protocol assignments, Teredo among them
            "2001:db8::/32",
            "3fff::/20",  # documentation, both
        ),
    )
)
_NAT64: Final = ipaddress.IPv6Network("64:ff9b::/96")
"""RFC 6052; the prefix for local use beside it (RFC 8215) is none of the above."""


def is_public(address: str) -> bool:
    """Whether an address, as sockets take them, is one of the public internet; False for a text that is none.

    An IPv6 address that leads to an IPv4 one (mapped, NAT64, 6to4) is what that is.
    """
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        inner = _inner(found)
        if inner is None:
            return found in _UNICAST and not any(found in each for each in _V6)
        found = inner
    return found.is_global and not found.is_multicast and not any(found in each for each in _V4)


def _inner(address: ipaddress.IPv6Address) -> ipaddress.IPv4Address | None:
    """The IPv4 address that packets to this one end at."""
    if address in _NAT64:
        return ipaddress.IPv4Address(address.packed[-4:])
    return address.ipv4_mapped or address.sixtofour


def literal(host: str) -> str | None:
    """The address that a host name is, in any of the spellings that a resolver takes without asking anybody: `127.1`,
    `0x7f000001` and `2130706433` are one. None for a name."""
    host = host.rstrip(".").strip("[]")
    try:
        return str(ipaddress.ip_address(host.partition("%")[0]))
    except ValueError:
        pass
    try:
        return socket.inet_ntoa(socket.inet_aton(host))
    except (OSError, UnicodeError, ValueError):
        return None


class PrivateAddress(OSError):
    """The address that was to be connected to is not public."""

    def __init__(self) -> None:
        super().__init__("the address is not public")  # the same for each: of several, the first is told


class Guard:
    """Keeps the connections of one upstream to public addresses, and logs what it refuses.

    Where a proxy looks names up, it is the proxy that is looked at, and addresses that stand in the place of a name.
    """

    def __init__(self, upstream: str) -> None:
        self._upstream = upstream

    def check(self, host: str) -> None:
        """Raises AddressRefused for a host that is an address, and not a public one."""
        address = literal(host)
        if address is not None and not is_public(address):
            self._log(address)
            raise AddressRefused("", refusal(host))

    def socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        """A socket to connect with. Raises PrivateAddress, before anything is sent."""
        family, kind, protocol, _, address = info
        if not is_public(str(address[0])):
            self._log(str(address[0]))
            raise PrivateAddress
        return socket.socket(family, kind, protocol)

    def _log(self, address: str) -> None:
        # The log alone: who typed in a name is not told what it leads to.
        _log.warning("a private address was refused", extra={"connection": self._upstream, "address": address})


def refusal(host: str) -> str:
    """What an upstream is refused with."""
    return f"{host} has a private address, which needs [server] allow_private_upstreams"
