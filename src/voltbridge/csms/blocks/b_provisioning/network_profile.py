"""What a network connection profile is set with, whatever the version (2.0.1 B09)."""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta

from voltbridge.csms.commands.kinds import Parameters

__all__ = ["AccessPoint", "NetworkProfile", "PrivateNetwork"]

_Slot = Annotated[int, Meta(ge=-2_147_483_648, le=2_147_483_647)]


class AccessPoint(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a modem gets into the mobile network."""

    apn: Annotated[str, Meta(max_length=2000)]
    authentication: Literal["CHAP", "NONE", "PAP", "AUTO"]
    user_name: str | None = None
    password: str | None = None
    sim_pin: int | None = None
    preferred_network: str | None = None
    use_only_preferred_network: bool | None = None


class PrivateNetwork(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A virtual private network to go through."""

    server: str
    user: str
    password: str
    key: str
    type: Literal["IKEv2", "IPSec", "L2TP", "PPTP"]
    group: str | None = None


class NetworkProfile(Parameters, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Set how a station connects; it uses the slot once NetworkConfigurationPriority names it and it has rebooted."""

    configuration_slot: _Slot
    csms_url: Annotated[str, Meta(min_length=1, max_length=2000)]
    security_profile: Annotated[int, Meta(ge=0, le=3)]
    interface: str
    """``Wired0`` to ``Wireless3``; in 2.1 ``Any`` too."""
    message_timeout_s: Annotated[int, Meta(ge=1, le=2_147_483_647)] = 30
    ocpp_version: Literal["OCPP12", "OCPP15", "OCPP16", "OCPP20", "OCPP201", "OCPP21"] = "OCPP20"
    transport: Literal["JSON", "SOAP"] = "JSON"
    apn: AccessPoint | None = None
    vpn: PrivateNetwork | None = None
    identity: str | None = None
    """2.1 only: the identity to connect with."""
    basic_auth_password: str | None = None
    """2.1 only: the password to connect with."""
