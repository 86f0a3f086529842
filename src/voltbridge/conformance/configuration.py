"""What the kit and the system under test have to agree on before a run; Part 6 writes these ``<Configured ...>``.

Read from a TOML file whose keys are the fields below, tables for the nested ones; whatever is left out has the value
given here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated, Final, Literal

import msgspec

from voltbridge.conformance.features import FEATURES, unknown_features
from voltbridge.conformance.firmware import broken_signature, signature, signing_certificate
from voltbridge.conformance.toml import Mistake, read

__all__ = [
    "PATIENT",
    "CertificateHash",
    "Configuration",
    "Firmware",
    "InvalidConfiguration",
    "NetworkProfile",
    "Token",
    "Tokens",
    "read_configuration",
]

_Identifier = Annotated[str, msgspec.Meta(min_length=1, max_length=36)]
_Seconds = Annotated[float, msgspec.Meta(ge=0, le=86_400)]


class InvalidConfiguration(Exception):
    """The file cannot be used; the text says where and why."""


class Token(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An idToken."""

    id_token: _Identifier
    type: Annotated[str, msgspec.Meta(max_length=20)] = "ISO14443"

    @property
    def wire(self) -> dict[str, str]:
        """As an IdTokenType."""
        return {"idToken": self.id_token, "type": self.type}


class Tokens(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The idTokens the cases present."""

    valid: Token = Token(id_token="04A1B2C3D4E501")
    """Accepted, member of ``group``."""
    valid2: Token = Token(id_token="04A1B2C3D4E502")
    """Another one, accepted, member of ``group``."""
    group: Token = Token(id_token="VOLTBRIDGE-GROUP", type="Central")
    """The group of the two valid ones."""
    invalid: Token = Token(id_token="04A1B2C3D4E5FF")
    """Not known to the CSMS, or known and invalid."""
    blocked: Token = Token(id_token="04A1B2C3D4E503")
    """Known to the CSMS as blocked."""
    expired: Token = Token(id_token="04A1B2C3D4E504")
    """Known to the CSMS as expired."""
    master_pass: Token = Token(id_token="04A1B2C3D4E505")
    """Accepted, member of ``master_pass_group``."""
    master_pass_group: Token = Token(id_token="VOLTBRIDGE-MASTERPASS", type="Central")
    """MasterPassGroupId: its members stop the transactions of others."""


class NetworkProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network connection profile the CSMS is asked to set (B09)."""

    configuration_slot: int = 1
    other_slot: int = 2
    """A second slot, in the cases where a station changes between two."""
    message_timeout_s: int = 30
    ocpp_csms_url: str = "wss://csms.example.com/ocpp"
    ocpp_interface: str = "Wired0"
    security_profile: int = 2


class Firmware(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The firmware that stations are told to install (L01). Nobody fetches it."""

    location: str = "https://firmware.example.com/wallbox.bin"
    checksum: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{32}$")] = "0f1e2d3c4b5a69788796a5b4c3d2e1f0"
    """MD5, for local controllers (L03)."""
    signing_certificate: str = msgspec.field(default_factory=signing_certificate)
    """In PEM."""
    signature: str = msgspec.field(default_factory=signature)
    """Of the image, by that certificate, in base64."""
    invalid_location: str = "https://firmware.example.com/wallbox.bin_invalid"
    """An image that a station fetches and finds well signed, and then cannot install."""
    invalid_signature: str = msgspec.field(default_factory=broken_signature)
    """Of that image, by the same certificate."""
    delay_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 2.0
    """How far ahead downloads and installations are scheduled."""


class CertificateHash(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A certificate by its hash, as OCSP names it."""

    hash_algorithm: str = "SHA256"
    issuer_name_hash: str = "5a1c8f0e2b7d4c6391e0f4a8b2d6c7e95f3a1b0c8d7e6f5a4b3c2d1e0f9a8b7c"
    issuer_key_hash: str = "c7b8a9f0e1d2c3b4a5f6e7d8c9b0a1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7b8"
    serial_number: str = "3f2a9c"

    @property
    def wire(self) -> dict[str, str]:
        """As a CertificateHashDataType."""
        return {
            "hashAlgorithm": self.hash_algorithm,
            "issuerNameHash": self.issuer_name_hash,
            "issuerKeyHash": self.issuer_key_hash,
            "serialNumber": self.serial_number,
        }

    @property
    def parameters(self) -> dict[str, str]:
        """As commands have it."""
        return {
            "hash_algorithm": self.hash_algorithm,
            "issuer_name_hash": self.issuer_name_hash,
            "issuer_key_hash": self.issuer_key_hash,
            "serial_number": self.serial_number,
        }


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. Times are in seconds."""

    station_id: Annotated[str, msgspec.Meta(min_length=1, max_length=48)] = "VOLTBRIDGE-CONFORMANCE"
    """Identity of the station, which the CSMS under test has to know, or which the station under test connects with."""
    password: Annotated[str, msgspec.Meta(min_length=16, max_length=40)] = msgspec.field(
        default_factory=lambda: secrets.token_urlsafe(24)
    )
    """BasicAuthPassword."""
    basic_auth: bool = True
    """Whether the CSMS knows the password; without it the cases about Basic authentication do not run."""
    vendor_name: str = "Voltbridge"
    """In BootNotificationRequests of the kit."""
    model: str = "Conformance"
    """In BootNotificationRequests of the kit."""
    evses: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    """How many EVSEs the station has."""
    connectors_per_evse: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    """How many connectors each of them has."""
    evse_id: Annotated[int, msgspec.Meta(ge=1)] = 1
    """The EVSE used where a case needs one only."""
    connector_id: Annotated[int, msgspec.Meta(ge=1)] = 1
    """The connector of it."""
    connector_type: Annotated[str, msgspec.Meta(min_length=1, max_length=20)] = "cCCS2"
    """Of that connector, in the words of ConnectorEnumType."""
    tokens: Tokens = Tokens()
    network_profile: NetworkProfile = NetworkProfile()
    firmware: Firmware = msgspec.field(default_factory=Firmware)
    log_location: str = "https://logs.example.com/upload/"
    """Where stations deliver logs, for a CSMS that does not name a place of its own."""
    customer_identifier: Annotated[str, msgspec.Meta(min_length=1, max_length=64)] = "VOLTBRIDGE-CUSTOMER"
    """Of the customer in TC_N_62, who registers at the station."""
    customer_certificate: CertificateHash = CertificateHash()
    """Of the customer in TC_N_63."""
    data_transfer_vendor_id: str = "com.example.unknown"
    """Nobody knows it."""
    data_transfer_message_id: str = "Unknown"
    message_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    """How long an answer may take."""
    unanswered_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    """How long the CSMS is told to wait, in cases that leave it without an answer."""
    transaction_duration_s: _Seconds = 1.0
    """How long transactions last in cases that do not say."""
    ev_connection_timeout_s: _Seconds = 1.0
    """EVConnectionTimeOut, ConnectionTimeOut in 1.6."""
    aligned_interval_s: _Seconds = 0.5
    """Between clock-aligned meter values."""
    sampled_interval_s: _Seconds = 0.5
    """Between sampled meter values."""
    heartbeat_interval_s: Annotated[int, msgspec.Meta(ge=1, le=86_400)] = 300
    """Told to stations that boot."""
    quiet_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    """How long the kit waits before it believes that a station keeps quiet."""
    reconnect_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 60.0
    """How long a station may take to connect, also after a reboot."""
    offline_threshold_s: Annotated[int, msgspec.Meta(ge=5, le=3600)] = 10
    """OfflineThreshold in the cases about it."""
    back_off_s: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 5
    """RetryBackOffWaitMinimum in the cases about it."""
    attempt_interval_s: Annotated[int, msgspec.Meta(ge=1, le=3600)] = 10
    """MessageAttemptInterval in the cases about it."""
    stop_points: frozenset[str] = frozenset({"Authorized"})
    """Values of TxStopPoint that a station supports, of Authorized and ParkingBayOccupancy."""
    display_component: Annotated[str, msgspec.Meta(max_length=50)] = ""
    """Name of the component whose display shows messages; empty: the station's choice."""
    display_offset_s: Annotated[float, msgspec.Meta(ge=1, le=86_400)] = 60.0
    """How far ahead messages begin and end to be shown."""
    charging_rate_unit: Literal["A", "W"] = "A"
    """Of limits in charging profiles."""
    number_phases: Annotated[int, msgspec.Meta(ge=1, le=3)] = 3
    """Named in charging profiles."""
    recurrency_kind: Literal["Daily", "Weekly"] = "Daily"
    """Of charging profiles that recur."""
    time_deviation_s: Annotated[int, msgspec.Meta(ge=0, le=600)] = 5
    """How far the station's clock, and what it computes by it, may be off."""
    remote_authorization: bool = False
    """Whether stations are told to start and stop by the CSMS, where a case leaves the choice."""
    features: frozenset[str] = frozenset()
    """What a station has that no variable of it tells; cases about the rest do not run."""

    def connectors(self) -> Iterator[tuple[int, int]]:
        """(EVSE id, connector id) of every connector of the station."""
        for evse_id in range(1, self.evses + 1):
            for connector_id in range(1, self.connectors_per_evse + 1):
                yield evse_id, connector_id


PATIENT: Final = Configuration(
    transaction_duration_s=10.0,
    ev_connection_timeout_s=60.0,
    aligned_interval_s=60.0,
    sampled_interval_s=30.0,
    quiet_s=5.0,
    reconnect_s=180.0,
    offline_threshold_s=30,
)
"""For a charging station made of metal and a person who plugs in: what a file for such a run need not say."""


def read_configuration(path: Path, base: Configuration | None = None) -> Configuration:
    """The configuration in a TOML file, which need not say what ``base`` (by default the defaults above) has already.

    Raises InvalidConfiguration, which names all mistakes at once.
    """
    try:
        found = read(path.read_bytes(), base or Configuration())
    except OSError as error:
        raise InvalidConfiguration(f"{path}: {error.strerror}") from error
    mistakes = found.mistakes
    if (configuration := found.value) is not None:
        mistakes = [*mistakes, *_disagreements(configuration, found.lines)]
    if configuration is None or mistakes:
        raise InvalidConfiguration("\n".join(mistake.shown(path) for mistake in sorted(mistakes)))
    return configuration


def _disagreements(configuration: Configuration, lines: Mapping[str, int]) -> Iterator[Mistake]:
    """What no single value is wrong about."""
    if (configuration.evse_id, configuration.connector_id) not in configuration.connectors():
        key = "evse_id" if configuration.evse_id > configuration.evses else "connector_id"
        there = f"{configuration.evses} EVSEs with {configuration.connectors_per_evse} connectors each"
        yield Mistake(lines.get(key, 0), key, f"the station has {there} (evses, connectors_per_evse)")
    for name in unknown_features(configuration.features):
        near = get_close_matches(name, FEATURES, n=1)
        hint = f"; did you mean {near[0]!r}?" if near else ": see voltbridge conformance features"
        yield Mistake(lines.get("features", 0), "features", f"{name!r} is no feature{hint}")
