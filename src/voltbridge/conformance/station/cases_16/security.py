"""Cases about the security of charge points of 1.6: passwords, security profiles and events (whitepaper A01 to A05)."""

from __future__ import annotations

import base64
from typing import Final

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.station.case import charge_point_case
from voltbridge.conformance.station.central_system import CentralSystem
from voltbridge.conformance.station.charging_16 import booted, offline, online

__all__: list[str] = []

_KEY: Final = "AuthorizationKey"
_PASSWORD: Final = "00112233445566778899aabbccddeeff01020304"
_BACK: Final = "ffeeddccbbaa99887766554433221100"


def _basic(cs: CentralSystem) -> None:
    if not cs.configuration.basic_auth:
        raise NotApplicable("the charge point has no password for Basic authentication")


async def _change(cs: CentralSystem, step: int, key: str, value: str, *statuses: str) -> None:
    await cs.answered(step, "ChangeConfiguration", {"key": key, "value": value}, *statuses)


def _sent(cs: CentralSystem) -> bytes:
    """What the charge point sent last as its identity and password."""
    header = cs.attempts[-1].authorization or ""
    return base64.b64decode(header.removeprefix("Basic "))


@charge_point_case("TC16_A_Password_Changed_CS")
async def password(cs: CentralSystem) -> None:
    """A new AuthorizationKey is taken, and the charge point comes back with the bytes it spells."""
    _basic(cs)
    for step, value in ((1, _PASSWORD), (2, _BACK)):
        before = cs.connections
        await _change(cs, step, _KEY, value)
        await cs.reconnected(step, after=before)
        wanted = cs.configuration.station_id.encode() + b":" + bytes.fromhex(value)
        if _sent(cs) != wanted:
            raise StepFailed(str(step), f"Basic authentication by {wanted!r}", repr(_sent(cs)))
        await cs.quiet()


@charge_point_case("TC16_A_Password_Hidden_CS")
async def password_hidden(cs: CentralSystem) -> None:
    """AuthorizationKey can be written, never read."""
    _basic(cs)
    told = await cs.read_key(1, _KEY)
    if told is None:
        raise StepFailed("1", f"a key {_KEY}", "none")
    told.expect("readonly", False)
    if told.at("value") not in ("",) and isinstance(told.at("value"), str):
        raise StepFailed("1", "no value", "one")


@charge_point_case("TC16_A_Password_Refused_CS")
async def password_refused(cs: CentralSystem) -> None:
    """A password that is too short or too long is not taken, and the old one stays in use."""
    _basic(cs)
    before, sent = cs.connections, _sent(cs)
    for step, value in ((1, "0011223344"), (2, "00" * 21), (3, "")):
        await _change(cs, step, _KEY, value, "Rejected")
    again = await offline(cs)
    await online(cs, again)
    if cs.connections != before + 1 or _sent(cs) != sent:
        raise StepFailed("4", "the password of before", repr(_sent(cs)))


@charge_point_case("TC16_A_Profile_NotLower_CS")
async def profile_not_lower(cs: CentralSystem) -> None:
    """The security profile is not lowered, and not set to what it is."""
    now = await cs.key("SecurityProfile")
    if now is None:
        raise NotApplicable("the charge point has no key SecurityProfile")
    before = cs.connections
    for step, value in enumerate(range(int(now), -1, -1), 1):
        await _change(cs, step, "SecurityProfile", str(value), "Rejected")
    if await cs.key("SecurityProfile") != now or cs.connections != before:
        raise StepFailed("5", f"the security profile {now}, and the connection of before", "another")


@charge_point_case("TC16_A_Profile_NoCertificate_CS")
async def profile_without_certificate(cs: CentralSystem) -> None:
    """Without the certificates it needs a higher security profile is not taken."""
    now = await cs.key("SecurityProfile")
    if now is None or int(now) >= 3:
        raise NotApplicable("the charge point has no key SecurityProfile, or the highest")
    cs.needs("no certificates")
    await _change(cs, 1, "SecurityProfile", "3", "Rejected")
    await _change(cs, 2, "SecurityProfile", "4", "Rejected")
    if (value := await cs.key("SecurityProfile")) != now:
        raise StepFailed("3", f"SecurityProfile {now}", str(value))


@charge_point_case("TC16_A_Event_Reset_CS")
async def reset_event(cs: CentralSystem) -> None:
    """A reset is a security event, told once the charge point is accepted."""
    await booted(cs, "Hard")
    told = await cs.take(1, "SecurityEventNotification")
    told.expect("type", "ResetOrReboot", "StartupOfTheDevice")


@charge_point_case("TC16_A_Event_Queued_CS")
async def queued_event(cs: CentralSystem) -> None:
    """A security event while there is no connection is told when there is one again."""
    before = await offline(cs)
    await cs.station.power_cycle()
    await cs.wait(30)
    await online(cs, before)
    told = await cs.take(1, "SecurityEventNotification")
    told.expect("type", "StartupOfTheDevice", "ResetOrReboot")


@charge_point_case("TC16_A_Event_Clock_CS")
async def clock_event(cs: CentralSystem) -> None:
    """A clock that is set by far is a security event."""
    await cs.needs_keys(HeartbeatInterval="30")
    cs.answers.once("Heartbeat", {"currentTime": cs.in_a_while(86_400)})
    await cs.take(1, "Heartbeat", seconds=30 + cs.configuration.time_deviation_s)
    told = await cs.take(2, "SecurityEventNotification")
    told.expect("type", "SettingSystemTime")
