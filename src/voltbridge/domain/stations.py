"""A charging station: what the operator decided about it, and what it says of itself.

The two halves have different owners and are written apart: ``StationSettings`` by the operator through the API,
``StationReport`` by the station's own messages. ``LiveStation`` is the state kept in memory by the node that owns
the station's connection; handlers work on it and read no database.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from voltbridge.domain.cost_facts import CostFacts
from voltbridge.domain.energy import Readings
from voltbridge.domain.evses import Connector
from voltbridge.domain.transactions import Transaction

__all__ = [
    "AfterBoot",
    "LiveMeter",
    "LiveStation",
    "Onboarding",
    "RegistrationStatus",
    "Station",
    "StationFilter",
    "StationReport",
    "StationSettings",
    "Strictness",
]


class RegistrationStatus(StrEnum):
    """What a BootNotification is answered with (2.0.1 B01, B02, B03)."""

    ACCEPTED = "Accepted"
    PENDING = "Pending"
    REJECTED = "Rejected"


class Onboarding(StrEnum):
    """What happens to a station never seen before."""

    ASK = "ask"
    ACCEPT = "accept"
    REJECT = "reject"


class AfterBoot(StrEnum):
    """What the CSMS asks of its own accord once it has accepted a boot."""

    NONE = "none"
    STATUS = "status"
    """The status of the connectors."""
    PROBE = "probe"
    """The configuration or the device model."""


class Strictness(StrEnum):
    """How messages that break the schema are treated."""

    STRICT = "strict"
    TOLERANT = "tolerant"
    SALVAGE = "salvage"


@dataclass(frozen=True, slots=True)
class StationSettings:
    """What the operator decided. ``password_hash`` never leaves the server; see adr/ on how it is made."""

    station_id: str
    registration: RegistrationStatus
    created_at: datetime
    name: str | None = None
    password_hash: str | None = field(default=None, repr=False)
    strictness: Strictness | None = None
    """None: the server's default."""
    heartbeat_interval_s: int | None = None
    """None: the server's default."""
    adopted_at: datetime | None = None
    minimum_security_profile: int | None = None
    """A connection with less is refused; None: any will do."""


@dataclass(frozen=True, slots=True)
class StationReport:
    """What the station told of itself, mostly in its last BootNotification."""

    station_id: str
    protocol: str | None = None
    """WebSocket subprotocol last used, such as ``ocpp2.0.1``."""
    vendor: str | None = None
    model: str | None = None
    serial_number: str | None = None
    firmware_version: str | None = None
    iccid: str | None = None
    imsi: str | None = None
    meter_type: str | None = None
    meter_serial_number: str | None = None
    boot_reason: str | None = None
    last_boot_at: datetime | None = None
    last_seen_at: datetime | None = None
    remote_address: str | None = None
    secure: bool | None = None
    """Whether it last connected by TLS."""
    security_profile: int | None = None
    """Of its last connection; 0 when it did not prove who it is."""


@dataclass(frozen=True, slots=True)
class Station:
    """Both halves together, as the API shows them."""

    settings: StationSettings
    report: StationReport
    connected: bool = False


@dataclass(frozen=True, slots=True)
class StationFilter:
    """Which stations to list; what is None does not matter."""

    registration: RegistrationStatus | None = None
    protocol: str | None = None
    """WebSocket subprotocol last used."""
    vendor: str | None = None
    model: str | None = None
    firmware_version: str | None = None
    not_firmware_version: str | None = None
    """Any version but this one, an unknown one too."""
    among: frozenset[str] | None = None
    """Only stations with these ids, such as those connected now."""
    not_among: frozenset[str] | None = None
    """No stations with these ids."""


@dataclass(slots=True)
class LiveMeter:
    """The readings of a transaction in its owner's memory. Its stored row is written less often than they come."""

    readings: Readings
    stored_at: float
    """When the row was last written, by ``Clock.monotonic``."""
    cost: CostFacts | None = None
    """What its cost rests on; None without a tariff."""
    heard_at: float | None = None
    """When the latest message about it came on this connection, by ``Clock.monotonic``."""
    shown: str | None = None
    """The text about the tariff that the driver was last shown on this connection."""


@dataclass(slots=True, weakref_slot=True)
class LiveStation:
    """State of a connected station in its owner's memory.

    Mutated only by the worker that handles this station's messages in order, and by the owner when the operator
    changes the settings. It is a cache: it can be dropped at any time and loaded again from storage.
    """

    station_id: str
    settings: StationSettings
    report: StationReport
    registered: RegistrationStatus = RegistrationStatus.PENDING
    """What the last BootNotification on this connection was answered with, or the stored decision for a station that
    reconnects without a boot."""
    connectors: dict[tuple[int, int], Connector] = field(default_factory=dict)
    """By (EVSE id, connector id). (0, 0) is the station as a whole."""
    transactions: dict[str, Transaction] = field(default_factory=dict)
    """Open ones, and those that ended last on this connection, by the protocol's transaction id."""
    meters: dict[int, LiveMeter] = field(default_factory=dict)
    """By our id of the transaction; of those whose readings came on this connection."""
    trusted_status_at: dict[tuple[int, int], datetime] = field(default_factory=dict)
    """By connector: the station's time of the last status on this connection, where its clock agreed with ours."""
    trusted_event_at: dict[str, datetime] = field(default_factory=dict)
    """By what events are about: the same of the last event on this connection."""
    base_url: str | None = None
    """Where the station reaches this server by HTTP, such as ``http://csms.example.com:9000``; None: not known."""
    last_seen_at: datetime | None = None
    last_heartbeat_at: datetime | None = None
    followups: list[Callable[[], Awaitable[None]]] = field(default_factory=list)
    """Work to start once the reply now being made has left, such as what follows an accepted boot."""
