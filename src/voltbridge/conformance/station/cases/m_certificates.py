"""M03 to M05: root certificates installed, listed, deleted; and connections by a new one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from voltbridge.conformance.failure import NotApplicable, StepFailed
from voltbridge.conformance.received import ABSENT, Received
from voltbridge.conformance.station.authorities import Authorities, Root
from voltbridge.conformance.station.case import station_case
from voltbridge.conformance.station.cases.b_network import booted_at, secured
from voltbridge.conformance.station.csms import SimulatedCsms
from voltbridge.conformance.station.memory import certificate_installed

__all__: list[str] = []

_CSMS, _MANUFACTURER, _MO = "CSMSRootCertificate", "ManufacturerRootCertificate", "MORootCertificate"
_STRANGE = {
    "hashAlgorithm": "SHA256",
    "issuerNameHash": "5a1c8f0e2b7d4c6391e0f4a8b2d6c7e95f3a1b0c8d7e6f5a4b3c2d1e0f9a8b7c",
    "issuerKeyHash": "c7b8a9f0e1d2c3b4a5f6e7d8c9b0a1f2e3d4c5b6a7f8e9d0c1b2a3f4e5d6c7b8",
    "serialNumber": "3f2a9c",
}
"""Of a certificate that nobody has."""


def _authorities(csms: SimulatedCsms) -> Authorities:
    if csms.authorities is None:
        raise NotApplicable("the kit has no certificates to install: give --listen-tls and --ca")
    return csms.authorities


async def _checks(csms: SimulatedCsms) -> bool:
    return await csms.value("SecurityCtrlr", "AdditionalRootCertificateCheck") == "true"


async def _listed(csms: SimulatedCsms, step: int, *uses: str, status: tuple[str, ...] = ("Accepted",)) -> Received:
    """The reusable state GetInstalledCertificates."""
    request = {"certificateType": list(uses)} if uses else {}
    response = await csms.call(step, "GetInstalledCertificateIds", request)
    response.expect("status", *status)
    return response


def _entries(response: Received, use: str) -> list[Mapping[str, Any]]:
    chain = response.payload.get("certificateHashDataChain", [])
    return [one["certificateHashData"] for one in chain if one["certificateType"] == use]


def _has(csms: SimulatedCsms, step: int, response: Received, use: str, root: Root) -> None:
    """Raises StepFailed unless the root is listed as one of this type."""
    authorities = _authorities(csms)
    found = _entries(response, use)
    if not any(authorities.is_named(root, one) for one in found):
        raise StepFailed(csms.step(step), f"{root} as a {use}", str(found))


def _has_not(csms: SimulatedCsms, step: int, response: Received, use: str, root: Root) -> None:
    authorities = _authorities(csms)
    if any(authorities.is_named(root, one) for one in _entries(response, use)):
        raise StepFailed(csms.step(step), f"no {root} as a {use}", "it is listed")


@station_case("TC_M_01_CS", secure=True)
async def csms_root_installed(csms: SimulatedCsms) -> None:
    """A root certificate for the CSMS is installed."""
    await certificate_installed(csms, _CSMS, _authorities(csms).pem(Root.NEW))
    _has(csms, 2, await _listed(csms, 2, _CSMS), _CSMS, Root.NEW)


@station_case("TC_M_02_CS")
async def manufacturer_root_installed(csms: SimulatedCsms) -> None:
    """A root certificate of the manufacturer is installed."""
    await certificate_installed(csms, _MANUFACTURER, _authorities(csms).pem(Root.OLD))
    _has(csms, 2, await _listed(csms, 2, _MANUFACTURER), _MANUFACTURER, Root.OLD)


@station_case("TC_M_07_CS", secure=True)
async def expired_root(csms: SimulatedCsms) -> None:
    """A root certificate that has expired is rejected, and not listed."""
    if await _checks(csms):
        raise NotApplicable("AdditionalRootCertificateCheck of the station is true")
    authorities = _authorities(csms)
    request = {"certificateType": _CSMS, "certificate": authorities.pem(Root.EXPIRED)}
    (await csms.call(2, "InstallCertificate", request)).expect("status", "Rejected")
    _has_not(csms, 4, await _listed(csms, 4, _CSMS), _CSMS, Root.EXPIRED)


@station_case("TC_M_09_CS", secure=True)
async def root_not_signed_by_the_old_one(csms: SimulatedCsms) -> None:
    """With AdditionalRootCertificateCheck a root that the old one has not signed is rejected, and the old one stays."""
    if not await _checks(csms):
        raise NotApplicable("AdditionalRootCertificateCheck of the station is not true")
    request = {"certificateType": _CSMS, "certificate": _authorities(csms).pem(Root.STRANGE)}
    (await csms.call(2, "InstallCertificate", request)).expect("status", "Rejected")
    response = await _listed(csms, 4, _CSMS)
    _has(csms, 4, response, _CSMS, Root.OLD)
    if len(found := response.payload.get("certificateHashDataChain", [])) != 1:
        raise StepFailed(csms.step(4), "one certificate", str(found))


@station_case("TC_M_12_CS", secure=True)
async def csms_roots_listed(csms: SimulatedCsms) -> None:
    """The root certificates for the CSMS are listed."""
    await certificate_installed(csms, _CSMS, _authorities(csms).pem(Root.NEW))
    _has(csms, 1, await _listed(csms, 1, _CSMS), _CSMS, Root.NEW)


@station_case("TC_M_13_CS")
async def manufacturer_roots_listed(csms: SimulatedCsms) -> None:
    """The root certificates of the manufacturer are listed."""
    await certificate_installed(csms, _MANUFACTURER, _authorities(csms).pem(Root.OLD))
    _has(csms, 1, await _listed(csms, 1, _MANUFACTURER), _MANUFACTURER, Root.OLD)


@station_case("TC_M_17_CS", secure=True)
async def both_types_listed(csms: SimulatedCsms) -> None:
    """Root certificates of two types are listed in one answer."""
    await certificate_installed(csms, _CSMS, _authorities(csms).pem(Root.NEW))
    await certificate_installed(csms, _MANUFACTURER, _authorities(csms).pem(Root.OLD))
    response = await _listed(csms, 1, _CSMS, _MANUFACTURER)
    _has(csms, 1, response, _CSMS, Root.NEW)
    _has(csms, 1, response, _MANUFACTURER, Root.OLD)


@station_case("TC_M_18_CS", secure=True)
async def all_types_listed(csms: SimulatedCsms) -> None:
    """Without a type all root certificates are listed."""
    await certificate_installed(csms, _CSMS, _authorities(csms).pem(Root.NEW))
    await certificate_installed(csms, _MANUFACTURER, _authorities(csms).pem(Root.OLD))
    response = await _listed(csms, 2)
    _has(csms, 2, response, _CSMS, Root.NEW)
    _has(csms, 2, response, _MANUFACTURER, Root.OLD)


@station_case("TC_M_19_CS")
async def none_of_the_type(csms: SimulatedCsms) -> None:
    """A type of which nothing is installed is not found."""
    with csms.stage("Configuration State"):
        for name in _entries(await _listed(csms, 1, _MO, status=("Accepted", "NotFound")), _MO):
            await csms.call(2, "DeleteCertificate", {"certificateHashData": dict(name)})
    response = await _listed(csms, 2, _MO, status=("NotFound",))
    response.expect("certificateHashDataChain", ABSENT)


@station_case("TC_M_20_CS")
async def root_deleted(csms: SimulatedCsms) -> None:
    """A root certificate for the CSMS is deleted, and not listed any more."""
    found = _entries(await _listed(csms, 0, _CSMS, status=("Accepted", "NotFound")), _CSMS)
    if not found:
        await certificate_installed(csms, _CSMS, _authorities(csms).pem(Root.OLD))
    name = _entries(await _listed(csms, 1, _CSMS), _CSMS)[-1]
    (await csms.call(3, "DeleteCertificate", {"certificateHashData": name})).expect("status", "Accepted")
    left = _entries(await _listed(csms, 4, _CSMS, status=("Accepted", "NotFound")), _CSMS)
    if name in left:
        raise StepFailed(csms.step(4), "the deleted certificate no longer", str(left))


@station_case("TC_M_22_CS")
async def none_to_delete(csms: SimulatedCsms) -> None:
    """A certificate that is not installed is not found when it is to be deleted."""
    await _listed(csms, 1, _CSMS, status=("Accepted", "NotFound"))
    (await csms.call(3, "DeleteCertificate", {"certificateHashData": _STRANGE})).expect("status", "NotFound")


async def _reset(csms: SimulatedCsms) -> int:
    """Steps 1 and 2; the number of the connection it had."""
    before = csms.connections
    csms.forget()
    (await csms.call(2, "Reset", {"type": "OnIdle"})).expect("status", "Accepted")
    return before


@station_case("TC_M_30_CS", secure=True)
async def reconnects_by_the_new_root(csms: SimulatedCsms) -> None:
    """The station comes back by the new root, and the old one is gone."""
    authorities = await secured(csms)
    if not await _checks(csms):
        raise NotApplicable("AdditionalRootCertificateCheck of the station is not true")
    await certificate_installed(csms, _CSMS, authorities.pem(Root.NEW))
    csms.root = Root.NEW
    await booted_at(csms, 4, await _reset(csms), csms.url)
    _has_not(csms, 7, await _listed(csms, 7, _CSMS), _CSMS, Root.OLD)


@station_case("TC_M_31_CS", secure=True)
async def reconnects_by_the_old_root(csms: SimulatedCsms) -> None:
    """The CSMS still shows a certificate by the old root: the station comes back by that, and keeps it."""
    authorities = await secured(csms)
    if not await _checks(csms):
        raise NotApplicable("AdditionalRootCertificateCheck of the station is not true")
    await certificate_installed(csms, _CSMS, authorities.pem(Root.NEW))
    await booted_at(csms, 5, await _reset(csms), csms.url)
    _has(csms, 8, await _listed(csms, 8, _CSMS), _CSMS, Root.OLD)
