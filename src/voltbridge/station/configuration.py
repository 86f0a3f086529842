"""What a station is and where it belongs: all that its maker and its installer decide before it first starts."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from voltbridge.protocol.versions import Version
from voltbridge.station.quirk import Quirk

__all__ = [
    "ConnectorConfiguration",
    "EvseConfiguration",
    "FirmwareAbilities",
    "HardWiredNotification",
    "LocalController",
    "LogLimits",
    "PresetMonitor",
    "StationConfiguration",
]


@dataclass(frozen=True, slots=True)
class ConnectorConfiguration:
    """A connector. ``type`` is a value of ConnectorEnumType (2.x), such as ``sType2`` or ``cCCS2``."""

    type: str = "sType2"
    cable_attached: bool = False
    """The cable belongs to the station, so there is no lock at its side."""


@dataclass(frozen=True, slots=True)
class EvseConfiguration:
    """An EVSE: it charges one vehicle at a time, through one of its connectors."""

    connectors: tuple[ConnectorConfiguration, ...] = (ConnectorConfiguration(),)
    max_current_a: float = 32.0
    phases: int = 3
    voltage_v: float = 230.0
    direct_current: bool = False
    signed_meter: bool = False
    """The meter signs its readings."""
    phase_meter: bool = False
    """The meter tells power and energy of each phase too."""
    tampering: str = "None"
    """What somebody has done to a virtual meter that signs: None, Value, Signature or Key."""

    @property
    def max_power_w(self) -> float:
        """What the EVSE can deliver."""
        return self.max_current_a * self.voltage_v * self.phases


@dataclass(frozen=True, slots=True)
class PresetMonitor:
    """A monitor that the maker has set. Its place among all of them, from 1, is its id."""

    variable: str
    """``EVSE@1.AvailabilityState``: see ``device_model.parse_name``."""
    type: str
    """MonitorEnumType."""
    value: float
    severity: int
    hard_wired: bool = False
    """The CSMS can neither change nor remove it."""


@dataclass(frozen=True, slots=True)
class HardWiredNotification:
    """Of every change of this variable the station tells by itself, without any monitor (2.0.1 N07)."""

    variable: str
    """As that of a ``PresetMonitor``."""
    severity: int


@dataclass(frozen=True, slots=True)
class FirmwareAbilities:
    """What a station can do beside a firmware update, and in the middle of one."""

    cancels: bool = True
    """A newer request takes the place of an update under way; else it is rejected (2.0.1 L01.FR.27)."""
    downloads_while_charging: bool = True
    """Else an update begins when no transaction runs, and pauses for one."""
    installs_while_charging: bool = False
    """New firmware is installed and runs without a restart of the controller (``ports.StationHardware.activate``)."""


@dataclass(frozen=True, slots=True)
class LocalController:
    """A station that publishes firmware for the others of its site (2.0.1 L03)."""

    directory: Path
    """Where what is published lies; it outlasts restarts."""
    host: str = "0.0.0.0"
    """The address to listen at."""
    port: int = 0
    """0: any that is free, another one after each start."""
    public_url: str = ""
    """How the other stations reach it, such as ``http://10.0.0.2:8080``; empty: by the address it listens at."""

    def __post_init__(self) -> None:
        """Raises ValueError without an address that others can use."""
        if self.host in ("0.0.0.0", "::", "") and not self.public_url:
            raise ValueError("a local controller that listens at every address needs a public_url, or one host")


@dataclass(frozen=True, slots=True)
class LogLimits:
    """How much of each log a station keeps in files."""

    file_bytes: int = 1_000_000
    """One that would be larger is set aside; so is one that began a day ago."""
    files: int = 10
    days: int = 90


@dataclass(frozen=True)
class StationConfiguration:
    """One station.

    ``versions`` are offered in this order; the CSMS chooses. ``variables`` sets variables of the device model other
    than the standard's defaults, as ``{"TxCtrlr.TxStartPoint": "Authorized"}``; what the CSMS has set since wins.
    """

    identity: str
    csms_url: str
    """Without the identity: ``ws://host:9000/ocpp``."""
    versions: tuple[Version, ...] = (Version.V21, Version.V201, Version.V16)
    password: str | None = None
    """Of HTTP Basic authentication; None: none is sent. With one, the security profile is at least 1, by wss 2."""
    security_profile: int = 0
    """0 (no authentication) to 3."""
    ca_file: str | None = None
    """Root certificates in PEM that the CSMS is judged by, and servers of files; None: those of the system. A station
    keeps what it was given once, until the CSMS deletes it (``root_certificates``)."""
    model: str = "Voltbridge Station"
    vendor: str = "Voltbridge"
    serial_number: str = ""
    firmware_version: str = "1.0.0"
    """Until new firmware tells another."""
    manufacturer_roots: str = field(default="", repr=False)
    """Root certificates of the manufacturer in PEM. With them firmware has to be signed by whom they vouch for;
    empty: signatures cannot be judged, and only firmware without is taken."""
    manufacturer_revocations: str = field(default="", repr=False)
    """Certificate revocation lists in PEM, of the manufacturer's authorities: what they name signs no firmware."""
    firmware: FirmwareAbilities = FirmwareAbilities()
    local_controller: LocalController | None = None
    """None: it publishes nothing."""
    iccid: str = ""
    imsi: str = ""
    meter_type: str = ""
    meter_serial_number: str = ""
    evses: tuple[EvseConfiguration, ...] = (EvseConfiguration(),)
    supply_max_current_a: float = 0.0
    """The limit of the station's own supply, per phase; 0: as much as its EVSEs can deliver together."""
    variables: Mapping[str, str] = field(default_factory=dict)
    log_directory: Path | None = None
    """Where its logs are files; None: their last lines are kept with its documents."""
    log_limits: LogLimits = LogLimits()
    download_directory: Path | None = None
    """Where new firmware is a file until it is installed, with room for an image; no other station's. None: the
    system's directory for temporary files."""
    largest_download: int = 512 * 1024 * 1024
    """In bytes: a larger file is not fetched."""
    known_hosts: Path | None = None
    """The SSH servers it trusts, in OpenSSH's format: it fetches from and delivers to no other by SFTP. None: any."""
    monitors: tuple[PresetMonitor, ...] = ()
    notifications: tuple[HardWiredNotification, ...] = ()
    lacks: frozenset[str] = frozenset()
    """Requests of the CSMS that this station does not take, although the engine could."""
    lacks_as: str = "NotSupported"
    """With which code it refuses them."""
    quirks: tuple[Quirk, ...] = ()
    """How it deviates from the standard on purpose (``personality``), in the order in which they act."""

    def __post_init__(self) -> None:
        if self.password is not None and self.security_profile <= 1:
            object.__setattr__(self, "security_profile", 2 if self.csms_url.lower().startswith("wss:") else 1)

    @cached_property
    def connectors(self) -> tuple[tuple[int, int], ...]:
        """(EVSE, connector) of all connectors. The place in this list, from 1, is the connector's number in 1.6."""
        return tuple(
            (evse_id, connector_id)
            for evse_id, evse in enumerate(self.evses, 1)
            for connector_id in range(1, len(evse.connectors) + 1)
        )

    def number_of(self, evse_id: int, connector_id: int) -> int:
        """The number of a connector in 1.6; 0 for EVSE 0. The first of the EVSE's for connector 0."""
        if evse_id == 0:
            return 0
        return self.connectors.index((evse_id, connector_id or 1)) + 1

    def connector_at(self, number: int) -> tuple[int, int] | None:
        """(EVSE, connector) of a connector's number in 1.6, (0, 0) for 0, None where there is none."""
        if number == 0:
            return 0, 0
        return self.connectors[number - 1] if 1 <= number <= len(self.connectors) else None

    def has(self, evse_id: int, connector_id: int | None = None) -> bool:
        """Whether there is such an EVSE, and such a connector of it."""
        if not 1 <= evse_id <= len(self.evses):
            return False
        return connector_id is None or 1 <= connector_id <= len(self.evses[evse_id - 1].connectors)
