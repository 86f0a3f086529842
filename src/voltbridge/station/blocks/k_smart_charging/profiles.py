"""The charging profiles of a station on its disk, and which the station takes (2.0.1 K01; 1.6 5.16)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from typing import Final

import msgspec

from voltbridge.domain.charging_profiles import (
    ChargingProfile,
    InstalledProfile,
    ProfilePurpose,
    check_profile,
    conflict,
)
from voltbridge.domain.errors import InvalidValue
from voltbridge.station.configuration import EvseConfiguration
from voltbridge.station.context import Context

__all__ = ["Profiles", "Refused", "check", "check_room"]

_NAMESPACE: Final = "charging-profiles"
_SINGLE_PHASE: Final = 1
_MOST: Final = 100
"""As ``Entries`` and MaxChargingProfilesInstalled say."""


class Refused(Exception):
    """The station does not take a profile. ``code`` is a reason code of 2.x, the text says more."""

    def __init__(self, code: str, info: str = "") -> None:
        super().__init__(info)
        self.code = code
        self.info = info


class Profiles:
    """All that are installed, by id. What is put in or taken out is on disk with the next commit."""

    __slots__ = ("_known", "_store")

    def __init__(self, context: Context) -> None:
        self._store = context.store
        self._known: dict[int, InstalledProfile] = {}
        for document in context.store.all(_NAMESPACE).values():
            installed = msgspec.json.decode(document, type=InstalledProfile)
            self._known[installed.profile.id] = installed

    def __len__(self) -> int:
        return len(self._known)

    def __iter__(self) -> Iterator[InstalledProfile]:
        return iter(tuple(self._known.values()))

    def get(self, profile_id: int) -> InstalledProfile | None:
        """The profile of this id."""
        return self._known.get(profile_id)

    def put(self, installed: InstalledProfile) -> None:
        """Keep it, in place of the one of the same id (K01.FR.05)."""
        self._known[installed.profile.id] = installed
        self._store.put(_NAMESPACE, str(installed.profile.id), msgspec.json.encode(installed))

    def put_back(self, before: Iterable[InstalledProfile]) -> None:
        """Have exactly these again."""
        known = {each.profile.id: each for each in before}
        self.remove(lambda each: each.profile.id not in known)
        for profile_id, each in known.items():
            if self._known.get(profile_id) is not each:
                self.put(each)

    def remove(self, which: Callable[[InstalledProfile], bool]) -> int:
        """Forget those; how many there were."""
        gone = [each.profile.id for each in self._known.values() if which(each)]
        for profile_id in gone:
            del self._known[profile_id]
            self._store.delete(_NAMESPACE, str(profile_id))
        return len(gone)


def check(context: Context, evse_id: int, profile: ChargingProfile, *, talks: bool = False) -> None:
    """Raises Refused for what this station cannot follow there, whatever else is installed.

    ``talks``: the vehicle there chooses among schedules (ISO 15118).
    """
    settings = context.settings
    if evse_id and not context.configuration.has(evse_id):
        raise Refused("UnknownEvse", f"there is no EVSE {evse_id}")
    try:
        # Any number that is not negative is an id of a CSMS; ours of limits from outside are negative (K11.FR.06).
        check_profile(replace(profile, id=profile.id or 1), evse_id)
    except InvalidValue as error:
        code = "InvalidSchedule" if error.field.startswith("schedules") else "InvalidProfile"
        raise Refused(code, str(error)) from None
    if profile.stack_level > settings.number("SmartChargingCtrlr.ProfileStackLevel"):
        raise Refused("InvalidStackLevel", "the stack level is above ProfileStackLevel")
    chooses = talks and profile.purpose is ProfilePurpose.TX
    if len(profile.schedules) > 1 and not chooses:
        raise Refused("InvalidSchedule", "no vehicle here chooses among schedules (K01.FR.34)")
    for schedule in profile.schedules:
        if schedule.unit.value not in settings.items("SmartChargingCtrlr.RateUnit"):
            raise Refused("UnsupportedRateUnit", f"{schedule.unit} is not in RateUnit")
        if len(schedule.periods) > settings.number("SmartChargingCtrlr.PeriodsPerSchedule"):
            raise Refused("InvalidSchedule", "there are more periods than PeriodsPerSchedule")
        if schedule.sales_tariff is not None and not chooses:
            raise Refused("UnsupportedParam", "no vehicle here asks for a salesTariff")
        if schedule.unit is not profile.schedules[0].unit:
            raise Refused("UnsupportedRateUnit", "the schedules to choose from are in different units")
    evses = context.configuration.evses
    for evse in evses[evse_id - 1 : evse_id] if evse_id else evses:
        if not evse.direct_current:  # with direct current phases do not matter (K01.FR.44)
            _check_phases(context, evse, profile)


def _check_phases(context: Context, evse: EvseConfiguration, profile: ChargingProfile) -> None:
    """K01.FR.43 to FR.48: more phases than there are do no harm; fewer only where the station can switch to them."""
    switches = context.settings.flag("SmartChargingCtrlr.Phases3to1")
    for period in (period for schedule in profile.schedules for period in schedule.periods):
        phases = period.number_phases
        if phases is not None and phases < evse.phases and not (switches and phases == _SINGLE_PHASE):
            raise Refused("UnsupportedParam", f"the EVSE cannot be held to {phases} of its {evse.phases} phases")
        if period.phase_to_use is not None and (evse.phases > 1 or period.phase_to_use > 1):
            raise Refused("UnsupportedParam", "the phase cannot be chosen (ACPhaseSwitchingSupported)")


def check_room(profiles: Profiles, evse_id: int, profile: ChargingProfile) -> None:
    """Raises Refused where other profiles do not leave room for this one (K01.FR.06, FR.39, FR.52, FR.53)."""
    other = conflict(evse_id, profile, profiles)
    if other is not None:
        raise Refused("DuplicateProfile", f"profile {other.profile.id} has the same purpose and stack level")
    known = profiles.get(profile.id)
    if known is not None and known.profile.purpose is ProfilePurpose.EXTERNAL:
        raise Refused("DuplicateProfile", "the id is that of a limit from outside")
    if known is None and len(profiles) >= _MOST:
        raise Refused("OutOfMemory", "no more profiles can be kept")
