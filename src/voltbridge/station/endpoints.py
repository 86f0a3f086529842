"""Where and how to connect: the address of a CSMS with everything the handshake needs."""

from __future__ import annotations

import base64
import re
import ssl
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from typing import Final
from urllib.parse import quote

from voltbridge.protocol.versions import Version

__all__ = ["CipherStrictness", "Endpoint", "Tls", "basic_authorization", "connection_url", "proxy_url", "tls_context"]

_KEY: Final = re.compile(r"(?:[0-9A-Fa-f]{2}){16,20}")

_SECURE_CIPHERS: Final = "ECDHE+AESGCM:ECDHE+CHACHA20"
_ALL_CIPHERS: Final = f"{_SECURE_CIPHERS}:DHE+AESGCM:AES128-GCM-SHA256:AES256-GCM-SHA384:ECDHE+AES:@SECLEVEL=1"
"""With the suites of A00.FR.318 that know no forward secrecy, and those of ISO 15118-2."""


class CipherStrictness(StrEnum):
    """What a TLS connection may be encrypted with."""

    SECURE = "only-secure-cyphers"
    ALL = "all-cyphers"


@dataclass(frozen=True, slots=True)
class Tls:
    """How the CSMS is judged, and what the station shows of itself."""

    ca_file: str | None = None
    """PEM, beside nothing else; None: the authorities of the system, unless there is a ``ca_pem``."""
    ca_pem: str | None = None
    """Root certificates as installed; empty: there is none, and nobody is trusted."""
    check_host: bool = True
    """Whether the certificate has to be one of this host; without it, any of a trusted authority will do."""
    ciphers: CipherStrictness = CipherStrictness.SECURE
    certificate_file: str | None = None
    """The station's own certificate chain (security profile 3), with the key in ``key_file``."""
    key_file: str | None = None


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One way to one CSMS."""

    url: str
    """``ws`` or ``wss``, without the identity."""
    identity: str
    versions: tuple[Version, ...]
    """Offered in this order."""
    password: str | None = field(default=None, repr=False)
    """Of HTTP Basic authentication; None: none is sent."""
    tls: Tls = Tls()
    fallback_tls: Tls | None = None
    """How a CSMS is judged that does not pass by ``tls``; None: it is not trusted then."""
    proxy: str = ""
    """``HOST:PORT``, or an http URL; empty: none."""
    connect_timeout_s: float = 60.0
    message_timeout_s: float = 30.0
    ping_interval_s: float = 0.0


def connection_url(endpoint: Endpoint) -> str:
    """The address with the identity as its last part (J-1.6 3.1.1, Part 4 3.1.1).

    With the scheme of HTTP, which proxies understand.
    """
    base, question, query = endpoint.url.partition("?")
    scheme, separator, place = base.partition("://")
    base = {"ws": "http", "wss": "https"}.get(scheme.lower(), scheme) + separator + place
    return f"{base.rstrip('/')}/{quote(endpoint.identity, safe='')}{question}{query}"


def basic_authorization(endpoint: Endpoint) -> str | None:
    """The Authorization header.

    A station that speaks nothing but 1.6 sends the bytes that its AuthorizationKey spells in hexadecimal digits
    (J-1.6 6.2); every other sends the password as text (2.x A00.FR.205).
    """
    if endpoint.password is None:
        return None
    secret = endpoint.password.encode()
    if set(endpoint.versions) == {Version.V16} and _KEY.fullmatch(endpoint.password):
        secret = bytes.fromhex(endpoint.password)
    return "Basic " + base64.b64encode(endpoint.identity.encode() + b":" + secret).decode()


def proxy_url(proxy: str) -> str | None:
    """The proxy's URL from ``HOST:PORT``; port 80 unless another is given."""
    plain = proxy.strip()
    if not plain:
        return None
    return plain if "://" in plain else f"http://{plain}"


@lru_cache(maxsize=64)
def tls_context(tls: Tls) -> ssl.SSLContext:
    """TLS 1.2 or later without compression, made once for all stations of the same settings (A00.FR.313, .321).

    Raises OSError (ssl.SSLError among it) for files that cannot be used.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.options |= ssl.OP_NO_COMPRESSION
    context.set_ciphers(_SECURE_CIPHERS if tls.ciphers is CipherStrictness.SECURE else _ALL_CIPHERS)
    context.check_hostname = tls.check_host
    # A root may be signed by the one that it replaces, and has to do without it one day (M05.FR.13).
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    if tls.ca_file is None and tls.ca_pem is None:
        context.load_default_certs(ssl.Purpose.SERVER_AUTH)
    elif tls.ca_file is not None or tls.ca_pem:
        context.load_verify_locations(cafile=tls.ca_file, cadata=tls.ca_pem or None)
    if tls.certificate_file is not None:
        context.load_cert_chain(tls.certificate_file, tls.key_file)
    return context
