"""What an upgrade request says, read before anything is answered.

A station is told in plain HTTP why it is not connected. The path's last segment is the station's identity; nothing
else in the path matters, above all no version (2.1 Part 4, 3.1.2). Where no common subprotocol is found there is no
upgrade (2.0.1 errata 2025-09, TC_B_58_CSMS; Part 4, 3.2 wanted one that is closed at once).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import unquote_to_bytes

from multidict import CIMultiDictProxy

from voltbridge.csms.gateway.deflate import Deflate, negotiate
from voltbridge.domain.admission import Credentials
from voltbridge.domain.identities import identity_problem
from voltbridge.protocol.versions import Version

__all__ = ["Handshake", "HandshakeRefused", "base_url", "read"]

_KEY_SUFFIX: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
_SUBPROTOCOLS: Final = {version.value: version for version in Version}
_SPOKEN: Final = ", ".join(_SUBPROTOCOLS)
_HOST: Final = re.compile(r"(?:[A-Za-z0-9._-]{1,255}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?")


class HandshakeRefused(Exception):
    """The request is answered with this status; the text is for whoever looks at the station's log."""

    def __init__(self, status: int, text: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.headers = headers or {}


@dataclass(frozen=True, slots=True)
class Handshake:
    """A sound upgrade request."""

    identity: str
    version: Version
    credentials: Credentials | None
    deflate: Deflate | None
    accept: str = field(repr=False)
    """The Sec-WebSocket-Accept that answers the client's key."""

    @property
    def response_headers(self) -> dict[str, str]:
        """The headers of the 101 that completes the upgrade."""
        headers = {
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Accept": self.accept,
            "Sec-WebSocket-Protocol": self.version.value,
        }
        if self.deflate is not None:
            headers["Sec-WebSocket-Extensions"] = self.deflate.header
        return headers


def base_url(headers: CIMultiDictProxy[str], *, secure: bool) -> str | None:
    """Where the client reaches this server by HTTP, as far as its request tells; a proxy in between may say more.

    It is told to this client alone, so that a wrong Host harms nobody else.
    """
    host = headers.get("Host", "").strip()
    if not _HOST.fullmatch(host):
        return None
    outside = headers.get("X-Forwarded-Proto", "").partition(",")[0].strip().lower()
    is_secure = secure if outside not in ("http", "https", "ws", "wss") else outside.endswith("s")
    return f"{'https' if is_secure else 'http'}://{host}"


def read(target: str, method: str, headers: CIMultiDictProxy[str], path: str) -> Handshake:
    """What the request with this raw target asks for below ``path``. Raises HandshakeRefused."""
    identity = _identity(target, path)
    if method != "GET" or headers.get("Upgrade", "").strip().lower() != "websocket":
        raise HandshakeRefused(
            426, "charging stations connect here by WebSocket", {"Upgrade": "websocket", "Connection": "Upgrade"}
        )
    if "upgrade" not in _tokens(headers, "Connection", fold=True):
        raise HandshakeRefused(400, "the Connection header does not ask for an upgrade")
    if headers.get("Sec-WebSocket-Version", "").strip() != "13":
        raise HandshakeRefused(426, "only version 13 of WebSocket is spoken here", {"Sec-WebSocket-Version": "13"})
    return Handshake(
        identity=identity,
        accept=_accept(headers.get("Sec-WebSocket-Key", "")),
        version=_version(headers),
        credentials=_credentials(headers.getall("Authorization", [])),
        deflate=negotiate(", ".join(headers.getall("Sec-WebSocket-Extensions", []))),
    )


def _identity(target: str, path: str) -> str:
    segments = target.partition("?")[0]
    if not segments.startswith(f"{path}/"):
        raise HandshakeRefused(404, f"charging stations connect to {path}/ and their identity")
    encoded = segments[len(path) + 1 :]
    try:
        # aiohttp hands bytes that are no UTF-8 on as lone surrogates.
        identity = unquote_to_bytes(encoded.encode("utf-8", "surrogateescape")).decode("utf-8")
    except UnicodeDecodeError:
        raise HandshakeRefused(404, "the identity is not UTF-8") from None
    # A slash that was not encoded is refused like an encoded one: the identity is one segment.
    problem = identity_problem(identity)
    if problem is not None:
        raise HandshakeRefused(404, f"the identity {problem}")
    return identity


def _tokens(headers: CIMultiDictProxy[str], name: str, *, fold: bool = False) -> list[str]:
    """The comma-separated elements of a header that may come more than once."""
    tokens = (token.strip() for line in headers.getall(name, []) for token in line.split(","))
    return [token.lower() if fold else token for token in tokens if token]


def _accept(key: str) -> str:
    key = key.strip()
    try:
        sound = len(base64.b64decode(key, validate=True)) == 16
    except (binascii.Error, ValueError):
        sound = False
    if not sound:
        raise HandshakeRefused(400, "the Sec-WebSocket-Key is not 16 bytes in base64")
    digest = hashlib.sha1(key.encode("ascii") + _KEY_SUFFIX, usedforsecurity=False).digest()
    return base64.b64encode(digest).decode("ascii")


def _version(headers: CIMultiDictProxy[str]) -> Version:
    """The first subprotocol of the client's list that we speak; the list is in its order of preference."""
    offered = _tokens(headers, "Sec-WebSocket-Protocol")
    for name in offered:
        if (version := _SUBPROTOCOLS.get(name)) is not None:
            return version
    said = f"none of the offered subprotocols ({', '.join(offered)[:200]})" if offered else "no subprotocol"
    raise HandshakeRefused(400, f"{said} is spoken here, which are {_SPOKEN}" if offered else f"{said} is offered")


def _credentials(values: list[str]) -> Credentials | None:
    """User name and password of Basic authentication (RFC 7617); None when no Basic credentials are offered.

    The user name ends at the first colon, which no identity contains; all bytes after it are the password: UTF-8 text
    in 2.x (2.0.1 A00.FR.205), raw bytes in 1.6 (J-1.6 6.2.2).
    """
    schemes = (value.strip().partition(" ") for value in values)
    basic = [rest for scheme, _, rest in schemes if scheme.lower() == "basic"]
    if not basic:
        return None
    try:
        username, colon, password = base64.b64decode(basic[0].strip(), validate=True).partition(b":")
        name = username.decode("utf-8")
    except (binascii.Error, ValueError):
        colon = b""
    if not colon or len(basic) > 1:
        raise HandshakeRefused(401, "the Authorization header is malformed", {"WWW-Authenticate": "Basic realm=OCPP"})
    return Credentials(name, password)
