"""How to reach each network profile: address, password, TLS; and what was in force before something new was tried."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from voltbridge.station.configuration import StationConfiguration
from voltbridge.station.connectivity_terms import ConnectivitySettings, Trial
from voltbridge.station.device_model import DeviceModel
from voltbridge.station.endpoints import CipherStrictness, Endpoint, Tls
from voltbridge.station.network_profiles import NetworkProfile, NetworkProfiles
from voltbridge.station.ports import Store
from voltbridge.station.root_certificates import RootCertificates
from voltbridge.station.settings import StationSettings
from voltbridge.station.uplinks import SETTING

__all__ = ["Credentials"]

_NAMESPACE: Final = "previous-credentials"
_PASSWORD: Final = "SecurityCtrlr.BasicAuthPassword"
_PROFILE: Final = "SecurityCtrlr.SecurityProfile"
_PRIORITY: Final = "OCPPCommCtrlr.NetworkConfigurationPriority"
_TRIALS: Final = {_PASSWORD: Trial.PASSWORD, _PROFILE: Trial.SECURITY_PROFILE}


class Credentials:
    """Makes endpoints. A new password or security profile is tried, and the old one kept until it works (A01, A05)."""

    def __init__(
        self,
        configuration: StationConfiguration,
        store: Store,
        model: DeviceModel,
        profiles: NetworkProfiles,
        settings: StationSettings,
        roots: RootCertificates,
    ) -> None:
        self._roots = roots
        self._configuration = configuration
        self._store = store
        self._model = model
        self._profiles = profiles
        self._settings = settings
        self._try: Callable[[Trial], None] = lambda trial: None
        self._restoring = False
        self._in_force = {name: model.get(name) for name in _TRIALS}
        for name in _TRIALS:
            model.on_change(name, lambda value, name=name: self._changed(name, value))  # type: ignore[misc]

    def on_trial(self, start: Callable[[Trial], None]) -> None:
        """Call when something new is to be tried."""
        self._try = start

    def connectivity(self) -> ConnectivitySettings:
        """What the operator configured."""
        settings = self._settings
        return ConnectivitySettings(
            priority=tuple(slot for slot in settings.network_profile_priority if self._profiles.in_force(slot)) or (1,),
            profile_attempts=settings.network_profile_attempts,
            profile_timeout_s=float(settings.network_profile_timeout_s),
            wait_minimum_s=float(settings.retry_wait_minimum_s),
            random_range_s=float(settings.retry_random_range_s),
            repeat_times=settings.retry_repeat_times,
            offline_threshold_s=float(settings.offline_threshold_s),
            watchdog_s=0.0 if settings.text(SETTING) == "NoBackend" else float(settings.tcp_watchdog_timeout_s),
        )

    def endpoint(self, slot: int, previous: bool) -> Endpoint | None:
        """How to reach the profile of a slot; ``previous``: with what was in force before the trial."""
        profile = self._profiles.in_force(slot)
        if profile is None:
            return None
        kept = self._store.all(_NAMESPACE) if previous else {}
        password = kept[_PASSWORD].decode() if _PASSWORD in kept else self._settings.password
        level = int(kept[_PROFILE]) if _PROFILE in kept else self._settings.security_profile
        level = max(level, profile.security_profile)
        return Endpoint(
            url=_secure(profile.csms_url) if level >= 2 else profile.csms_url,
            identity=profile.identity or self._configuration.identity,
            versions=profile.versions or self._configuration.versions,
            password=(profile.password or password or None) if level in (1, 2) else None,
            tls=self._roots.judging(self._tls()),
            fallback_tls=self._roots.falling_back(self._tls()),
            proxy=self._settings.text("BackendCtrlr.WebSocketsProxy"),
            connect_timeout_s=float(self._settings.connection_timeout_s),
            message_timeout_s=float(self._message_timeout_s(slot, profile)),
            ping_interval_s=float(self._settings.websocket_ping_interval_s),
        )

    def connected(self, slot: int) -> None:
        """The profile of this slot works: its security profile is in use, and none below it from now on (A05.FR.06)."""
        profile = self._profiles.in_force(slot)
        if profile is None or profile.security_profile <= self._settings.security_profile:
            return
        self._set(_PROFILE, str(profile.security_profile))
        if dropped := self._profiles.drop_below(profile.security_profile):
            left = [str(slot) for slot in self._settings.network_profile_priority if slot not in dropped]
            self._model.set(_PRIORITY, ",".join(left))

    def tls_of_files(self) -> Tls:
        """How servers of files are judged: as a CSMS is."""
        return self._roots.judging_files(self._tls())

    def trial_ended(self, trial: Trial, kept: bool) -> None:
        """What was new works, or what was before is in force again."""
        name = next((name for name, kind in _TRIALS.items() if kind is trial), None)
        if name is None:
            return
        before = self._store.all(_NAMESPACE).get(name)
        if not kept and before is not None:
            self._set(name, before.decode())
        self._store.delete(_NAMESPACE, name)

    def _changed(self, name: str, value: str) -> None:
        before, self._in_force[name] = self._in_force[name], value
        if self._restoring or before == value:
            return
        if name not in self._store.all(_NAMESPACE):  # what worked last, however often it is changed before the next try
            self._store.put(_NAMESPACE, name, before.encode())
        self._try(_TRIALS[name])

    def _set(self, name: str, value: str) -> None:
        self._restoring = True
        try:
            self._model.set(name, value)
        finally:
            self._restoring = False

    def _message_timeout_s(self, slot: int, profile: NetworkProfile) -> int:
        """A profile that was set brings its own; the first one goes by the variable."""
        configured = self._settings.message_timeout_s
        return (
            configured if slot == 1 and profile.message_timeout_s == _DEFAULT_TIMEOUT_S else profile.message_timeout_s
        )

    def _tls(self) -> Tls:
        return Tls(
            check_host=self._settings.text("BackendCtrlr.SslStrictness") != "SkipHostCheck",
            ciphers=CipherStrictness(self._settings.text("BackendCtrlr.ConnectionStrictness")),
        )


_DEFAULT_TIMEOUT_S: Final = NetworkProfile(csms_url="").message_timeout_s


def _secure(url: str) -> str:
    """The same address over TLS: a security profile is raised without another address being named (1.6 A05)."""
    return "wss://" + url.removeprefix("ws://") if url.startswith("ws://") else url
