"""B09, B10 and Part 4, 5.3: network connection profiles, and how a station comes back."""

from __future__ import annotations

from datetime import timedelta

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.station.authorities import Authorities, Root
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.csms import Attempt, SimulatedCsms
from voltbridge.conformance.station.memory import certificate_installed
from voltbridge.conformance.station.states import (
    connectors_are,
)

__all__ = ["booted_at", "secured"]

_UNKNOWN_SLOT = 999
_CSMS_ROOT = "CSMSRootCertificate"


async def _set_profile(csms: SimulatedCsms, slot: int, url: str, status: str) -> None:
    profile = csms.configuration.network_profile
    connection = {
        "messageTimeout": profile.message_timeout_s,
        "ocppCsmsUrl": url,
        "ocppInterface": profile.ocpp_interface,
        "ocppVersion": "OCPP20",
        "ocppTransport": "JSON",
        "securityProfile": int(await csms.value("SecurityCtrlr", "SecurityProfile") or 1),
    }
    request = {"configurationSlot": slot, "connectionData": connection}
    (await csms.call(2, "SetNetworkProfile", request)).expect("status", status)


@station_case("TC_B_43_CS")
async def profile_refused(csms: SimulatedCsms) -> None:
    """A network connection profile for a slot there is not."""
    await _set_profile(csms, _UNKNOWN_SLOT, csms.other_url, "Rejected")


async def _slots(csms: SimulatedCsms) -> tuple[int, int]:
    """The slot in use, and another the station has."""
    active = await csms.value("OCPPCommCtrlr", "ActiveNetworkProfile")
    if active is None:
        raise NotApplicable("the station does not tell ActiveNetworkProfile")
    slots = csms.configuration.network_profile.configuration_slot, csms.configuration.network_profile.other_slot
    return int(active), next(slot for slot in slots if slot != int(active))


async def _migrate(csms: SimulatedCsms) -> int:
    """Steps 1 to 6: the other endpoint in the other slot, first in priority; the number of the connection it had."""
    active, other = await _slots(csms)
    await _set_profile(csms, other, csms.other_url, "Accepted")
    priority = {
        "component": {"name": "OCPPCommCtrlr"},
        "variable": {"name": "NetworkConfigurationPriority"},
        "attributeValue": f"{other},{active}",
    }
    response = await csms.call(4, "SetVariables", {"setVariableData": [priority]})
    response.expect("setVariableResult.0.attributeStatus", "Accepted", "RebootRequired")
    before = csms.connections
    csms.forget()
    (await csms.call(6, "Reset", {"type": "OnIdle"})).expect("status", "Accepted")
    return before


async def booted_at(csms: SimulatedCsms, step: int, before: int, url: str) -> None:
    """The reusable state Booted from its step 3 on, at this endpoint."""
    with csms.stage("Booted"):
        await csms.reconnected(3, after=before, seconds=20 * csms.configuration.reconnect_s)
        await csms.take(3, "BootNotification", seconds=csms.configuration.reconnect_s)
        await connectors_are(csms, 5, "Available")
        await csms.take(7, "SecurityEventNotification", {"type": ("StartupOfTheDevice", "ResetOrReboot")})
    last = csms.attempts[-1]
    if last.url != url:
        raise StepFailed(csms.step(step), f"a connection to {url}", last.url)


@station_case("TC_B_45_CS")
async def migrates(csms: SimulatedCsms) -> None:
    """The station moves to the network connection profile that is first in priority now."""
    before = await _migrate(csms)
    await booted_at(csms, 7, before, csms.other_url)


@station_case("TC_B_46_CS")
async def falls_back(csms: SimulatedCsms) -> None:
    """The new profile does not connect, twice: the station takes the second in priority."""
    await csms.configured("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "2")
    csms.refused_urls.add(csms.other_url)
    attempts = len(csms.attempts)
    before = await _migrate(csms)
    await booted_at(csms, 9, before, csms.url)
    urls = [one.url for one in csms.attempts[attempts:]]
    if urls != [csms.other_url, csms.other_url, csms.url]:
        raise StepFailed(csms.step(7), "two attempts at the first profile, then one at the second", ", ".join(urls))


async def secured(csms: SimulatedCsms) -> Authorities:
    """The precondition of cases about connections by TLS, and the authorities of the endpoints."""
    profile = await csms.value("SecurityCtrlr", "SecurityProfile")
    if profile not in ("2", "3"):
        raise NotApplicable(f"the station says that it is connected by security profile {profile}, not by 2 or 3")
    assert csms.authorities is not None
    return csms.authorities


@station_case("TC_B_47_CS", secure=True)
async def falls_back_on_the_old_root(csms: SimulatedCsms) -> None:
    """The new CSMS has a certificate by the old root, not by the new one: the station goes back by the old root."""
    csms.needs("reconnects after NetworkProfileConnectionAttempts")
    authorities = await secured(csms)
    if await csms.value("SecurityCtrlr", "AdditionalRootCertificateCheck") != "true":
        raise NotApplicable("AdditionalRootCertificateCheck of the station is not true")
    await csms.configured("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    await certificate_installed(csms, _CSMS_ROOT, authorities.pem(Root.NEW))
    csms.other_root = Root.OLD
    csms.refused_urls.add(csms.other_url)  # a station that gets so far has failed, and is to come back all the same
    attempts, handshakes = len(csms.attempts), len(csms.handshakes)
    before = await _migrate(csms)
    await booted_at(csms, 9, before, csms.url)
    if csms.other_url in [one.url for one in csms.attempts[attempts:]]:
        raise StepFailed(csms.step(8), "no trust in a certificate by the old root", f"a request to {csms.other_url}")
    tried = [one.url for one in csms.handshakes[handshakes:]]
    if tried[:1] != [csms.other_url] or tried.count(csms.other_url) != 1:
        raise StepFailed(csms.step(8), f"one TLS handshake at {csms.other_url}, the first of all", ", ".join(tried))
    response = await csms.call(12, "GetInstalledCertificateIds", {"certificateType": [_CSMS_ROOT]})
    response.expect("status", "Accepted")
    chain = response.payload.get("certificateHashDataChain", [])
    if not any(
        one["certificateType"] == _CSMS_ROOT and authorities.is_named(Root.OLD, one["certificateHashData"])
        for one in chain
    ):
        raise StepFailed(csms.step(12), "the old root among the installed certificates", str(chain))


@station_case("TC_B_50_CS", secure=True)
async def migrates_to_another_root(csms: SimulatedCsms) -> None:
    """The station moves to a CSMS that it trusts by a root that was installed before."""
    authorities = await secured(csms)
    await certificate_installed(csms, _CSMS_ROOT, authorities.pem(Root.NEW))
    csms.other_root = Root.NEW
    before = await _migrate(csms)
    await booted_at(csms, 7, before, csms.other_url)


@station_case("TC_B_49_CS")
async def falls_back_and_waits(csms: SimulatedCsms) -> None:
    """Neither profile connects: the station waits as told and tries the old one again."""
    csms.needs("reconnects after NetworkProfileConnectionAttempts")
    wait_s = csms.configuration.back_off_s
    await csms.configured("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "1")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "0")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(wait_s))
    csms.refused_urls |= {csms.url, csms.other_url}
    attempts = len(csms.attempts)
    before = await _migrate(csms)
    await _attempted(csms, 9, attempts + 2)
    new, old = csms.attempts[attempts : attempts + 2]
    if (new.url, old.url) != (csms.other_url, csms.url):
        raise StepFailed(
            csms.step(9), "an attempt at the first profile, then one at the second", f"{new.url}, {old.url}"
        )
    csms.refused_urls.discard(csms.url)
    await booted_at(csms, 13, before, csms.url)
    _waited(csms, 11, old, csms.attempts[-1], wait_s)


@station_case("TC_B_57_CS")
async def comes_back(csms: SimulatedCsms) -> None:
    """A lost connection is opened again after the back-off time, doubled after an attempt that failed."""
    wait_s = csms.configuration.back_off_s
    await csms.configure("OCPPCommCtrlr", "NetworkProfileConnectionAttempts", "3")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRepeatTimes", "2")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffRandomRange", "0")
    await csms.configured("OCPPCommCtrlr", "RetryBackOffWaitMinimum", str(wait_s))
    patience_s = wait_s + csms.configuration.reconnect_s
    closed, before = csms.clock.now(), csms.connections
    await csms.close(refuse=False)
    await csms.reconnected(2, after=before, seconds=patience_s)
    if csms.clock.now() - closed < timedelta(seconds=wait_s):
        raise StepFailed(csms.step(2), f"a new connection after {wait_s} s or more", str(csms.clock.now() - closed))
    await csms.quiet()
    attempts, before = len(csms.attempts), csms.connections
    closed = csms.clock.now()
    await csms.close(refuse=True)
    await _attempted(csms, 5, attempts + 1, patience_s)
    failed = csms.attempts[attempts]
    first = failed.at - closed
    csms.accept()
    await csms.reconnected(7, after=before, seconds=2 * patience_s)
    if csms.attempts[-1].at - failed.at < 2 * first - timedelta(milliseconds=100):
        waited = csms.attempts[-1].at - failed.at
        raise StepFailed(csms.step(7), f"twice the time of step 5, {2 * first}", str(waited))


async def _attempted(csms: SimulatedCsms, step: int, count: int, seconds: float | None = None) -> None:
    """Wait until the station has tried to connect so many times."""
    wait_s = seconds or 20 * csms.configuration.reconnect_s
    if not await csms.until(lambda: len(csms.attempts) >= count, wait_s):
        raise StepFailed(csms.step(step), "an attempt to connect", f"none within {wait_s:g} s")


def _waited(csms: SimulatedCsms, step: int, one: Attempt, next_one: Attempt, seconds: float) -> None:
    if next_one.at - one.at < timedelta(seconds=seconds):
        raise StepFailed(csms.step(step), f"the next attempt after {seconds:g} s or more", str(next_one.at - one.at))
