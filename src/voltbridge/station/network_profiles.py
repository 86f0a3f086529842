"""The network connection profiles of a station: where a CSMS is, and how to talk to it (2.0.1 B09, B10).

Slot 1 is what the station was configured with until somebody sets another. The keys NetworkConnectionProfile1 and 2 of
1.6 show and set the addresses of slots 1 and 2.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlsplit

import msgspec

from voltbridge.protocol.versions import Version
from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.device_model import DeviceModel
from voltbridge.station.ports import Store
from voltbridge.station.root_certificates import RootCertificates

__all__ = ["SLOTS", "NetworkProfile", "NetworkProfiles", "url_problem"]

SLOTS: Final = (1, 2, 3)
_NAMESPACE: Final = "network-profiles"


class NetworkProfile(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One profile. Passwords in it are never told to anybody."""

    csms_url: str
    """Without the station's identity."""
    versions: tuple[Version, ...] = ()
    """What is offered there; empty: all that the station speaks."""
    security_profile: int = 0
    message_timeout_s: int = 30
    interface: str = "Wired0"
    identity: str | None = None
    """2.1: another name of the station at that CSMS."""
    password: str | None = None
    """2.1: another password than BasicAuthPassword."""
    apn: dict[str, Any] | None = None
    vpn: dict[str, Any] | None = None


def url_problem(url: str, security_profile: int) -> str | None:
    """Why a station cannot connect there; None when it can try."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return "the address is no URL"
    if parts.scheme not in ("ws", "wss") or not parts.hostname or port == 0:
        return "the address is no WebSocket URL"
    if any(character.isspace() for character in url):
        return "the address contains white space"
    if security_profile >= 2 and parts.scheme != "wss":
        return "this security profile needs TLS"
    return None


class NetworkProfiles:
    """The slots of one station."""

    __slots__ = ("_configuration", "_in_force", "_listeners", "_profiles", "_roots", "_store")

    def __init__(
        self, configuration: StationConfiguration, store: Store, model: DeviceModel, roots: RootCertificates
    ) -> None:
        self._roots = roots
        self._configuration = configuration
        self._store = store
        self._listeners: list[Callable[[int], None]] = []
        self._profiles = {
            1: NetworkProfile(csms_url=configuration.csms_url, security_profile=configuration.security_profile)
        }
        for key, kept in store.all(_NAMESPACE).items():
            self._profiles[int(key)] = msgspec.json.decode(kept, type=NetworkProfile)
        self._in_force = dict(self._profiles)
        for slot in (1, 2):
            self._bind(slot, model)
        model.add_check("OCPPCommCtrlr.NetworkConfigurationPriority", self._check_priority)

    def get(self, slot: int) -> NetworkProfile | None:
        """The profile in a slot."""
        return self._profiles.get(slot)

    def in_force(self, slot: int) -> NetworkProfile | None:
        """The profile by which a slot is connected: as it was at the last boot (B09, remarks)."""
        return self._in_force.get(slot) if slot in self._profiles else None

    def drop_below(self, security_profile: int) -> tuple[int, ...]:
        """Empty the slots of a lower security profile (A05.FR.06); those that were emptied."""
        lower = tuple(slot for slot, known in self._profiles.items() if known.security_profile < security_profile)
        for slot in lower:
            self.remove(slot)
        return lower

    def put(self, slot: int, profile: NetworkProfile) -> None:
        """Keep a profile in a slot; used from the next boot on."""
        self._profiles[slot] = profile
        self._store.put(_NAMESPACE, str(slot), msgspec.json.encode(profile))
        for listener in self._listeners:
            listener(slot)

    def remove(self, slot: int) -> None:
        """Empty a slot."""
        if self._profiles.pop(slot, None) is not None:
            self._store.delete(_NAMESPACE, str(slot))

    def on_change(self, listener: Callable[[int], None]) -> None:
        """Call with the slot whenever a profile was set."""
        self._listeners.append(listener)

    def _bind(self, slot: int, model: DeviceModel) -> None:
        name = f"OCPP16Ctrlr.NetworkConnectionProfile{slot}"
        model.provide(name, lambda: profile.csms_url if (profile := self._profiles.get(slot)) else "")
        model.add_check(name, lambda url: self._check_url(slot, url, model))
        model.on_change(name, lambda url: self._set_url(slot, url))

    def _set_url(self, slot: int, url: str) -> None:
        known = self._profiles.get(slot) or self._profiles.get(1)
        if not url:
            self.remove(slot)
        elif known is None or known.csms_url != url or slot not in self._profiles:
            self.put(slot, msgspec.structs.replace(known, csms_url=url) if known else NetworkProfile(csms_url=url))

    def _check_url(self, slot: int, url: str, model: DeviceModel) -> str | None:
        if not url:
            used = model.get("OCPPCommCtrlr.NetworkConfigurationPriority").split(",")
            return "this profile is in use" if str(slot) in used[:1] else None
        if url.rstrip("/").rpartition("/")[2] == self._configuration.identity:
            return "the identity is no part of it: the station adds its own"
        known = self._profiles.get(slot) or self._profiles.get(1)
        return url_problem(url, known.security_profile if known else 0)

    def _check_priority(self, value: str) -> str | None:
        """B10.FR.02: every slot named has to hold a profile."""
        if not value:
            return "no slot is named"
        for slot in value.split(","):
            profile = self._profiles.get(int(slot)) if slot.isdigit() else None
            if profile is None:
                return f"slot {slot} holds no profile"
            if (lack := self._lack(profile)) is not None:
                return f"slot {slot}: {lack}"
        return None

    def _lack(self, profile: NetworkProfile) -> str | None:
        """What the station would need for the security profile (A05.FR.02, FR.03)."""
        if profile.security_profile >= 2 and not self._roots.can_judge_a_csms:
            return "there is no root certificate of the CSMS"
        if profile.security_profile == 3 and not self._store.all("client-certificates"):
            return "there is no certificate of this station"
        return None
