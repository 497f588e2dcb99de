"""Where a registry's answers may lead us: never from outside into this machine or its network.

What is checked is the address that is connected to, not a name that may have two (faults, S12).
"""

import ipaddress

from ollama_nb.errors import UnsafeAddress

_NAT64 = ipaddress.ip_network("64:ff9b::/96")
_INSIDE = [
    ipaddress.ip_network(network)
    for network in (
        "192.0.0.0/24", "fec0::/10", "::/96", "::ffff:0:0:0/96", "64:ff9b:1::/48",
    )
]  # fmt: skip
"""What some versions of Python take for public, or may lead to an address in IPv4."""


def is_public(address: str) -> bool:
    """Whether an IP address belongs to the whole world."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        if ip in _NAT64:
            return is_public(str(ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)))
        inner = ip.ipv4_mapped or ip.sixtofour
        if inner:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast and not any(ip in inside for inside in _INSIDE)


class Reach:
    """What one operation may connect to: the host that the user named tells by its address."""

    def __init__(self, host: str) -> None:
        """``host`` as in a URL, without its port."""
        self._host = host.lower()
        self._outside: bool | None = None
        """Whether that host is public; not known before it was connected to."""

    def check(self, host: str, address: str) -> None:
        """Before a connection. Raises UnsafeAddress."""
        if self._outside is None and host.lower() == self._host:
            return
        if self._outside is not False and not is_public(address):
            raise UnsafeAddress.inside(host)

    def connected(self, host: str, address: str) -> None:
        """After it."""
        if self._outside is None and host.lower() == self._host:
            self._outside = is_public(address)
