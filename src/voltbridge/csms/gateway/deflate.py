"""permessage-deflate (RFC 7692) without a compressor per connection.

Outgoing messages are compressed one by one, each with a context of its own (``server_no_context_takeover``, which asks
nothing of the client); that is always legal and leaves nothing behind between messages. For incoming ones the offer
decides: a client that offers ``client_no_context_takeover`` is held to it, and one that lets its window be limited is
told a small one. One that offers neither is asked for ``client_no_context_takeover`` all the same, which needs no offer
(RFC 7692 7.1.1.2): its window would be 32 KiB for as long as it is connected. Of 200 connections with sixty MeterValues
each, 39 KiB a connection became 0.4, for a third more bytes on the wire; a window of 4 KiB is 10 KiB. Nothing else is
answered that the client did not offer.
"""

from __future__ import annotations

import re
import zlib
from dataclasses import dataclass
from typing import Final

__all__ = ["CLIENT_WINDOW_BITS", "Deflate", "InflateError", "Inflater", "MessageTooBig", "compress", "negotiate"]

CLIENT_WINDOW_BITS: Final = 12
"""The window a client is limited to where it allows that: 4 KiB instead of 32 KiB kept per connection."""

_MAX_BITS: Final = 15
_MIN_ZLIB_BITS: Final = 9
"""zlib makes no raw deflate data for the smallest window of the RFC, 8; nothing is compressed for it."""
_TAIL: Final = b"\x00\x00\xff\xff"
_MAX_STREAMS: Final = 16
"""Final blocks a message may contain (RFC 7692 7.2.3.5); more only waste our time."""

_OFFER: Final = re.compile(r'\s*([!#$%&\'*+.^_`|~0-9A-Za-z-]+)\s*(?:=\s*(?:"([^"\\]*)"|([^\s;,"]+))\s*)?([;,]|\Z)')
_BITS: Final = re.compile(r"[89]|1[0-5]")


class InflateError(Exception):
    """The data is no deflate stream."""


class MessageTooBig(Exception):
    """The message exceeds the limit."""


@dataclass(frozen=True, slots=True)
class Deflate:
    """What was agreed with one client."""

    server_bits: int = _MAX_BITS
    """Window of our compressor."""
    client_bits: int = _MAX_BITS
    """Window of the client's compressor."""
    client_takeover: bool = True
    """Whether the client's compressor goes on from one message to the next."""
    header: str = ""
    """The Sec-WebSocket-Extensions header that says so."""


def negotiate(offers: str) -> Deflate | None:
    """Accept the first acceptable offer of a Sec-WebSocket-Extensions header (RFC 7692 5, 7.1), or none."""
    for name, parameters in _parse(offers):
        if name == "permessage-deflate" and (agreed := _accept(parameters)) is not None:
            return agreed
    return None


def _parse(header: str) -> list[tuple[str, list[tuple[str, str | None]]]]:
    """The extensions of a header with their parameters, in order; empty when the header is malformed."""
    extensions: list[tuple[str, list[tuple[str, str | None]]]] = []
    position, starts = 0, True
    while position < len(header):
        match = _OFFER.match(header, position)
        if match is None:
            return []
        name, quoted, plain, end = match.groups()
        value = quoted if quoted is not None else plain
        if starts:
            if value is not None:
                return []
            extensions.append((name.lower(), []))
        else:
            extensions[-1][1].append((name.lower(), value))
        starts = end != ";"
        position = match.end()
    return extensions


def _accept(parameters: list[tuple[str, str | None]]) -> Deflate | None:
    """The answer to one offer, or None when it has an unknown, repeated or malformed parameter (RFC 7692 7.1)."""
    offered = dict(parameters)
    if len(offered) != len(parameters):
        return None
    answer = ["permessage-deflate", "server_no_context_takeover"]
    server_bits = client_bits = _MAX_BITS
    takeover = True
    for name, value in offered.items():
        match name:
            case "server_no_context_takeover" if value is None:
                pass
            case "client_no_context_takeover" if value is None:
                takeover = False
                answer.append(name)
            case "server_max_window_bits" if value is not None and _BITS.fullmatch(value):
                server_bits = int(value)
                answer.append(f"{name}={server_bits}")
            case "client_max_window_bits" if value is None or _BITS.fullmatch(value):
                client_bits = min(int(value or _MAX_BITS), CLIENT_WINDOW_BITS)
                answer.append(f"{name}={client_bits}")
            case _:
                return None
    if takeover and "client_max_window_bits" not in offered:
        takeover = False
        answer.append("client_no_context_takeover")
    return Deflate(server_bits, client_bits, takeover, "; ".join(answer))


def compress(deflate: Deflate, message: bytes) -> bytes | None:
    """The payload of a compressed message, or None when compressing it cannot or does not help."""
    if deflate.server_bits < _MIN_ZLIB_BITS:
        return None
    # A window larger than the message only costs memory and the time to clear it.
    bits = max(_MIN_ZLIB_BITS, min(deflate.server_bits, len(message).bit_length()))
    compressor = zlib.compressobj(wbits=-bits, memLevel=min(8, bits - 6))
    data = compressor.compress(message) + compressor.flush(zlib.Z_SYNC_FLUSH)
    data = data.removesuffix(_TAIL)
    return data if len(data) < len(message) else None


class Inflater:
    """The receiving side of one connection; keeps a window only where the client takes its context over."""

    __slots__ = ("_bits", "_stream", "_takeover")

    def __init__(self, deflate: Deflate) -> None:
        # A raw inflater must have at least the window that the data was made with, and zlib has none below 9.
        self._bits = -max(_MIN_ZLIB_BITS, deflate.client_bits)
        self._takeover = deflate.client_takeover
        self._stream = zlib.decompressobj(self._bits) if self._takeover else None

    def inflate(self, payload: bytes | bytearray, limit: int) -> bytes:
        """A message's data. Raises MessageTooBig beyond ``limit`` bytes, InflateError for data that is not deflate."""
        stream = self._stream or zlib.decompressobj(self._bits)
        data = bytes(payload) + _TAIL
        parts: list[bytes] = []
        room = limit + 1
        try:
            for _ in range(_MAX_STREAMS):
                part = stream.decompress(data, room)
                parts.append(part)
                room -= len(part)
                if room <= 0 or stream.unconsumed_tail:
                    raise MessageTooBig
                if not stream.eof:
                    break
                # After a final block the next begins afresh; the tail that ends every message is no data.
                data = stream.unused_data
                stream = zlib.decompressobj(self._bits)
                if data == _TAIL:
                    break
            else:
                raise InflateError("too many final blocks")
        except zlib.error as error:
            raise InflateError(str(error)) from None
        if self._takeover:
            self._stream = stream
        return b"".join(parts)
