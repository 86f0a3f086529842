"""Which addresses webhooks may reach, held to at the moment of connecting.

The check is made on the addresses that a name resolves to and that are then connected to, so a name cannot say one
thing to the check and another to the connection.
"""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from voltbridge.domain.webhooks import WebhookAddresses

__all__ = ["ForbiddenAddress", "Resolver", "is_public"]

_THREADS: Final = 8
_TRANSLATED: Final = ipaddress.ip_network("64:ff9b::/96")
"""IPv6 addresses that stand for IPv4 ones (RFC 6052)."""


class ForbiddenAddress(OSError):
    """The receiver's address is not public, and only public ones may be reached."""


def is_public(address: str) -> bool:
    """Whether an IP address, as text, is one of the internet."""
    found = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(found, ipaddress.IPv6Address):
        inner = found.ipv4_mapped or found.sixtofour
        if inner is None and found in _TRANSLATED:
            inner = ipaddress.IPv4Address(int(found) & 0xFFFF_FFFF)
        if inner is not None:
            found = inner
        elif found.teredo is not None:
            return False
    return found.is_global and not found.is_multicast and not found.is_reserved


class Resolver(AbstractResolver):
    """Resolves names on threads of its own, so that names without an answer hold up nothing else."""

    def __init__(self, allowed: WebhookAddresses) -> None:
        self._allowed = allowed
        self._threads = ThreadPoolExecutor(_THREADS, thread_name_prefix="voltbridge-webhook-names")

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        """Raises OSError for a name without an address, ForbiddenAddress where none of its addresses is allowed."""

        def look() -> list[ResolveResult]:
            found = socket.getaddrinfo(host, port, family, socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
            return [
                ResolveResult(
                    hostname=host,
                    host=str(address[0]),
                    port=int(address[1]),
                    family=kind,
                    proto=protocol,
                    flags=socket.AI_NUMERICHOST,
                )
                for kind, _, protocol, _, address in found
            ]

        found = await asyncio.get_running_loop().run_in_executor(self._threads, look)
        allowed = [one for one in found if self.allows(one["host"])]
        if found and not allowed:
            raise ForbiddenAddress(f"{host} has no public address")
        return allowed

    def allows(self, address: str) -> bool:
        """Whether an IP address may be reached."""
        return self._allowed is WebhookAddresses.ANY or is_public(address)

    async def close(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)
