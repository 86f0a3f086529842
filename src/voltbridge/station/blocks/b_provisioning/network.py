"""What a station makes of a network profile that the CSMS sets (2.0.1 B09), and of its keys in 1.6 (A05)."""

from __future__ import annotations

from dataclasses import dataclass

from voltbridge.domain.device_model import WriteStatus
from voltbridge.station.context import Context
from voltbridge.station.device_model import Written
from voltbridge.station.network_profiles import SLOTS, NetworkProfile, NetworkProfiles, url_problem
from voltbridge.station.root_certificates import RootCertificates

__all__ = ["Networks", "RefusedProfile"]


@dataclass(frozen=True, slots=True)
class RefusedProfile:
    """Why a profile is not kept: a reason code of the standard's list, and plain words."""

    reason: str
    text: str


class Networks:
    """Takes network profiles and security profiles."""

    __slots__ = ("_context", "_profiles", "_roots")

    def __init__(self, context: Context, profiles: NetworkProfiles, roots: RootCertificates) -> None:
        self._context = context
        self._profiles = profiles
        self._roots = roots

    async def set_profile(
        self, slot: int, profile: NetworkProfile, *, transport: str = "JSON"
    ) -> RefusedProfile | None:
        """Keep the profile. Why it is refused; None: it is on disk."""
        if slot not in SLOTS:  # B09.FR.05
            return RefusedProfile("InvalidConfSlot", f"the slots are {', '.join(map(str, SLOTS))}")
        if profile.security_profile < self._context.settings.security_profile:  # B09.FR.04
            return RefusedProfile("NoSecurityDowngrade", "the security profile is lower than the one in use")
        problem = self._problem(profile, transport)
        if problem is not None:  # B09.FR.02
            return RefusedProfile("InvalidNetworkConf", problem)
        self._profiles.put(slot, profile)
        await self._context.store.committed()
        return None

    def _problem(self, profile: NetworkProfile, transport: str) -> str | None:
        if transport != "JSON":
            return "this station speaks OCPP-J only"
        if not 0 <= profile.security_profile <= 3:
            return "there is no such security profile"
        if profile.message_timeout_s <= 0:
            return "the message time-out is not positive"
        problem = url_problem(profile.csms_url, profile.security_profile)
        if problem is not None:
            return problem
        if profile.security_profile in (1, 2) and not (profile.password or self._context.settings.password):
            return "this security profile needs a password"
        if not set(profile.versions) <= set(self._context.configuration.versions):
            return "this station does not speak that version"
        return None

    async def set_security_profile(self, value: str) -> Written:
        """1.6: change the security profile of the connection in use (A05.FR.01 to FR.04); a new connection follows."""
        current = self._context.settings.security_profile
        if value not in ("1", "2", "3"):
            return Written(WriteStatus.REJECTED, "must be 1, 2 or 3")
        wanted = int(value)
        if wanted <= current:
            return Written(WriteStatus.REJECTED, f"the security profile is {current} and can only be raised")
        if wanted in (1, 2) and not self._context.settings.password:
            return Written(WriteStatus.REJECTED, "AuthorizationKey is not set")
        if wanted == 3 and not self._has_client_certificate():
            return Written(WriteStatus.REJECTED, "there is no certificate of this station")
        if wanted == 2 and not self._roots.can_judge_a_csms:
            return Written(WriteStatus.REJECTED, "there is no root certificate of the CSMS")
        self._context.device_model.set("SecurityCtrlr.SecurityProfile", value)
        await self._context.store.committed()
        return Written(WriteStatus.ACCEPTED)

    def _has_client_certificate(self) -> bool:
        return bool(self._context.store.all("client-certificates"))
