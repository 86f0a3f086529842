"""What a connection may take, and how long things may last."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """The gateway's settings; sizes in bytes, times in seconds."""

    connections: int = 50_000
    """Connections in all; a further one is answered 503."""
    connections_per_address: int | None = None
    """Connections from one remote address; a further one is answered 429. None: no limit, for stations that all come
    through one proxy or one mobile gateway."""
    handshake_s: float = 30.0
    """From the TCP connection to the request's last header, and again from there to the upgrade. Long, because all
    stations may come back at once after a restart."""
    message_bytes: int = 1 << 20
    """The largest message, after inflating; a larger one closes the connection with 1009."""
    messages_per_s: float = 1000.0
    """Messages a connection may bring in the long run; what comes faster waits in its socket."""
    message_burst: int = 2000
    """How many messages may come at once before that rate holds."""
    unanswered_calls: int = 32
    """CALLs of a station that may wait for their answers; a further one is refused."""
    inbox_messages: int = 256
    """Messages that may wait for their handler before nothing more is read from the socket."""
    inbox_bytes: int = 1 << 20
    """The same in bytes."""
    unsent_bytes: int = 4 << 20
    """What may wait for a station that does not read; beyond it the connection is cut."""
    waiting_calls: int = 100
    """Calls to one station that may wait behind the unanswered one; a further one is refused."""
    call_s: float = 30.0
    """How long a station may take to answer, unless the call says otherwise."""
    ping_interval_s: float = 60.0
    """After this silence the station is pinged; 0 never pings."""
    ping_timeout_s: float = 30.0
    """A station still silent so long after the ping is gone."""
    closing_s: float = 3.0
    """How long the station may take to answer a close."""
    takeover_s: float = 15.0
    """How long a newer connection waits until what the older one brought has been handled."""
    compress_from_bytes: int = 1024
    """Outgoing messages from this size on are compressed where the station negotiated it."""
