"""What the kit and the system under test have to agree on before a run; Part 6 writes these ``<Configured ...>``.

Read from a TOML file whose keys are the fields below, tables for the nested ones; whatever is left out has the value
given here.
"""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import msgspec

__all__ = ["Configuration", "InvalidConfiguration", "NetworkProfile", "Token", "Tokens", "read_configuration"]

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
    invalid: Token = Token(id_token="04A1B2C3D4E5FF")
    """Not known to the CSMS, or known and invalid."""
    blocked: Token = Token(id_token="04A1B2C3D4E503")
    expired: Token = Token(id_token="04A1B2C3D4E504")
    master_pass: Token = Token(id_token="04A1B2C3D4E505")
    """Accepted, member of ``master_pass_group``."""
    master_pass_group: Token = Token(id_token="VOLTBRIDGE-MASTERPASS", type="Central")


class NetworkProfile(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The network connection profile the CSMS is asked to set (B09)."""

    configuration_slot: int = 1
    message_timeout_s: int = 30
    ocpp_csms_url: str = "wss://csms.example.com/ocpp"
    ocpp_interface: str = "Wired0"
    security_profile: int = 2


class Configuration(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """All of it. Times are in seconds."""

    station_id: Annotated[str, msgspec.Meta(min_length=1, max_length=48)] = "VOLTBRIDGE-CONFORMANCE"
    password: Annotated[str, msgspec.Meta(min_length=16, max_length=40)] = msgspec.field(
        default_factory=lambda: secrets.token_urlsafe(24)
    )
    """BasicAuthPassword; generated when left out."""
    basic_auth: bool = True
    """Whether the CSMS knows the password; without it the cases about Basic authentication do not run."""
    vendor_name: str = "Voltbridge"
    model: str = "Conformance"
    evses: Annotated[int, msgspec.Meta(ge=1, le=100)] = 2
    connectors_per_evse: Annotated[int, msgspec.Meta(ge=1, le=100)] = 1
    evse_id: Annotated[int, msgspec.Meta(ge=1)] = 1
    """The EVSE used where a case needs one only."""
    connector_id: Annotated[int, msgspec.Meta(ge=1)] = 1
    tokens: Tokens = Tokens()
    network_profile: NetworkProfile = NetworkProfile()
    data_transfer_vendor_id: str = "com.example.unknown"
    data_transfer_message_id: str = "Unknown"
    message_timeout_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 30.0
    """How long an answer may take."""
    unanswered_s: Annotated[float, msgspec.Meta(gt=0, le=3600)] = 1.0
    """How long the CSMS is told to wait, in cases that leave it without an answer."""
    transaction_duration_s: _Seconds = 1.0
    ev_connection_timeout_s: _Seconds = 1.0
    aligned_interval_s: _Seconds = 0.5
    """Between clock-aligned meter values."""
    sampled_interval_s: _Seconds = 0.5
    """Between sampled meter values."""

    def connectors(self) -> Iterator[tuple[int, int]]:
        """(EVSE id, connector id) of every connector of the station."""
        for evse_id in range(1, self.evses + 1):
            for connector_id in range(1, self.connectors_per_evse + 1):
                yield evse_id, connector_id


def read_configuration(path: Path) -> Configuration:
    """The configuration in a TOML file; raises InvalidConfiguration."""
    try:
        configuration = msgspec.toml.decode(path.read_bytes(), type=Configuration)
    except OSError as error:
        raise InvalidConfiguration(f"{path}: {error.strerror}") from error
    except (msgspec.DecodeError, msgspec.ValidationError, UnicodeDecodeError) as error:
        raise InvalidConfiguration(f"{path}: {error}") from error
    if (configuration.evse_id, configuration.connector_id) not in configuration.connectors():
        raise InvalidConfiguration(f"{path}: the station has no EVSE evse_id with a connector connector_id")
    return configuration
